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
    private let bufferRing: UnsafeMutablePointer<io_uring_buf_ring>
    private let bufferRingBytes: Int
    private let completed: UnsafeMutablePointer<UnsafeMutablePointer<io_uring_cqe>?>
    private let wakeCount: UnsafeMutablePointer<UInt64>
    /// Memory that a submission entry may point to until it is submitted.
    let staging: SubmissionStaging
    /// Operations in the kernel.
    private(set) var outstanding = 0
    private var isWakeArmed = false
    /// Buffers that the kernel may take from now.
    var lent = 0
    /// How many it should have. The ring hands them out in turn, so a small number keeps the
    /// caches warm and leaves the memory of the others untouched; each turn in which a receive
    /// found none doubles it.
    private var wantedLent: Int
    /// A receive found no buffer in the last turn.
    var isShort = false

    /// Buffers lent at first: enough for what is ready at once in a loop under normal load.
    private static let firstLent = 64

    /// The buffer group that all receives take from.
    private static let bufferGroup: UInt16 = 1

    init(loop: LoopState, wakeSignal: WakeSignal) throws(ReactorError) {
        self.loop = loop
        self.wakeSignal = wakeSignal
        self.wantedLent = min(Self.firstLent, loop.buffers.count)
        unsafe self.ring = .allocate(capacity: 1)
        unsafe self.ring.initialize(to: io_uring())
        if let reason = unsafe IOUringSetup.open(self.ring, loop.limits) {
            unsafe self.ring.deallocate()
            throw .ioUringUnavailable(reason)
        }
        self.bufferRingBytes = loop.buffers.count * MemoryLayout<io_uring_buf>.stride
        guard let pages = unsafe Syscalls.mapPages(self.bufferRingBytes)
        else {
            unsafe io_uring_queue_exit(self.ring)
            unsafe self.ring.deallocate()
            throw .system(call: "mmap", errno: Syscalls.lastError)
        }
        self.staging = SubmissionStaging(entries: loop.limits.submissionEntries)
        unsafe self.bufferRing = pages.bindMemory(to: io_uring_buf_ring.self, capacity: 1)
        unsafe self.completed = .allocate(capacity: loop.limits.eventsPerTurn)
        unsafe self.wakeCount = .allocate(capacity: 1)
        unsafe self.wakeCount.initialize(to: 0)
        let outcome = unsafe IOUringSetup.registerBuffers(
            self.ring,
            pages,
            count: loop.buffers.count,
            group: Self.bufferGroup
        )
        if outcome < 0 {
            self.free()
            throw .ioUringUnavailable(IOUringSetup.reason(for: -outcome))
        }
        unsafe io_uring_buf_ring_init(self.bufferRing)
    }

    private func free() {
        unsafe io_uring_queue_exit(self.ring)
        unsafe Syscalls.unmapPages(self.bufferRing, self.bufferRingBytes)
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
        self.serviceListed()
        self.provideBuffers()
        if self.lent > 0 && !self.loop.parked.isEmpty {
            self.loop.unpark(upTo: self.lent)
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

    /// Lends the kernel buffers that have come back, as far as wanted.
    private func provideBuffers() {
        if self.isShort {
            self.isShort = false
            self.wantedLent = min(self.wantedLent * 2, self.loop.buffers.count)
        }
        let mask = io_uring_buf_ring_mask(UInt32(self.loop.buffers.count))
        var count: Int32 = 0
        while self.lent < self.wantedLent, let buffer = self.loop.buffers.takeReturned() {
            self.lent += 1
            unsafe io_uring_buf_ring_add(
                self.bufferRing,
                self.loop.buffers.bytes(buffer),
                UInt32(self.loop.buffers.size),
                UInt16(buffer),
                mask,
                count
            )
            count += 1
        }
        if count > 0 {
            unsafe io_uring_buf_ring_advance(self.bufferRing, count)
        }
    }

    /// The kernel's answer: a negative errno when nothing could be done.
    @discardableResult
    private func submitAndWait(_ wait: Int64) -> Int32 {
        if wait == 0 {
            return unsafe io_uring_submit_and_get_events(self.ring)
        }
        var first: UnsafeMutablePointer<io_uring_cqe>?
        if wait < 0 {
            return unsafe io_uring_submit_and_wait_timeout(self.ring, &first, 1, nil, nil)
        }
        var time = __kernel_timespec()
        time.tv_sec = wait / 1_000_000_000
        time.tv_nsec = wait % 1_000_000_000
        return unsafe io_uring_submit_and_wait_timeout(self.ring, &first, 1, &time, nil)
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

    func prepareReceive(_ entry: UnsafeMutablePointer<io_uring_sqe>, _ index: Int) {
        unsafe weir_prepare_receive(
            entry,
            self.loop.states[index].descriptor,
            UInt32(self.loop.buffers.size),
            Self.bufferGroup,
            self.tag(.receive, index)
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
