extension Snapshot {
    /// One entry of `[databases]`, or one made from `*`: a row of SHOW DATABASES.
    public struct Database: Equatable, Sendable {
        /// The name that clients ask for.
        public var name: String
        /// The host list as configured; nil: the Unix socket.
        public var host: String?
        /// The server's port.
        public var port: Int
        /// The database's name on the server.
        public var serverDatabase: String
        /// The forced user, if there is one.
        public var forcedUser: String?
        /// Server connections a pool may have, the global value where the entry has none; 0: no
        /// limit.
        public var poolSize: Int
        /// Server connections kept open, the global value where the entry has none.
        public var minPoolSize: Int
        /// Extra server connections, the global value where the entry has none.
        public var reservePoolSize: Int
        /// Age at which a server connection is replaced, in *seconds*; the global value where the
        /// entry has none.
        public var serverLifetimeSeconds: Int
        /// `session`, `transaction` or `statement`; nil where the entry has none of its own.
        public var poolMode: String?
        /// `round-robin` or `disable` where the entry has several hosts; else nil.
        public var loadBalanceHosts: String?
        /// `max_db_connections` in force; 0: no limit.
        public var maxConnections: Int
        /// Server connections now, over all users.
        public var currentConnections: Int
        /// `max_db_client_connections` in force; 0: no limit.
        public var maxClientConnections: Int
        /// Clients now.
        public var currentClientConnections: Int
        /// Whether PAUSE or KILL named it.
        public var paused: Bool
        /// Whether DISABLE named it.
        public var disabled: Bool

        /// Creates a row.
        public init(
            name: String,
            host: String?,
            port: Int,
            serverDatabase: String,
            forcedUser: String?,
            poolSize: Int,
            minPoolSize: Int,
            reservePoolSize: Int,
            serverLifetimeSeconds: Int,
            poolMode: String?,
            loadBalanceHosts: String?,
            maxConnections: Int,
            currentConnections: Int,
            maxClientConnections: Int,
            currentClientConnections: Int,
            paused: Bool,
            disabled: Bool
        ) {
            self.name = name
            self.host = host
            self.port = port
            self.serverDatabase = serverDatabase
            self.forcedUser = forcedUser
            self.poolSize = poolSize
            self.minPoolSize = minPoolSize
            self.reservePoolSize = reservePoolSize
            self.serverLifetimeSeconds = serverLifetimeSeconds
            self.poolMode = poolMode
            self.loadBalanceHosts = loadBalanceHosts
            self.maxConnections = maxConnections
            self.currentConnections = currentConnections
            self.maxClientConnections = maxClientConnections
            self.currentClientConnections = currentClientConnections
            self.paused = paused
            self.disabled = disabled
        }
    }
}
