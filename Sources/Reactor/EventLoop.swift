/// An event loop for one thread, with io_uring or epoll behind one interface.
///
/// Overview: the owner calls `turn(until:)` in a loop and looks at the completions it gathered;
/// nothing calls back. All methods except `wakeHandle.wake()` belong to the thread that made
/// the loop: io_uring lets only that thread submit, so make it where it will run, after any
/// fork, and release it there.
///
/// Function: `receive`, `write`, `forward`, `close` and so on only note what is wanted. The next
/// turn hands everything to the kernel in one submission, waits, and gathers what happened.
///
/// Back-pressure: a receive is delivered once and must be asked for again; not asking is what
/// stops a peer. A socket whose queued output exceeds the high-water mark is congested until
/// `.drained` comes.
public final class EventLoop {
    /// The engine in use: `.ioUring` or `.epoll`.
    public let engine: EventEngine
    /// Why io_uring was refused, when `.automatic` fell back to epoll.
    public let fallbackReason: String?
    /// Wakes the loop from other threads.
    public let wakeHandle: WakeHandle

    private let state: LoopState
    /// The engine: one of the two. (In an enum it would be counted at every turn.)
    private let ring: IOUringEngine?
    private let epoll: EpollEngine?

    /// Makes a loop for the calling thread.
    ///
    /// `.automatic` takes io_uring if the kernel allows it and says in `fallbackReason` why it
    /// does not; `.ioUring` throws instead.
    public init(
        engine: EventEngine,
        limits: ReactorLimits = ReactorLimits()
    ) throws(ReactorError) {
        let limits = limits.corrected
        var reason: String?
        if engine != .epoll {
            do {
                let (state, ring, signal) = try Self.makeIOUring(limits)
                self.state = state
                self.ring = ring
                self.epoll = nil
                self.engine = .ioUring
                self.fallbackReason = nil
                self.wakeHandle = WakeHandle(signal: signal)
                return
            } catch .ioUringUnavailable(let cause) where engine == .automatic {
                reason = cause
            } catch {
                throw error
            }
        }
        let (state, epoll, signal) = try Self.makeEpoll(limits)
        self.state = state
        self.epoll = epoll
        self.ring = nil
        self.engine = .epoll
        self.fallbackReason = reason
        self.wakeHandle = WakeHandle(signal: signal)
    }

    private static func makeShared(
        _ limits: ReactorLimits,
        isNonblocking: Bool
    ) throws(ReactorError) -> (LoopState, WakeSignal) {
        guard let signal = WakeSignal(isNonblocking: isNonblocking) else {
            throw .system(call: "eventfd", errno: Syscalls.lastError)
        }
        guard let state = LoopState(limits: limits, isNonblocking: isNonblocking) else {
            throw .system(call: "mmap", errno: Syscalls.lastError)
        }
        return (state, signal)
    }

    private static func makeIOUring(
        _ limits: ReactorLimits
    ) throws(ReactorError) -> (LoopState, IOUringEngine, WakeSignal) {
        let (state, signal) = try self.makeShared(limits, isNonblocking: false)
        do {
            return (state, try IOUringEngine(loop: state, wakeSignal: signal), signal)
        } catch {
            state.deallocate()
            throw error
        }
    }

    private static func makeEpoll(
        _ limits: ReactorLimits
    ) throws(ReactorError) -> (LoopState, EpollEngine, WakeSignal) {
        let (state, signal) = try self.makeShared(limits, isNonblocking: true)
        do {
            return (state, try EpollEngine(loop: state, wakeSignal: signal), signal)
        } catch {
            state.deallocate()
            throw error
        }
    }

    deinit {
        self.epoll?.stop()
        // Memory that the kernel may still write to is not given back.
        if self.ring?.stop() ?? true {
            self.state.deallocate()
        }
    }

    // MARK: Time

    /// Nanoseconds since boot (CLOCK_BOOTTIME), read once a turn, after the wait.
    public var now: Int64 { self.state.now }

    /// Nanoseconds since boot, read now.
    public static func clock() -> Int64 { Syscalls.bootTime() }

    // MARK: Turns

    /// Hands everything noted since the last turn to the kernel, waits until something happens
    /// or `deadline` (on the clock of `now`; `nil`: for ever), and returns how many completions
    /// there are. 0 means that the deadline has passed.
    ///
    /// Completions and their bytes are valid until the next turn.
    public func turn(until deadline: Int64?) -> Int {
        self.state.recycleCompletions()
        repeat {
            self.state.memory.counters.turns += 1
            self.ring?.turn(until: deadline)
            self.epoll?.turn(until: deadline)
            self.state.expireTimers()
        } while self.state.completions.comingCount == 0 && self.state.now < deadline ?? .max
        return self.state.completions.publish()
    }

    /// Completion `index` of the last turn.
    ///
    /// A completion of a socket that was closed meanwhile comes as `.woken`.
    public func completion(_ index: Int) -> Completion {
        self.state.completion(index)
    }

    /// The bytes of completion `index` (`.received`), valid until the next turn; else empty.
    public func bytes(_ index: Int) -> UnsafeRawBufferPointer {
        let completion = self.state.completions[index]
        if completion.buffer < 0 {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let start = unsafe self.state.buffers.bytes(Int(completion.buffer))
        return unsafe UnsafeRawBufferPointer(start: start, count: completion.count)
    }

    /// Makes the next wait return with `.woken`.
    public func wake() {
        self.wakeHandle.wake()
    }

    /// What the loop has done so far.
    public var counters: ReactorCounters { self.state.counters }
}

extension EventLoop {
    var shared: LoopState { self.state }
}
