internal import Locking
internal import Synchronization

/// What `LineWriter`'s callers and its thread share: the gathering batch and the requests.
final class LineQueue: Sendable {
    let limits: LineWriter.Limits
    private let state: Locked<State>
    private let wakeUp = Semaphore()
    private let givenUp = Atomic<Bool>(false)
    private let unwrittenCount = Atomic<UInt64>(0)

    private struct State: Sendable {
        var batch: LineBatch
        var target: LogTarget
        /// Sinks that the writer has not yet changed over to.
        var newSinks: LineSinks?
        var dropped: UInt64 = 0
        /// How many lines were handed to `append`, and how many of those the writer has dealt with.
        var received: UInt64 = 0
        var settled: UInt64 = 0
        var isIdle = false
        var isStopping = false
        var hasEnded = false
        var waiters: [Waiter] = []
    }

    /// Somebody waiting in `flush`, until `settled` has come to `ticket` or the thread has ended.
    private struct Waiter: Sendable {
        var ticket: UInt64
        var signal: Semaphore
    }

    /// What the writer has to do next.
    enum Work: Sendable {
        /// A batch to write has been swapped in; `ticket` is to be handed to `settle`.
        case write(ticket: UInt64, newSinks: LineSinks?)
        /// Everything has been written and nothing more will come.
        case stop
    }

    init(limits: LineWriter.Limits, target: LogTarget) {
        self.limits = limits
        self.state = Locked(State(batch: LineBatch(limits: limits), target: target))
    }

    // MARK: For callers

    func append(
        _ line: borrowing Span<UInt8>,
        frameLength: Int,
        severity: LogSeverity
    ) -> Bool {
        let (isAccepted, mustWake) = self.state.withLock { state in
            guard !state.isStopping else {
                state.dropped &+= 1
                return (false, false)
            }
            state.received &+= 1
            let isAccepted = state.batch.append(
                line,
                frameLength: frameLength,
                severity: severity
            )
            if !isAccepted { state.dropped &+= 1 }
            let mustWake = state.isIdle
            state.isIdle = false
            return (isAccepted, mustWake)
        }
        if mustWake { self.wakeUp.signal() }
        return isAccepted
    }

    var dropped: UInt64 { self.state.withLock { $0.dropped } }

    var unwritten: UInt64 { self.unwrittenCount.load(ordering: .relaxed) }

    var target: LogTarget { self.state.withLock { $0.target } }

    /// Hands new sinks to the writer; false if it has been stopped.
    func replaceSinks(with sinks: LineSinks, for target: LogTarget) -> Bool {
        let (isAccepted, mustWake) = self.state.withLock { state in
            guard !state.isStopping else { return (false, false) }
            state.newSinks = sinks
            state.target = target
            let mustWake = state.isIdle
            state.isIdle = false
            return (true, mustWake)
        }
        if mustWake { self.wakeUp.signal() }
        return isAccepted
    }

    func flush(timeout: Duration) -> Bool {
        let signal = Semaphore()
        let mustWait = self.state.withLock { state in
            if state.hasEnded || state.settled == state.received { return false }
            state.waiters.append(Waiter(ticket: state.received, signal: signal))
            return true
        }
        if !mustWait || signal.wait(for: timeout) { return true }
        self.state.withLock { state in
            state.waiters.removeAll { $0.signal === signal }
        }
        return false
    }

    func stop() {
        let mustWake = self.state.withLock { state in
            state.isStopping = true
            let mustWake = state.isIdle
            state.isIdle = false
            return mustWake
        }
        if mustWake { self.wakeUp.signal() }
    }

    func close(timeout: Duration) -> Bool {
        self.stop()
        let signal = Semaphore()
        let mustWait = self.state.withLock { state in
            if state.hasEnded { return false }
            state.waiters.append(Waiter(ticket: .max, signal: signal))
            return true
        }
        if !mustWait || signal.wait(for: timeout) { return true }
        self.givenUp.store(true, ordering: .relaxed)
        return false
    }

    // MARK: For the writer's thread

    /// Whether the writer should stop waiting for a reader, because `close` no longer does.
    var isGivenUp: Bool { self.givenUp.load(ordering: .relaxed) }

    func countUnwritten(_ count: UInt64) {
        self.unwrittenCount.wrappingAdd(count, ordering: .relaxed)
    }

    /// Sleeps until there is something to do. `spare` is empty and changes places with the batch.
    func nextWork(spare: inout LineBatch) -> Work {
        while true {
            let work = self.state.withLock { state -> Work? in
                if !state.batch.isEmpty || state.newSinks != nil {
                    swap(&state.batch, &spare)
                    let newSinks = state.newSinks
                    state.newSinks = nil
                    return .write(ticket: state.received, newSinks: newSinks)
                }
                if state.isStopping { return .stop }
                state.isIdle = true
                return nil
            }
            if let work { return work }
            self.wakeUp.wait()
        }
    }

    /// Notes that everything up to the ticket has been written or given up.
    func settle(_ ticket: UInt64) {
        let due = self.state.withLock { state in
            state.settled = max(state.settled, ticket)
            let settled = state.settled
            let due = state.waiters.filter { $0.ticket <= settled }
            if !due.isEmpty { state.waiters.removeAll { $0.ticket <= settled } }
            return due
        }
        for waiter in due { waiter.signal.signal() }
    }

    /// Notes that the thread is about to end.
    func end() {
        let waiters = self.state.withLock { state in
            state.hasEnded = true
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.signal.signal() }
    }
}
