import CLinux
import Glibc

/// The engine for kernels and containers that forbid io_uring.
///
/// Sockets are registered once, edge-triggered for everything. What the kernel said is kept in
/// flags: a wanted receive on a readable socket is done in the turn, one buffer each, so that
/// no socket delays the others by more than that.
@safe
final class EpollEngine {
    let loop: LoopState
    private let epoll: Int32
    let wakeSignal: WakeSignal
    private let events: UnsafeMutablePointer<epoll_event>
    private let vectors: UnsafeMutablePointer<iovec>
    /// Sockets to be read in this turn.
    let ready = RingQueue<SocketID>()

    /// Runs offered in one send.
    private static let mostSegments = 16

    private static let everything =
        EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue

    init(loop: LoopState, wakeSignal: WakeSignal) throws(ReactorError) {
        self.loop = loop
        self.wakeSignal = wakeSignal
        self.epoll = Syscalls.makeEpoll()
        if self.epoll < 0 {
            throw .system(call: "epoll_create1", errno: -self.epoll)
        }
        unsafe self.events = .allocate(capacity: loop.limits.eventsPerTurn)
        unsafe self.vectors = .allocate(capacity: Self.mostSegments)
        let outcome = Syscalls.addToEpoll(
            self.epoll,
            wakeSignal.descriptor,
            EPOLLIN.rawValue | EPOLLET.rawValue,
            EventTag(.wake).bits
        )
        if outcome < 0 {
            self.stop()
            throw .system(call: "epoll_ctl", errno: -outcome)
        }
    }

    /// Closes the epoll descriptor and frees what the engine owns.
    func stop() {
        Syscalls.close(self.epoll)
        unsafe self.events.deallocate()
        unsafe self.vectors.deallocate()
    }

    /// Sends what is queued, waits, and gathers what happened.
    func turn(until deadline: Int64?) {
        if self.loop.listeners.hasChanged {
            self.serviceListeners()
        }
        self.startConnects()
        self.serviceListed()
        if !self.loop.parked.isEmpty {
            self.loop.unpark(upTo: self.loop.buffers.small.returnedCount)
            self.serviceListed()
        }
        let wait = self.ready.isEmpty ? self.loop.waitTime(until: deadline) : 0
        let count = unsafe Syscalls.waitForEvents(
            self.epoll,
            self.events,
            self.loop.limits.eventsPerTurn,
            milliseconds: Self.milliseconds(wait)
        )
        self.loop.now = Syscalls.bootTime()
        var index = 0
        while index < Int(count) {
            let event = unsafe self.events[index]
            unsafe self.happened(event.events, EventTag(bits: event.data.u64))
            index += 1
        }
        self.readReady()
    }

    /// Rounded up, so that a deadline has passed when the wait for it ends.
    private static func milliseconds(_ nanoseconds: Int64) -> Int32 {
        if nanoseconds < 0 {
            return -1
        }
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return Int32(clamping: rest > 0 ? whole + 1 : whole)
    }

    // MARK: Before the wait

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

    /// Does for one socket whatever can be done now.
    func service(_ index: Int) {
        let sockets = self.loop.states
        if sockets[index].output.hasFresh {
            sockets[index].output.settle(self.loop.memory)
        }
        if sockets[index].has(.closing) && !sockets[index].has(.lingering) {
            self.loop.finish(index)
            return
        }
        if sockets[index].has(.connecting) || sockets[index].has(.failed) {
            return
        }
        if !sockets[index].has(.registered) {
            self.register(index)
        }
        if sockets[index].has(.writable) && !sockets[index].output.isEmpty
            && !self.loop.isCorked(index)
        {
            self.send(index)
        }
        self.loop.closeWriteIfDue(index)
        if self.loop.mayLeave(index) {
            Syscalls.removeFromEpoll(self.epoll, sockets[index].descriptor)
            self.loop.handOver(index)
            return
        }
        if self.loop.wantsReceive(index) {
            self.makeReady(index)
        } else if sockets[index].has(.lingering) && self.loop.lingerIsOver(index) {
            sockets[index].flags.remove(.lingering)
            self.loop.finish(index)
        }
    }

    private func register(_ index: Int) {
        let id = self.loop.sockets.id(index)
        let outcome = Syscalls.addToEpoll(
            self.epoll,
            self.loop.states[index].descriptor,
            Self.everything,
            EventTag(.socket, index: index, generation: id.generation).bits
        )
        self.loop.states[index].flags.insert(.registered)
        if outcome < 0 {
            self.loop.fail(index, error: -outcome)
        }
    }

    /// Sends until everything has left or the kernel takes no more.
    private func send(_ index: Int) {
        let sockets = self.loop.states
        sockets[index].corkDeadline = 0
        sockets[index].flags.remove(.corked)
        while !sockets[index].output.isEmpty {
            let offered: Int
            let result: Int
            if sockets[index].output.hasOneRun {
                let run = unsafe sockets[index].output.firstRun
                offered = run.count
                result = unsafe Syscalls.send(sockets[index].descriptor, run)
            } else {
                let offer = unsafe sockets[index].output.gather(self.vectors, Self.mostSegments)
                var message = unsafe msghdr()
                unsafe message.msg_iov = self.vectors
                unsafe message.msg_iovlen = offer.segments
                offered = offer.bytes
                result = unsafe Syscalls.send(sockets[index].descriptor, &message)
            }
            if result < 0 {
                if result == -Int(EAGAIN) {
                    sockets[index].flags.remove(.writable)
                } else {
                    self.loop.sendFailed(index, error: Int32(-result))
                }
                return
            }
            self.loop.sent(index, count: result, of: offered)
        }
    }

    /// Puts a readable socket on the list of those to be read.
    private func makeReady(_ index: Int) {
        let flags = self.loop.states[index].flags
        if flags.contains(.readable) && flags.isDisjoint(with: [.ready, .parked]) {
            self.loop.states[index].flags.insert(.ready)
            self.ready.append(self.loop.sockets.id(index))
        }
    }

    private func startConnects() {
        if self.loop.connects.isEmpty {
            return
        }
        for (id, address) in self.loop.connects {
            let index = self.loop.sockets.findOpen(id)
            if index < 0 {
                continue
            }
            let outcome = Syscalls.connect(
                self.loop.states[index].descriptor,
                to: address
            )
            if outcome == 0 {
                self.loop.connected(index)
            } else if outcome == -EINPROGRESS {
                self.register(index)
            } else {
                self.loop.fail(index, error: -outcome)
            }
        }
        self.loop.connects.removeAll(keepingCapacity: true)
    }

    private func serviceListeners() {
        let listeners = self.loop.listeners
        listeners.hasChanged = false
        for index in 0..<listeners.used where listeners.states[index].isLive {
            let state = listeners.states[index]
            if state.wantsAccept && !state.isArmed {
                let tag = EventTag(.listener, index: index, generation: state.generation)
                let outcome = Syscalls.addToEpoll(
                    self.epoll,
                    state.descriptor,
                    EPOLLIN.rawValue,
                    tag.bits
                )
                if outcome < 0 {
                    self.loop.acceptFailed(index)
                } else {
                    listeners.states[index].isArmed = true
                }
            } else if !state.wantsAccept && state.isArmed {
                Syscalls.removeFromEpoll(self.epoll, state.descriptor)
                listeners.states[index].isArmed = false
            }
            if state.isClosing {
                listeners.close(index)
            }
        }
    }
}
