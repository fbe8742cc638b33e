internal import Locking
public import Logging
public import Pooling

/// A process's place in its fleet, for one PostgreSQL server: the member that decides, the engine
/// behind it, and a thread for its deadlines.
///
/// Any thread may tell it things. The member decides while its lock is held, and what follows is
/// handed on before the lock is let go, so that engine and process hear everything in order.
public final class Membership: Sendable {
    /// What the process must know: what it may do, and how many connections more than before are
    /// to be taken from clients. Called with a lock held: it may not come back here.
    public typealias Change = @Sendable (_ standing: FleetStanding, _ inUse: Int) -> Void

    struct State {
        var member: FleetMember
        var ledger: (any Ledger)?
        /// What each worker's clients use and want.
        var demands: [PoolSet.Demand]
        /// The process IDs of PostgreSQL's that own connections have, each with how often: behind
        /// another pooler they need not differ.
        var sessions: [UInt32: Int] = [:]
        var standing = FleetStanding()
        /// When the member's thread looks next.
        var alarm = Instant.min
        var isStopped = false
        var isLost = false
        /// The members' minimums are more than there is, and people have been told.
        var isTight = false

        mutating func demandChanged(now: Instant) -> [FleetAction] {
            var sum = PoolSet.Demand()
            for demand in self.demands { sum.add(demand) }
            return self.member.demandChanged(
                used: sum.used,
                waiting: sum.waiting,
                oldestSince: sum.oldestSince,
                now: now
            )
        }
    }

    let state: Locked<State>
    private let wake = Wake()
    private let change: Change
    let logger: Logger
    /// The PostgreSQL server's name, for the log.
    let server: String

    /// Joins the fleet, or begins to.
    ///
    /// - Parameters:
    ///   - server: the PostgreSQL server's name, for the log.
    ///   - workers: how many tell what their clients want.
    ///   - makeLedger: makes the engine, which reports to the first function that it is given, and
    ///     asks the others for the sessions of the process and for the budget that it goes by.
    ///   - change: takes what the process must know.
    public init(
        server: String,
        member: UInt64,
        limits: FleetLimits,
        workers: Int,
        logger: Logger,
        makeLedger: (
            _ report: @escaping @Sendable (LedgerEvent) -> Void,
            _ ownSessions: @escaping @Sendable () -> [UInt32],
            _ budget: @escaping @Sendable () -> Int
        ) -> any Ledger,
        change: @escaping Change
    ) {
        self.server = server
        self.change = change
        self.logger = logger
        self.state = Locked(
            State(
                member: FleetMember(member: member, limits: limits),
                demands: [PoolSet.Demand](repeating: PoolSet.Demand(), count: workers)
            )
        )
        let ledger = makeLedger(
            { [weak self] event in self?.heard(event) },
            { [weak self] in self?.ownSessions ?? [] },
            { [weak self] in self?.budget ?? 0 }
        )
        self.state.withLock { $0.ledger = ledger }
        change(FleetStanding(), 0)
        self.decide { $0.begin(now: $1) }
        let isStarted = FleetThread.start("fleet-member") { self.keepTime() }
        precondition(isStarted, "no thread is left for the fleet")
    }

    // MARK: The process

    /// A worker says what its clients use and want.
    public func demandChanged(_ demand: PoolSet.Demand, of worker: Int) {
        self.update { state, now in
            guard state.demands[worker] != demand else { return [] }
            state.demands[worker] = demand
            return state.demandChanged(now: now)
        }
    }

    /// Whether a startup message may be sent now.
    public func takePermit() -> Bool {
        var isGranted = false
        self.update { state, now in
            isGranted = state.member.takePermit(now: now)
            return []
        }
        return isGranted
    }

    /// Whether a login may go on whose startup message was sent at `startedAt`.
    public func mayContinueLogin(startedAt: Instant) -> Bool {
        self.state.withLock {
            $0.member.mayContinueLogin(startedAt: startedAt, now: BootClock.now)
        }
    }

    /// Until when a login may go on whose startup message is sent at `startedAt`.
    public func loginDeadline(startedAt: Instant) -> Instant {
        self.state.withLock { startedAt + $0.member.limits.settleTime }
    }

    /// A worker's connection has logged in; `session` is the process ID that it was told.
    public func loggedIn(session: UInt32, by worker: Int) {
        self.update { state, now in
            state.sessions[session, default: 0] += 1
            // Somebody gets it, whom the worker has not told of yet.
            if state.demands[worker].waiting > 0 {
                state.demands[worker].waiting -= 1
                state.demands[worker].used += 1
            }
            return state.demandChanged(now: now) + state.member.loggedIn(now: now)
        }
    }

    /// A worker has a connection from before the process was a member.
    public func found(session: UInt32) {
        self.update { state, now in
            state.sessions[session, default: 0] += 1
            return state.member.found(now: now)
        }
    }

    /// The server has refused a login, or was not there.
    public func openingRefused() { self.decide { $0.openingRefused(now: $1) } }

    /// A login was given up, and may yet become a session.
    public func openingGivenUp() { self.decide { $0.openingGivenUp(now: $1) } }

    /// A connection that had logged in is closed.
    public func closed(session: UInt32) {
        self.update { state, now in
            if let count = state.sessions[session] {
                state.sessions[session] = count > 1 ? count - 1 : nil
            }
            return state.member.closed(now: now)
        }
    }

    /// The slots that the whole fleet may have, how large the process's part of them is beside
    /// others', and what it gets before others get more.
    public func setLimits(budget: Int, weight: Int, minimum: Int) {
        self.update { state, now in
            let limits = state.member.limits
            guard (limits.budget, limits.weight, limits.minimum) != (budget, weight, minimum) else {
                return []
            }
            return state.member.limitsChanged(
                budget: budget,
                weight: weight,
                minimum: minimum,
                now: now
            )
        }
    }

    /// Whether the process has no connection here, and none may come of an attempt.
    public var isEmpty: Bool { self.state.withLock { $0.member.held == 0 } }

    /// The process opens nothing more.
    public func drain() { self.decide { $0.drain(now: $1) } }

    /// Leaves the fleet, in an orderly way if that can be done within a second.
    public func stop() {
        let ledger = self.state.withLock { state -> (any Ledger)? in
            state.isStopped = true
            return state.ledger
        }
        self.wake.signal()
        ledger?.stop()
    }

    // MARK: For people

    /// The settings that connections are opened with, so that PostgreSQL soon ends those of a
    /// process that has gone; nil where that is not known to work (before PostgreSQL 14).
    public var startupOptions: String? {
        guard let version = self.state.withLock({ $0.ledger?.serverVersion }), version >= 140_000
        else { return nil }
        return "-c client_connection_check_interval=1000 -c tcp_keepalives_idle=5 "
            + "-c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
    }

    /// What is known of the fleet.
    public var knowledge: FleetKnowledge {
        self.state.withLock { state in
            FleetKnowledge(
                now: BootClock.now,
                member: state.member.member,
                rows: state.ledger?.rows ?? [],
                share: state.member.share,
                counted: state.member.counted,
                orphans: state.member.orphans,
                standing: state.standing
            )
        }
    }

    /// Reads the board for `knowledge`, and says when that is done or cannot be.
    public func refresh(then done: @escaping @Sendable () -> Void) {
        guard let ledger = self.state.withLock({ $0.ledger }) else { return done() }
        ledger.refresh(then: done)
    }

    private var budget: Int { self.state.withLock { $0.member.limits.budget } }
    private var ownSessions: [UInt32] { self.state.withLock { Array($0.sessions.keys) } }

    // MARK: Deciding

    private func heard(_ event: LedgerEvent) {
        self.logger.debug("server \(self.server): heard \(event)")
        self.say(event)
        self.decide { member, now in
            switch event {
            case .lost: member.ledgerLost(now: now)
            case .back: member.ledgerBack(now: now)
            case .gateLost: member.gateLost(now: now)
            case .leaseRenewed(let sentAt): member.leaseRenewed(sentAt: sentAt, now: now)
            case .looked(let deaths): member.looked(deaths: deaths, now: now)
            case .gateEntered(let pass): member.gateEntered(pass, now: now)
            case .counted(let count, let sentAt):
                member.counted(count, sentAt: sentAt, now: now)
            case .countFailed: member.countFailed(now: now)
            case .boardRead(let board): member.boardRead(board, now: now)
            case .wakeUps(let areThere): member.wakeUpsChanged(areThere, now: now)
            case .woken: member.woken(now: now)
            }
        }
    }

    private func decide(_ event: (inout FleetMember, Instant) -> [FleetAction]) {
        self.update { event(&$0.member, $1) }
    }

    private func update(_ event: (inout State, Instant) -> [FleetAction]) {
        let isEarlier = self.state.withLock { state -> Bool in
            let actions = event(&state, BootClock.now)
            var inUse = 0
            for action in actions {
                self.logger.debug("server \(self.server): \(action)")
                switch action {
                case .permits: break
                case .end(_, let used): inUse += used
                default: state.ledger?.perform(action)
                }
            }
            let standing = state.member.standing
            if standing != state.standing || inUse > 0 {
                state.standing = standing
                self.change(standing, inUse)
            }
            return state.member.deadline < state.alarm
        }
        if isEarlier { self.wake.signal() }
    }

    /// The member's own thread: calls it when its time has come.
    private func keepTime() {
        while true {
            let deadline = self.state.withLock { state -> Instant? in
                guard !state.isStopped else { return nil }
                state.alarm = state.member.deadline
                return state.alarm
            }
            guard let deadline else { return }
            if deadline <= BootClock.now {
                self.decide { $0.tick(now: $1) }
            } else {
                _ = self.wake.wait(until: deadline)
            }
        }
    }
}
