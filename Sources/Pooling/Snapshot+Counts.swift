extension Snapshot {
    /// The counts of SHOW LISTS that follow from no array of the snapshot.
    public struct Counts: Equatable, Sendable {
        /// Client places in memory that nobody uses.
        public var freeClients = 0
        /// Clients, those that are logging in left out.
        public var usedClients = 0
        /// Clients that are logging in.
        public var loginClients = 0
        /// Server places in memory that nobody uses.
        public var freeServers = 0
        /// Server connections.
        public var usedServers = 0
        /// Names in the DNS cache.
        public var dnsNames = 0
        /// Zones in the DNS cache.
        public var dnsZones = 0
        /// DNS queries under way.
        public var dnsQueries = 0
        /// DNS queries not sent yet.
        public var dnsPending = 0

        /// Creates counts at 0.
        public init() {}
    }
}
