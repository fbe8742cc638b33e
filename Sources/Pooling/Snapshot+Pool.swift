extension Snapshot {
    /// One (database, user) pool, summed over workers: a row of SHOW POOLS.
    ///
    /// Each client and server stands in exactly one of the counts.
    public struct Pool: Equatable, Sendable {
        /// The database's name, as clients ask for it.
        public var database: String
        /// The user that the pool's server connections log in as.
        public var user: String
        /// Clients that have a server or need none now, i.e. idle ones too.
        public var clientsActive = 0
        /// Clients in the queue.
        public var clientsWaiting = 0
        /// Cancel requests that have been passed on to the server.
        public var clientsActiveCancel = 0
        /// Cancel requests that have not been passed on yet.
        public var clientsWaitingCancel = 0
        /// Servers that a client has.
        public var serversActive = 0
        /// Connections that carry a cancel request.
        public var serversActiveCancel = 0
        /// Servers kept back until a cancel request aimed at them is through.
        public var serversBeingCanceled = 0
        /// Servers that can be handed out.
        public var serversIdle = 0
        /// Servers that need a check first.
        public var serversUsed = 0
        /// Servers that are being checked or reset.
        public var serversTested = 0
        /// Servers that are logging in.
        public var serversLogin = 0
        /// How long the oldest client in the queue has waited; microseconds, 0 where none waits.
        public var oldestWait: Int64 = 0
        /// `session`, `transaction` or `statement`, as in force.
        public var poolMode: String
        /// `round-robin` or `disable` where the database has several hosts; else nil.
        public var loadBalanceHosts: String?

        /// Creates a row with no clients and no servers.
        public init(database: String, user: String, poolMode: String, loadBalanceHosts: String?) {
            self.database = database
            self.user = user
            self.poolMode = poolMode
            self.loadBalanceHosts = loadBalanceHosts
        }
    }
}
