import Auth
import Fleet
import Locking
import Logging
import Pooling
import Proxy
import Reactor
import Settings
import Telemetry

/// Asks PostgreSQL servers how many connections they take, on a thread of its own: the workers
/// learn from it how large a budget is that is a part of that, and people what is left to others.
final class BudgetProbes: Sendable {
    /// What other threads bring.
    private struct News {
        var settings: Settings
        var users: UserList
        var isRead = false
    }

    private let news: Locked<News>
    private let hasNews = Semaphore()
    /// The last arithmetic of each server, so that it is said once.
    private let said = Locked<[String: String]>([:])
    private let process: ProcessState
    private let logger: Logger

    /// How long one server may take to answer, so that the others' turn comes.
    private static let patience: Nanoseconds = 5_000_000_000

    /// Prepares for these settings; nothing is asked yet.
    ///
    /// - Parameter users: for passwords that the entries of `[databases]` do not have.
    init(process: ProcessState, settings: Settings, users: UserList, logger: Logger) {
        self.process = process
        self.logger = logger
        self.news = Locked(News(settings: settings, users: users))
    }

    /// Starts the thread, which runs until the process ends.
    func start() throws(ReactorError) {
        let thread = try HelperThreads(count: 1, name: "budgets")
        let isTaken = thread.submit {
            // Held by its own job: letting go of it would drop a job that has not begun.
            withExtendedLifetime(thread) { () -> Void in self.serve() }
        }
        precondition(isTaken, "a new thread's queue is full")
    }

    /// The settings and users in force.
    var inForce: (settings: Settings, users: UserList) {
        self.news.withLock { ($0.settings, $0.users) }
    }

    /// Takes the settings in force; asks anew where that is needed.
    func follow(_ settings: Settings) {
        self.change { news in
            if news.settings == settings { return false }
            news.settings = settings
            return true
        }
    }

    /// Takes the users as they have been read again.
    func use(_ users: UserList) {
        self.change { news in
            news.users = users
            return true
        }
    }

    private func change(_ body: (inout News) -> Bool) {
        let isNew = self.news.withLock { news in
            let isNew = body(&news)
            if isNew { news.isRead = false }
            return isNew
        }
        if isNew { self.hasNews.signal() }
    }

    // MARK: The thread

    /// What the thread remembers.
    private struct Memory {
        var plan = ProbePlan()
        /// Why each server could not be asked, so that it is said once.
        var problems: [String: String] = [:]
    }

    private func serve() -> Never {
        var memory = Memory()
        while true {
            let (settings, users) = self.news.withLock { news -> (Settings?, UserList) in
                defer { news.isRead = true }
                return (news.isRead ? nil : news.settings, news.users)
            }
            let now = EventLoop.clock()
            if let settings { memory.plan.follow(settings, now: now) }
            if let place = memory.plan.next(now: now) {
                self.ask(place, users, &memory)
            } else {
                let due = memory.plan.nextDue
                let time = due == .max ? Self.longestSleep : min(due - now, Self.longestSleep)
                _ = self.hasNews.wait(for: .nanoseconds(time))
            }
        }
    }

    /// A sleep ends now and then by itself: a machine that sleeps stops the clock that it is
    /// measured by.
    private static let longestSleep: Nanoseconds = 60_000_000_000

    private func ask(_ place: Int, _ users: UserList, _ memory: inout Memory) {
        let server = memory.plan.servers[place]
        let budget = server.budget
        do throws(ServerProbe.Failure) {
            let facts = try ServerProbe.facts(
                of: ControlAddress(
                    of: budget,
                    database: server.database,
                    user: server.user,
                    password: server.password,
                    users
                ),
                within: Self.patience
            )
            memory.plan.answered(place, now: EventLoop.clock())
            memory.problems[budget.name] = nil
            self.learned(facts, of: budget)
        } catch {
            let goesOn = memory.plan.failed(place, now: EventLoop.clock())
            self.process.setCapacityProblem(error.description, of: budget)
            self.report(budget, error.description, goesOn, &memory)
        }
    }

    /// A server has told what it takes, here or to a ledger; says how its budget comes about.
    func learned(_ facts: ServerFacts, of server: ServerBudget) {
        let capacity = ServerCapacity(
            maxConnections: facts.maxConnections,
            superuserReserved: facts.superuserReserved,
            reserved: facts.reserved
        )
        self.process.setCapacity(capacity, of: server)
        let settings = self.news.withLock { $0.settings }
        // A reload may have given it another budget than the one that it was asked for.
        guard let host = server.hosts.first else { return }
        let server = settings.server(host: host, port: server.port)
        let warnings = server.warnings(capacity, minimum: settings.minimum(at: server))
        let lines = [server.arithmetic(capacity)] + warnings
        let text = lines.joined(separator: "\n")
        let isSaid = self.said.withLock { $0.updateValue(text, forKey: server.name) == text }
        if isSaid { return }
        self.logger.info("\(lines[0])")
        for warning in warnings { self.logger.warning("\(warning)") }
    }

    /// Says why a budget is not known, or cannot be compared with anything.
    private func report(
        _ server: ServerBudget,
        _ why: String,
        _ goesOn: Bool,
        _ memory: inout Memory
    ) {
        guard server.size.isRelative else {
            if !goesOn {
                self.logger.info(
                    "server \(server.name): whether its budget fits is not known: \(why)"
                )
            }
            return
        }
        if memory.problems.updateValue(why, forKey: server.name) == why { return }
        let slots = server.slots(of: self.process.capacity(of: server))
        let effect =
            slots.map { "its budget stays at \($0)" } ?? "until then nothing is opened there"
        self.logger.warning(
            """
            server \(server.name): a budget of \(server.size) needs max_connections, which is \
            asked for again, and \(effect): \(why)
            """
        )
    }
}
