import Glibc

/// All that both engines share: the tables, the queues, and what an event means for a socket.
///
/// The owner's calls only change a socket's entry and put it on the `listed` queue; the engine
/// looks at that queue once a turn, before it waits. So a turn has one submission, and choosing
/// an engine costs one `switch` a turn.
final class LoopState {
    let limits: ReactorLimits
    let sockets: SocketTable
    /// The entries of `sockets`, one step nearer.
    let states: Slab<SocketState>
    let buffers: ReceiveBuffers
    let memory: OutputMemory
    let completions = CompletionQueue()
    let listeners: ListenerTable
    /// Sockets that the engine must look at.
    let listed = RingQueue<SocketID>()
    /// Sockets that wait for a receive buffer, first come first served.
    let parked = RingQueue<SocketID>()
    /// Flushing closes, oldest first; all have the same time.
    let lingering = RingQueue<SocketID>()
    /// Sockets whose output waits for more, oldest first; all have the same time.
    let corks = RingQueue<Cork>()
    /// Connections asked for in this turn.
    var connects: [(id: SocketID, address: SocketAddress)] = []
    /// CLOCK_BOOTTIME in nanoseconds, as of the end of the last wait.
    var now = Syscalls.bootTime()
    /// Whether sockets of this loop are non-blocking: epoll needs it, io_uring must not have it
    /// (it would report EAGAIN instead of waiting).
    let isNonblocking: Bool
    /// When the memory of large buffers goes back, unless one is used before.
    var nextTrim = Int64.max
    /// Whether most of the work is bulk data.
    private(set) var bulkPhase: BulkPhase
    private var parkedCount = 0

    init?(limits: ReactorLimits, isNonblocking: Bool) {
        guard let sockets = SocketTable(capacity: limits.maxSockets),
            let listeners = ListenerTable(capacity: limits.maxListeners),
            let buffers = ReceiveBuffers(limits: limits)
        else {
            return nil
        }
        self.limits = limits
        self.sockets = sockets
        self.states = sockets.states
        self.listeners = listeners
        self.buffers = buffers
        self.memory = OutputMemory(buffers: buffers, limits: limits)
        self.isNonblocking = isNonblocking
        self.bulkPhase = BulkPhase(window: limits.bulkWindow)
    }

    /// Closes every descriptor and frees every page. The engine must have stopped.
    func deallocate() {
        self.bulkPhase.end()
        for index in 0..<self.sockets.highest where self.states[index].isLive {
            self.states[index].output.drop(keepingSettled: false, self.memory)
            if self.states[index].descriptor >= 0 {
                Syscalls.close(self.states[index].descriptor)
            }
        }
        for index in 0..<self.listeners.used where self.listeners.states[index].isLive {
            self.listeners.close(index)
        }
        self.sockets.states.deallocate()
        self.listeners.states.deallocate()
        self.memory.blocks.deallocate()
        self.buffers.deallocate()
        self.completions.deallocate()
    }

    /// Has the engine look at a socket before it waits.
    func list(_ index: Int) {
        if !self.states[index].has(.listed) {
            self.states[index].flags.insert(.listed)
            self.listed.append(self.sockets.id(index))
        }
    }

    /// The next socket to look at, or -1 when there is none or it is gone.
    func nextListed() -> Int {
        guard let id = self.listed.popFirst() else {
            return -1
        }
        let index = self.sockets.find(id)
        if index >= 0 {
            self.states[index].flags.remove(.listed)
        }
        return index
    }

    /// Tells the owner something about a socket.
    func emit(
        _ kind: Completion.Kind,
        _ index: Int,
        error: Int32 = 0,
        count: Int = 0,
        buffer: Int = -1
    ) {
        self.completions.append(
            Completion(
                kind,
                socket: self.sockets.id(index),
                context: self.states[index].context,
                error: error,
                count: count,
                buffer: Int32(truncatingIfNeeded: buffer)
            )
        )
    }

    /// The receive buffers of the turn that is over go back, unless output holds them.
    func recycleCompletions() {
        for index in 0..<self.completions.currentCount {
            let buffer = self.completions[index].buffer
            if buffer >= 0 {
                self.buffers.release(Int(buffer))
            }
        }
        self.completions.removeCurrent()
    }

    // MARK: Waiting for buffers

    /// A receive found no buffer. Who was woken in vain goes back to the front.
    func park(_ index: Int) {
        if self.states[index].has(.parked) {
            return
        }
        self.memory.counters.buffersMissing += 1
        self.parkedCount += 1
        self.states[index].flags.insert(.parked)
        if self.states[index].has(.unparked) {
            self.parked.prepend(self.sockets.id(index))
        } else {
            self.parked.append(self.sockets.id(index))
        }
    }

    /// Lists as many of the parked sockets as there are buffers for.
    func unpark(upTo count: Int) {
        var left = count
        while left > 0, let id = self.parked.popFirst() {
            let index = self.sockets.find(id)
            if index < 0 || !self.states[index].has(.parked) {
                continue
            }
            self.parkedCount -= 1
            self.states[index].flags.remove(.parked)
            self.states[index].flags.insert(.unparked)
            self.list(index)
            left -= 1
        }
    }

    /// Takes a socket out of the parked ones; its place in the queue becomes void.
    func leaveParked(_ index: Int) {
        if self.states[index].has(.parked) {
            self.states[index].flags.remove(.parked)
            self.parkedCount -= 1
        }
    }

    // MARK: Time

    /// How long the engine may wait: 0 not at all, below 0 without end, else nanoseconds.
    func waitTime(until deadline: Int64?) -> Int64 {
        if self.completions.comingCount > 0 || !self.listed.isEmpty || !self.connects.isEmpty {
            return 0
        }
        var next = deadline ?? .max
        next = min(
            next,
            self.nextLingerDeadline(),
            self.nextCorkDeadline(),
            self.listeners.nextRetry,
            self.nextTrim
        )
        if next == .max {
            return -1
        }
        return next <= self.now ? 0 : next &- self.now
    }

    private func nextLingerDeadline() -> Int64 {
        while let id = self.lingering.first {
            let index = self.sockets.find(id)
            if index >= 0 && self.states[index].has(.lingering) {
                return self.states[index].lingerDeadline
            }
            _ = self.lingering.popFirst()
        }
        return .max
    }

    /// Ends flushing closes whose time is up, and lets listeners try again.
    func expireTimers() {
        while self.nextLingerDeadline() <= self.now, let id = self.lingering.popFirst() {
            let index = self.sockets.find(id)
            if index < 0 {
                continue
            }
            self.memory.counters.lingerTimeouts += 1
            self.abandon(index, error: self.states[index].output.isEmpty ? 0 : ETIMEDOUT)
        }
        self.expireCorks()
        self.listeners.expireRetries(now: self.now)
        self.trimIfDue()
        self.bulkPhase.look(now: self.now, &self.memory.counters)
    }

    /// The counters with the gauges filled in.
    var counters: ReactorCounters {
        var counters = self.memory.counters
        counters.sockets = self.sockets.count
        counters.parked = self.parkedCount
        counters.buffersHeld = self.memory.held
        counters.largeBuffersHeld = self.memory.heldLarge
        counters.largeBuffersInUse = self.buffers.large.inUse
        counters.buffersInUse = self.buffers.inUse
        counters.outputMemory = self.memory.blocks.bytesInUse
        return counters
    }
}
