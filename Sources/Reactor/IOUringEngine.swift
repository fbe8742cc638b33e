import CLinux
import Glibc

/// The engine of choice: one system call a turn hands over every receive and send, waits, and
/// brings what has completed.
///
/// Overview: at most one receive, one send and one connect of a socket are in the kernel at a
/// time. A receive names no memory: the kernel takes a buffer from the ring of provided buffers
/// when bytes are there, so sockets that wait occupy none. Accepting is multishot.
///
/// Function: closing is shutdown and cancel, then waiting for every completion, then close(2),
/// then freeing the entry. (close(2) alone would send no end of file while a receive is armed,
/// and late bytes would still complete it.)
///
/// Implementation: `SINGLE_ISSUER` lets only the thread that made the ring submit, and
/// `DEFER_TASKRUN` runs completions only while it waits: no interruption, no lock.
@safe
final class IOUringEngine {
    let loop: LoopState
    let wakeSignal: WakeSignal
    let ring: UnsafeMutablePointer<io_uring>
    private let completed: UnsafeMutablePointer<UnsafeMutablePointer<io_uring_cqe>?>
    private let wakeCount: UnsafeMutablePointer<UInt64>
    /// Memory that a submission entry may point to until it is submitted.
    let staging: SubmissionStaging
    /// Operations in the kernel.
    private(set) var outstanding = 0
    /// Sends that wait for the next submission.
    var sendsQueued = 0
    private var isWakeArmed = false
    private let smallBuffers: ProvidedBuffers
    private let largeBuffers: ProvidedBuffers

    /// Small buffers lent at first: enough for what is ready at once in a loop under normal load.
    private static let firstLent = 64

    /// Large buffers lent at first: two each for a few flows.
    private static let firstLargeLent = 8

    /// How long in nanoseconds a wait may overlook one event, because it takes the event for the
    /// end of a send.
    private static let sendPatience: Int64 = 50_000

    init(loop: LoopState, wakeSignal: WakeSignal) throws(ReactorError) {
        self.loop = loop
        self.wakeSignal = wakeSignal
        self.smallBuffers = try ProvidedBuffers(
            pool: loop.buffers.small,
            group: 1,
            first: Self.firstLent
        )
        do {
            self.largeBuffers = try ProvidedBuffers(
                pool: loop.buffers.large,
                group: 2,
                first: Self.firstLargeLent
            )
        } catch {
            self.smallBuffers.deallocate()
            throw error
        }
        unsafe self.ring = .allocate(capacity: 1)
        unsafe self.ring.initialize(to: io_uring())
        if let reason = unsafe IOUringSetup.open(self.ring, loop.limits) {
            self.smallBuffers.deallocate()
            self.largeBuffers.deallocate()
            unsafe self.ring.deallocate()
            throw .ioUringUnavailable(reason)
        }
        self.staging = SubmissionStaging(entries: loop.limits.submissionEntries)
        unsafe self.completed = .allocate(capacity: loop.limits.eventsPerTurn)
        unsafe self.wakeCount = .allocate(capacity: 1)
        unsafe self.wakeCount.initialize(to: 0)
        for group in [self.smallBuffers, self.largeBuffers] {
            let outcome = unsafe group.register(with: self.ring)
            if outcome < 0 {
                self.free()
                throw .ioUringUnavailable(IOUringSetup.reason(for: -outcome))
            }
        }
    }

    private func free() {
        unsafe io_uring_queue_exit(self.ring)
        self.smallBuffers.deallocate()
        self.largeBuffers.deallocate()
        unsafe self.ring.deallocate()
        unsafe self.completed.deallocate()
        unsafe self.wakeCount.deallocate()
        self.staging.deallocate()
    }

    // MARK: Turns

    /// Submits what is queued, waits, and gathers what has completed.
    func turn(until deadline: Int64?) {
        if !self.isWakeArmed {
            self.armWake()
        }
        if self.loop.listeners.hasChanged {
            self.serviceListeners()
        }
        self.startConnects()
        // Receives of flows look at what is lent when they are armed.
        self.largeBuffers.provide()
        self.serviceListed()
        self.smallBuffers.provide()
        if self.smallBuffers.lent > 0 && !self.loop.parked.isEmpty {
            self.loop.unpark(upTo: self.smallBuffers.lent)
            self.serviceListed()
        }
        let outcome = self.submitAndWait(self.loop.waitTime(until: deadline))
        switch -outcome {
        case ...0, ETIME, EINTR, EAGAIN, EBUSY, ENOMEM:
            break
        default:
            preconditionFailure(
                "the ring refuses (errno \(-outcome)): run by another thread than made it?"
            )
        }
        self.loop.now = Syscalls.bootTime()
        self.gather()
    }

    private func serviceListed() {
        var left = self.loop.listed.count
        while left > 0 {
            left -= 1
            let index = self.loop.nextListed()
            if index >= 0 {
                self.service(index)
            }
        }
    }

    /// The group that a receive in flight takes its buffer from.
    func buffers(isLarge: Bool) -> ProvidedBuffers {
        isLarge ? self.largeBuffers : self.smallBuffers
    }

    /// Waits for a completion; in a bulk phase for one more than there are sends in the submission.
    ///
    /// Nearly every send is done at once, and a wait for one completion ends with it, only to
    /// begin again. A send that finds its socket full is not done at once; then the longer wait
    /// may go on although something has happened, and `sendPatience` ends it. (With short
    /// messages the wait that ends at once is worth its price: it brings what has come
    /// meanwhile, so that turns are fewer and larger.)
    ///
    /// The kernel's answer: a negative errno when nothing could be done.
    @discardableResult
    private func submitAndWait(_ wait: Int64) -> Int32 {
        let sends = self.loop.bulkPhase.isActive ? self.sendsQueued : 0
        self.sendsQueued = 0
        if wait == 0 {
            return unsafe io_uring_submit_and_get_events(self.ring)
        }
        var first: UnsafeMutablePointer<io_uring_cqe>?
        if wait < 0 && sends == 0 {
            return unsafe io_uring_submit_and_wait_timeout(self.ring, &first, 1, nil, nil)
        }
        var longest = wait
        if sends > 0 && (wait < 0 || wait > Self.sendPatience) {
            longest = Self.sendPatience
        }
        var time = __kernel_timespec()
        time.tv_sec = longest / 1_000_000_000
        time.tv_nsec = longest % 1_000_000_000
        let count = UInt32(sends + 1)
        return unsafe io_uring_submit_and_wait_timeout(self.ring, &first, count, &time, nil)
    }

    private func gather() {
        let most = UInt32(self.loop.limits.eventsPerTurn)
        let count = unsafe io_uring_peek_batch_cqe(self.ring, self.completed, most)
        var index = 0
        while index < Int(count) {
            if let entry = unsafe self.completed[index] {
                unsafe self.happened(
                    EventTag(bits: entry.pointee.user_data),
                    result: entry.pointee.res,
                    flags: entry.pointee.flags
                )
            }
            index += 1
        }
        if count > 0 {
            unsafe io_uring_cq_advance(self.ring, count)
        }
    }

    // MARK: Submissions

    /// A free submission entry. With a full queue, what is in it is submitted first; `nil` when
    /// the kernel takes nothing now (its completion queue is full).
    func entry() -> UnsafeMutablePointer<io_uring_sqe>? {
        if let entry = unsafe io_uring_get_sqe(self.ring) {
            self.outstanding += 1
            return unsafe entry
        }
        unsafe io_uring_submit(self.ring)
        guard let entry = unsafe io_uring_get_sqe(self.ring) else {
            return nil
        }
        self.outstanding += 1
        return unsafe entry
    }

    /// The staging place of a submission entry: its position in the queue.
    func place(_ entry: UnsafeMutablePointer<io_uring_sqe>) -> Int {
        guard let first = unsafe self.ring.pointee.sq.sqes else {
            preconditionFailure("a ring without a submission queue")
        }
        return unsafe entry - first
    }

    /// A receive of a socket, from the large buffers in a flow as long as there are any.
    func prepareReceive(_ entry: UnsafeMutablePointer<io_uring_sqe>, _ index: Int) {
        let flags = self.loop.states[index].flags
        var isLarge = false
        if flags.contains(.flowing) {
            isLarge = self.largeBuffers.lent > 0 && !flags.contains(.largeMissed)
            if !isLarge {
                self.loop.largeMissing()
            }
        }
        let buffers = self.buffers(isLarge: isLarge)
        unsafe weir_prepare_receive(
            entry,
            self.loop.states[index].descriptor,
            UInt32(buffers.size),
            buffers.group,
            flags.contains(.moreWaits) ? 0 : UInt16(IORING_RECVSEND_POLL_FIRST),
            self.tag(.receive, index)
        )
        self.loop.states[index].flags.subtract([.largeMissed, .moreWaits, .largeInFlight])
        self.loop.states[index].flags.insert(
            isLarge ? [.receiveInFlight, .largeInFlight] : .receiveInFlight
        )
    }

    func tag(_ kind: EventTag.Kind, _ index: Int) -> UInt64 {
        let generation = self.loop.states[index].generation
        return EventTag(kind, index: index, generation: generation).bits
    }

    private func armWake() {
        guard let entry = unsafe self.entry() else {
            return
        }
        unsafe weir_prepare_read(
            entry,
            self.wakeSignal.descriptor,
            self.wakeCount,
            8,
            EventTag(.wake).bits
        )
        self.isWakeArmed = true
    }

    func wakeHappened() {
        self.isWakeArmed = false
        self.wakeSignal.acknowledge()
        self.loop.completions.append(Completion(.woken))
    }

    func operationEnded() {
        self.outstanding -= 1
    }

    // MARK: The end

    /// Ends every operation and frees the ring. `false`: some operation did not end, and memory
    /// that the kernel may still write to must not be freed.
    func stop() -> Bool {
        let deadline = Syscalls.bootTime() + 1_000_000_000
        self.cancelEverything()
        while self.outstanding > 0 && Syscalls.bootTime() < deadline {
            self.submitAndWait(10_000_000)
            self.gather()
        }
        if self.outstanding > 0 {
            unsafe io_uring_queue_exit(self.ring)
            return false
        }
        self.free()
        return true
    }

    private func cancelEverything() {
        for index in 0..<self.loop.listeners.used {
            if self.loop.listeners.states[index].isLive {
                self.loop.listeners.states[index].isClosing = true
            }
        }
        self.serviceListeners()
        for index in 0..<self.loop.sockets.highest
        where self.loop.states[index].isLive {
            self.loop.states[index].flags.insert(.closing)
            self.loop.abandon(index, error: 0)
        }
        self.serviceListed()
        if self.isWakeArmed, let entry = unsafe self.entry() {
            unsafe weir_prepare_cancel(entry, EventTag(.wake).bits, EventTag(.cancel).bits)
        }
    }
}
