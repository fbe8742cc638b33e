import Pooling
import TestSupport

/// A fleet, its engine and its PostgreSQL in one deterministic run: real `FleetMember`s, everything
/// else simulated.
///
/// The engine answers late, processes are killed, stopped and cut off, their clocks drift and jump,
/// and the server starts again. At no moment there may be more sessions than the budget, those
/// counted that have not logged in yet.
final class FleetWorld {
    /// What the world is like.
    struct Shape {
        var members = 4
        var budget = 12
        /// Whether the gate is a lease (etcd) instead of a session's lock (PostgreSQL).
        var hasLease = false
        /// Whether the engine counts deaths.
        var countsDeaths = true
        /// Whether members settle when a holder may have died.
        var settles = true
        var hasWakeUps = true
        /// The longest delays: of the engine's usual and of its slow answers, and of a login.
        var delay: Nanoseconds = 20 * FleetWorld.millisecond
        var slowDelay: Nanoseconds = 500 * FleetWorld.millisecond
        var login: Nanoseconds = 200 * FleetWorld.millisecond
        /// How long a process may take between its permits and its startup messages, if it is slow.
        var slowTry: Nanoseconds = 400 * FleetWorld.millisecond
        /// How long the engine gathers wake-ups, so that many are one.
        var wakePause: Nanoseconds = 0
        /// Of a hundred logins, those that are given up and may become sessions all the same.
        var stuckLogins = 0
        /// Whether sessions that no member has are ended; some of them would stay for long.
        var terminates = false
        /// How old the board may be that is read: with many members one board serves many readers.
        var boardAge: Nanoseconds = 0
        /// The most that one member wants.
        var demand = 10
    }

    enum Event {
        case start(Int)
        case tick(Int)
        case demand(Int, Int)
        case toEngine(Int, Int, Request)
        case toMember(Int, Answer)
        case tryOpen(Int)
        case listed(Int)
        case vanishes(Int)
        case released(Int)
        case paysBack(Int)
        case givesUp(Int)
        case left(Int)
        case resume(Int)
        case heal(Int)
        case sessionEnds(Int, Int)
        case deathSeen(Int, Int)
        case leaseEnds(Int, Int)
        case renew(Int, Int)
        case silence(Int, Int)
        case serverUp
        case harm
        case ambush(Int)
    }

    /// What a member sends to its engine.
    enum Request {
        case publish(BoardEntry, wakes: Bool)
        case readBoard
        case look
        case enterGate(GatePass)
        case count(sentAt: Instant)
        case leaveGate
        case breakGate(GatePass)
        case terminateOrphans
        case goodbye
        case renew(sentAt: Instant)
    }

    /// What a member hears.
    enum Answer {
        case board(Board)
        case looked(Int?)
        case entered(GatePass)
        case counted(FleetCount, sentAt: Instant)
        case countFailed
        case woken
        case renewed(Instant)
        case connected(Int)
        case lost(Int)
        case loggedIn
        case refused
        case closed
    }

    static let millisecond: Nanoseconds = 1_000_000
    static let second: Nanoseconds = 1_000_000_000
    static let lease: Nanoseconds = 3 * FleetWorld.second

    let shape: Shape
    var random: SeededRandom
    var events = EventHeap<Event>()
    var now: Instant = 0
    /// What went wrong, if anything did.
    var fault: String?
    var trace: [String] = []
    let isTraced: Bool

    var processes: [Process] = []
    var sessions: [Session] = []
    /// Sessions that exist: those in the list and those that log in.
    var existing = 0
    var listed = 0
    var mostSessions = 0
    var serverIsUp = true

    // The engine.
    var holder: (process: Int, ledger: Int, pass: GatePass)?
    var queue: [(process: Int, ledger: Int, pass: GatePass)] = []
    /// The pass that the board shows in the gate.
    var flag: (process: Int, ledger: Int, pass: GatePass)?
    var deaths: Int
    /// The board, by the processes' numbers.
    var entries: [BoardEntry?] = []
    var boardVersion = 0
    var board: (board: Board, time: Instant, version: Int, sessions: Int?)?
    /// Sessions that no member had when one counted in the gate, and when that was.
    var orphans = (count: 0, time: Instant(0))

    /// Until when something may go wrong.
    var faultsUntil: Instant = 0
    /// Faults that will hit members just as they open connections.
    var ambushes = 0

    // What was counted.
    var passes = 0
    var publications = 0
    var readings = 0
    var ended = 0
    var givenUp = 0
    var leaves = 0
    var steps = 0

    init(shape: Shape, random: SeededRandom, isTraced: Bool = false) {
        self.shape = shape
        self.random = random
        self.isTraced = isTraced
        self.deaths = self.random.below(3)
        for _ in 0..<shape.members {
            let number = self.addProcess()
            self.at(self.upTo(Self.second / 2), .start(number))
        }
    }

    // MARK: Time

    func at(_ delay: Nanoseconds, _ event: Event) {
        self.events.add(event, at: self.now + max(0, delay))
    }

    func upTo(_ longest: Nanoseconds) -> Nanoseconds {
        Nanoseconds(self.random.below(Int(longest)))
    }

    /// How long a message to or from the engine takes.
    func latency() -> Nanoseconds {
        let isSlow = self.random.below(200) == 0
        return Self.millisecond / 2
            + self.upTo(isSlow ? self.shape.slowDelay : self.shape.delay / 2)
    }

    /// Lets time pass until `end`, or until something is wrong.
    func run(until end: Instant) {
        while self.fault == nil, let next = self.events.next(until: end) {
            self.now = next.time
            self.steps += 1
            self.happen(next.event)
        }
        if self.fault == nil { self.now = end }
    }

    func note(_ text: @autoclosure () -> String) {
        if self.isTraced { self.trace.append("\(self.now / 1_000) \(text())") }
    }

    func fail(_ text: String) {
        if self.fault == nil { self.fault = "\(text) at \(self.now / Self.millisecond) ms" }
    }

    private func happen(_ event: Event) {
        switch event {
        case .start(let number): self.start(number)
        case .tick(let number): self.tick(number)
        case .demand(let number, let demand): self.setDemand(number, demand)
        case .toEngine(let number, let ledger, let request):
            self.arrive(number, ledger, request)
        case .toMember(let number, let answer): self.hear(number, answer)
        case .tryOpen(let number): self.tryOpen(number)
        case .listed(let session): self.sessionListed(session)
        case .vanishes(let session): self.sessionVanishes(session)
        case .released(let number): self.released(number)
        case .paysBack(let number): self.endIdle(number)
        case .givesUp(let number): self.giveUp(number)
        case .left(let number): self.left(number)
        case .resume(let number): self.resume(number)
        case .heal(let number): self.processes[number].isCutOff = false
        case .sessionEnds(let number, let ledger): self.endLedger(number, ledger)
        case .deathSeen(let number, let ledger): self.seeDeath(number, ledger)
        case .leaseEnds(let number, let ledger): self.leaseEnds(number, ledger)
        case .renew(let number, let ledger): self.renew(number, ledger)
        case .silence(let number, let ledger): self.hearNothing(number, ledger)
        case .serverUp: self.serverIsUp = true
        case .harm: self.harm()
        case .ambush(let number): self.harm(number)
        }
    }
}

extension FleetWorld {
    /// One process of the fleet.
    struct Process {
        var machine: FleetMember
        var isAlive = false
        var isPaused = false
        var isCutOff = false
        /// It takes leave: it opens nothing more and closes what it has.
        var isDraining = false
        var deferred: [Event] = []
        /// Its clock's speed in millionths off, and what it has jumped.
        var drift: Int64
        var jumped: Nanoseconds = 0
        /// The engine's session (or lease) of this process; 0 when it has none.
        var ledger = 0
        var ledgers = 0
        /// Until when the process believes in its lease.
        var leaseLocal: Instant = 0
        /// When the last message in each direction arrives, so that none overtakes another.
        var lastArrival: Instant = 0
        var lastAnswer: Instant = 0
        var tickAt: Instant = .max
        /// When its sessions at the engine end, of those that have not.
        var ends: [Int: Instant] = [:]
        /// Whether a wake-up is on its way.
        var isWaking = false

        var demand = 0
        var waitingSince: Instant = 0
        /// Connections that have logged in, by their sessions.
        var open: [Int] = []
        var used = 0
        /// Connections that are being closed.
        var closing = 0
        /// Openings that wait for their turn, and those under way.
        var tries = 0
        var opening = 0
        var listed = 0
        /// Used connections that will come back to be ended.
        var releases = 0

        var waiting: Int { max(0, self.demand - self.used) }

        func local(_ time: Instant) -> Instant {
            time + time / 1_000_000 * self.drift + self.jumped
        }

        /// The moment at which the process's clock shows `local`, or a little later.
        func global(_ local: Instant) -> Instant {
            let time = local - self.jumped
            return time - time / (1_000_000 + self.drift) * self.drift + 2_000_000
        }
    }

    /// One session of PostgreSQL.
    struct Session {
        var process: Int
        var isListed = false
        var isGone = false
        /// Whether its process still knows it.
        var isKnown = true
        var isClosing = false
    }
}
