extension Snapshot {
    /// One known user: a row of SHOW USERS.
    public struct User: Equatable, Sendable {
        /// The user's name.
        public var name: String
        /// `pool_size` of its entry in `[users]`; nil where it has none.
        public var poolSize: Int?
        /// `reserve_pool_size` of its entry in `[users]`; nil where it has none.
        public var reservePoolSize: Int?
        /// `session`, `transaction` or `statement` of its entry in `[users]`; nil where it has
        /// none.
        public var poolMode: String?
        /// `max_user_connections` in force; 0: no limit.
        public var maxConnections: Int
        /// Server connections now, over all databases.
        public var currentConnections: Int
        /// `max_user_client_connections` in force; 0: no limit.
        public var maxClientConnections: Int
        /// Clients now.
        public var currentClientConnections: Int

        /// Creates a row.
        public init(
            name: String,
            poolSize: Int?,
            reservePoolSize: Int?,
            poolMode: String?,
            maxConnections: Int,
            currentConnections: Int,
            maxClientConnections: Int,
            currentClientConnections: Int
        ) {
            self.name = name
            self.poolSize = poolSize
            self.reservePoolSize = reservePoolSize
            self.poolMode = poolMode
            self.maxConnections = maxConnections
            self.currentConnections = currentConnections
            self.maxClientConnections = maxClientConnections
            self.currentClientConnections = currentClientConnections
        }
    }
}
