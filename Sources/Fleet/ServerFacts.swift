/// What a PostgreSQL server says of itself.
public struct ServerFacts: Equatable, Sendable {
    /// `max_connections`.
    public var maxConnections: Int
    /// `superuser_reserved_connections`.
    public var superuserReserved: Int
    /// `reserved_connections`, which PostgreSQL has from version 16 on; 0 before.
    public var reserved: Int
    /// What the server and its standbys have in common with no others; nil where the role may not
    /// ask.
    public var systemIdentifier: UInt64?
    /// PostgreSQL's version, as 150018 for 15.18.
    public var version: Int
    /// Whether it is a standby.
    public var isInRecovery: Bool

    /// Notes what a server has said.
    public init(
        maxConnections: Int,
        superuserReserved: Int,
        reserved: Int,
        systemIdentifier: UInt64?,
        version: Int,
        isInRecovery: Bool
    ) {
        self.maxConnections = maxConnections
        self.superuserReserved = superuserReserved
        self.reserved = reserved
        self.systemIdentifier = systemIdentifier
        self.version = version
        self.isInRecovery = isInRecovery
    }

    /// Reads the row that the query brings; nil where it is another.
    init?(row: [String?]) {
        guard row.count == 6, let maxConnections = row[0].flatMap({ Int($0) }),
            let superuserReserved = row[1].flatMap({ Int($0) }),
            let version = row[4].flatMap({ Int($0) })
        else { return nil }
        self.init(
            maxConnections: maxConnections,
            superuserReserved: superuserReserved,
            reserved: row[2].flatMap { Int($0) } ?? 0,
            // PostgreSQL has no unsigned numbers.
            systemIdentifier: row[3].flatMap { Int64($0) }.map { UInt64(bitPattern: $0) },
            version: version,
            isInRecovery: row[5] == "t"
        )
    }

    /// Asks for all of it.
    ///
    /// - Parameter query: runs a query.
    static func ask(
        _ query: (String) throws(ControlConnection.Failure) -> ControlConnection.Rows
    ) throws(ControlConnection.Failure) -> ServerFacts {
        var rows: ControlConnection.Rows
        do throws(ControlConnection.Failure) {
            rows = try query(Self.query(hasIdentifier: true))
        } catch {
            guard error.isAboutPrivilege else { throw error }
            rows = try query(Self.query(hasIdentifier: false))
        }
        guard let row = rows.first, let facts = ServerFacts(row: row) else {
            throw ControlConnection.Failure(description: "the answer cannot be understood")
        }
        return facts
    }

    /// - Parameter hasIdentifier: whether to ask for what the role may have been forbidden.
    private static func query(hasIdentifier: Bool) -> String {
        "SELECT " + Self.columns(hasIdentifier: hasIdentifier)
    }

    /// What `init(row:)` reads.
    static func columns(hasIdentifier: Bool) -> String {
        let identifier =
            hasIdentifier ? "(SELECT system_identifier FROM pg_control_system())" : "NULL"
        return "current_setting('max_connections'), "
            + "current_setting('superuser_reserved_connections'), "
            + "current_setting('reserved_connections', true), \(identifier), "
            + "current_setting('server_version_num'), pg_is_in_recovery()"
    }
}
