extension Snapshot {
    /// One name in the DNS cache: a row of SHOW DNS_HOSTS.
    public struct DNSHost: Equatable, Sendable {
        /// The name.
        public var name: String
        /// Seconds until it is looked up again.
        public var secondsToLive: Int64
        /// Its addresses; none where the look-up failed.
        public var addresses: [String]

        /// Creates a row.
        public init(name: String, secondsToLive: Int64, addresses: [String]) {
            self.name = name
            self.secondsToLive = secondsToLive
            self.addresses = addresses
        }
    }

    /// One zone whose serial is watched: a row of SHOW DNS_ZONES.
    public struct DNSZone: Equatable, Sendable {
        /// The zone's name.
        public var name: String
        /// The serial of its SOA record.
        public var serial: Int64
        /// How many cached names are in it.
        public var hostCount: Int

        /// Creates a row.
        public init(name: String, serial: Int64, hostCount: Int) {
            self.name = name
            self.serial = serial
            self.hostCount = hostCount
        }
    }
}
