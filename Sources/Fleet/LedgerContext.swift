public import Logging

/// What an engine is given by the process: who it works for, and what it has to ask.
public struct LedgerContext: Sendable {
    /// Who the process is.
    public var identity: MemberIdentity
    /// The fleet's sessions are those of these roles.
    public var roles: @Sendable () -> [String]
    /// The process IDs of PostgreSQL's that the process's own connections have.
    public var ownSessions: @Sendable () -> [UInt32]
    /// The budget that the process goes by, for the board.
    public var budget: @Sendable () -> Int
    /// Takes what the server says of itself, each time that it is asked by a new connection.
    public var learn: @Sendable (ServerFacts) -> Void
    /// Takes the engine's events; may be called by any thread, and while `perform` runs.
    public var report: @Sendable (LedgerEvent) -> Void
    /// Where it says what people should know.
    public var logger: Logger

    /// Creates a context.
    public init(
        identity: MemberIdentity,
        roles: @escaping @Sendable () -> [String],
        ownSessions: @escaping @Sendable () -> [UInt32],
        budget: @escaping @Sendable () -> Int,
        learn: @escaping @Sendable (ServerFacts) -> Void,
        report: @escaping @Sendable (LedgerEvent) -> Void,
        logger: Logger
    ) {
        self.identity = identity
        self.roles = roles
        self.ownSessions = ownSessions
        self.budget = budget
        self.learn = learn
        self.report = report
        self.logger = logger
    }
}
