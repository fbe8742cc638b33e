/// An entry of `[databases]`: where a database is and how its pools behave.
///
/// What is `nil` falls back to the user's or the global setting; ``Settings`` has look-ups that
/// know the order.
public struct DatabaseSettings: Sendable, Equatable {
    /// The name that clients ask for; `*` for the fallback entry.
    public var name: String
    /// The database's name in PostgreSQL; `nil` = the name that the client asked for.
    public var dbname: String?
    /// Host names, addresses or socket directories; empty = the Unix socket in `unix_socket_dir`.
    public var hosts: [String] = []
    /// The port of every host; 5432 by default.
    public var port: Int = 5_432
    /// The user that all clients share towards PostgreSQL; `nil` = each client's own.
    public var user: String?
    /// The password of ``user``.
    public var password: RedactedText?
    /// Server connections of one pool; 0 = no limit.
    public var poolSize: Int?
    /// Server connections kept open in a pool.
    public var minPoolSize: Int?
    /// Extra server connections of a pool for when its clients wait long.
    public var reservePoolSize: Int?
    /// Server connections of this entry over all users; 0 = no limit.
    public var maxDbConnections: Int?
    /// Client connections of this entry; 0 = no limit.
    public var maxDbClientConnections: Int?
    /// Age at which an unused server connection is closed.
    public var serverLifetime: TimeSetting?
    /// When a server connection goes back to its pool.
    public var poolMode: PoolMode?
    /// How the hosts take turns; `round-robin` by default.
    public var loadBalanceHosts: LoadBalanceHosts = .roundRobin
    /// SQL that runs on a new server connection before anyone gets it.
    public var connectQuery: String?
    /// `client_encoding` for the startup message.
    public var clientEncoding: String?
    /// `DateStyle` for the startup message.
    public var datestyle: String?
    /// `TimeZone` for the startup message.
    public var timezone: String?
    /// `application_name` for the startup message.
    public var applicationName: String?
    /// Duration from which this database's statements are logged.
    public var slowQueryThreshold: SlowQueryThreshold?
    /// What becomes of session state that no other server connection could have.
    public var sessionState: SessionState?
    /// Server connections of one pool that may be pinned; -1 = all but one, at least one.
    public var maxPinned: Int?
    /// How long a pinned client may be idle; 0 = no limit.
    public var pinTimeout: TimeSetting?
    /// How often an unnamed statement comes before it is prepared for all; 0 = never.
    public var prepareAnonymous: Int?

    /// Makes an entry in which only the name is set.
    public init(name: String) {
        self.name = name
    }

    /// Whether server connections made for `other` would be the wrong ones for this entry.
    ///
    /// These are the keys for which PgBouncer closes them; the rest applies to them as they are.
    public func needsReconnect(from other: DatabaseSettings) -> Bool {
        self.dbname != other.dbname || self.hosts != other.hosts || self.port != other.port
            || self.user != other.user || self.connectQuery != other.connectQuery
            || self.loadBalanceHosts != other.loadBalanceHosts
    }
}
