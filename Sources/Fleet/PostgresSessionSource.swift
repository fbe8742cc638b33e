internal import Dispatch
internal import Locking
public import Pooling

/// PostgreSQL's list of sessions, read by a short connection of its own for each question.
///
/// Nothing stays connected between two questions, so that a large fleet takes no places of the
/// server's for good. To see which sessions are parallel workers, and to end orphans, its user
/// needs `pg_read_all_stats`; to end them it also needs `pg_signal_backend`.
public final class PostgresSessionSource: SessionSource {
    /// How these connections call themselves in PostgreSQL's list.
    public static let applicationName = "weir check"

    private let address: @Sendable () -> ControlAddress
    private let roles: @Sendable () -> [String]
    /// libpq waits in `poll`, which no thread of Swift's own may do.
    private let queue = DispatchQueue(label: "weir check")
    private let version = Locked<Int?>(nil)

    /// Creates a source that has no connection.
    ///
    /// - Parameters:
    ///   - address: where the server is; asked before each connection.
    ///   - roles: the fleet's sessions are those of these roles.
    public init(
        address: @escaping @Sendable () -> ControlAddress,
        roles: @escaping @Sendable () -> [String]
    ) {
        self.address = address
        self.roles = roles
    }

    public func count(own: [UInt32], deadline: Instant) async throws -> SessionCount {
        let arguments = [
            ControlConnection.array(self.roles()), ControlConnection.array(processIDs: own),
        ]
        let row = try await self.ask(Self.counting, arguments, deadline)
        let numbers = row.prefix(4).map { $0.flatMap { Int($0) } }
        guard numbers.count == 4, let sessions = numbers[0], let listed = numbers[1],
            let system = numbers[2], let startedAt = numbers[3]
        else {
            throw ControlConnection.Failure(description: "PostgreSQL's list has not been counted")
        }
        return SessionCount(
            sessions: sessions,
            ownListed: listed,
            server: ServerIdentity(system: system, startedAt: startedAt),
            facts: ServerFacts(row: Array(row.dropFirst(4)))
        )
    }

    public func terminate(except claimed: [UInt32], deadline: Instant) async throws -> Int {
        let arguments = [
            ControlConnection.array(self.roles()), ControlConnection.array(processIDs: claimed),
        ]
        let row = try await self.ask(Self.terminating, arguments, deadline)
        return row.first.flatMap { $0 }.flatMap { Int($0) } ?? 0
    }

    public func identity(deadline: Instant) async throws -> ServerIdentity {
        let row = try await self.ask(Self.identifying, [], deadline)
        guard row.count == 2, let system = row[0].flatMap({ Int($0) }),
            let startedAt = row[1].flatMap({ Int($0) })
        else {
            throw ControlConnection.Failure(description: "PostgreSQL has not said who it is")
        }
        return ServerIdentity(system: system, startedAt: startedAt)
    }

    public var serverVersion: Int? { self.version.withLock { $0 } }

    // MARK: Statements

    /// The fleet's sessions. Without `pg_read_all_stats` the kind of a session is hidden, and then
    /// it counts.
    private static let sessions = """
        FROM pg_catalog.pg_stat_activity
        WHERE (usename = ANY ($1::text[]) OR \(isCheck))
        AND pid <> pg_catalog.pg_backend_pid()
        AND (backend_type IS NULL OR backend_type = 'client backend')
        """

    /// Sessions like this one.
    private static let isCheck = """
        (usename = current_user AND datname = current_database()
            AND application_name = '\(PostgresSessionSource.applicationName)') IS TRUE
        """

    /// Two of those that ask have places of their own: this one, and one that asks outside the gate
    /// who the server is. What is there besides belongs to processes that stand still, and counts.
    private static let counting = """
        SELECT count(*) FILTER (WHERE NOT \(isCheck))
                + greatest(0, count(*) FILTER (WHERE \(isCheck)) - 1),
            count(*) FILTER (WHERE pid = ANY ($2::int[])),
            \(PostgresSessionSource.server),
            \(ServerFacts.columns(hasIdentifier: false))
        \(PostgresSessionSource.sessions)
        """

    private static let identifying = "SELECT \(PostgresSessionSource.server)"

    private static let server = """
        (SELECT system_identifier FROM pg_catalog.pg_control_system()),
            (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000)::bigint
        """

    /// What has just logged in may be somebody's who does not know its number yet.
    private static let terminating = """
        SELECT count(*) FILTER (WHERE pg_catalog.pg_terminate_backend(pid))
        \(PostgresSessionSource.sessions)
        AND pid <> ALL ($2::int[])
        AND backend_start < pg_catalog.clock_timestamp() - interval '2 seconds'
        """

    private func ask(
        _ statement: String,
        _ arguments: [String],
        _ deadline: Instant
    ) async throws -> [String?] {
        let (address, version) = (self.address, self.version)
        return try await withCheckedThrowingContinuation { continuation in
            let answer = Locked<CheckedContinuation<[String?], any Error>?>(continuation)
            self.queue.async {
                let result = Result {
                    // The next that opens one must not find this one still there.
                    try ControlConnection.once(
                        to: address(),
                        name: Self.applicationName,
                        deadline: deadline
                    ) { connection throws(ControlConnection.Failure) in
                        let known = connection.serverVersion
                        version.withLock { $0 = known }
                        let rows = try connection.query(statement, arguments, deadline: deadline)
                        return rows.first ?? []
                    }
                }
                answer.withLock { $0.take() }?.resume(with: result)
            }
            // Looking up a name knows no deadline; a session does not come of it afterwards.
            let left = max(0, deadline - BootClock.now) + Self.grace
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(left))) {
                let failure = ControlConnection.Failure(description: "no answer in time")
                answer.withLock { $0.take() }?.resume(throwing: failure)
            }
        }
    }

    /// How long after its deadline a question is given up that does not end by itself.
    private static let grace: Nanoseconds = 100_000_000
}
