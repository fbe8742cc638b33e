import Pooling
import Settings

/// Which PostgreSQL servers are to be asked how many connections they take, and when.
///
/// One whose budget is a part of that is asked again and again, since it may be restarted with
/// another number. Where the budget is a number, it is compared with the answer once.
///
/// In a fleet the question takes a connection that the budget does not have, so it is asked once,
/// and only where there would be no budget without it: a ledger hears the answer itself, each time
/// that it connects or counts.
struct ProbePlan {
    /// A server that is to be asked.
    struct Server {
        /// The server.
        let budget: ServerBudget
        /// Who logs in.
        let user: String
        /// That user's password, if the configuration has it.
        let password: RedactedText?
        /// The database to log in to.
        let database: String
        /// Whether it is asked again when it has answered.
        let repeats: Bool
        /// When it is asked next.
        fileprivate(set) var due: Instant
        /// How often it has not answered, since it last did.
        fileprivate(set) var failures = 0

        fileprivate func isSame(as other: Server) -> Bool {
            self.budget == other.budget && self.user == other.user
                && self.password == other.password && self.database == other.database
                && self.repeats == other.repeats
        }
    }

    /// The servers, by name.
    private(set) var servers: [Server] = []

    /// How long an answer counts.
    static let period: Nanoseconds = 60_000_000_000
    /// The longest pause after a failure; pauses begin at a second and double.
    static let longestPause: Nanoseconds = 15_000_000_000
    /// How often a server is asked in vain where nothing depends on the answer.
    static let patience = 3

    /// When one is due; `Instant.max` where none ever is.
    var nextDue: Instant { self.servers.map(\.due).min() ?? .max }

    /// The place of one that is due.
    func next(now: Instant) -> Int? { self.servers.firstIndex { $0.due <= now } }

    /// Brings the plan to the settings in force. What is new or different is asked at once, and so
    /// is what has not answered.
    mutating func follow(_ settings: Settings, now: Instant) {
        let known = self.servers
        let ledger = settings.global.budgetLedger
        self.servers = settings.serverBudgets.compactMap { budget in
            guard budget.size.isRelative || (ledger == .local && budget.size != .slots(0)),
                let login = settings.controlLogin(for: budget)
            else { return nil }
            let server = Server(
                budget: budget,
                user: login.user,
                password: login.password,
                database: settings.global.ledgerDatabase,
                repeats: budget.size.isRelative && ledger == .local,
                due: now
            )
            return known.first { $0.failures == 0 && $0.isSame(as: server) } ?? server
        }
    }

    /// A server has answered.
    mutating func answered(_ place: Int, now: Instant) {
        self.servers[place].failures = 0
        self.servers[place].due = self.servers[place].repeats ? now + Self.period : .max
    }

    /// A server has not answered; false when it is given up.
    mutating func failed(_ place: Int, now: Instant) -> Bool {
        let failures = self.servers[place].failures
        self.servers[place].failures += 1
        if !self.servers[place].budget.size.isRelative, failures + 1 >= Self.patience {
            self.servers[place].due = .max
            return false
        }
        let pause: Nanoseconds = 1_000_000_000 << Int64(min(failures, 10))
        self.servers[place].due = now + min(pause, Self.longestPause)
        return true
    }
}
