extension Snapshot {
    /// Which arrays of a snapshot somebody is going to read, so that nobody copies 10,000 clients
    /// for SHOW VERSION.
    public struct Parts: OptionSet, Equatable, Sendable {
        public let rawValue: UInt32

        /// Creates a set from its bits.
        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// `databases`
        public static let databases = Parts(rawValue: 1 << 0)
        /// `users`
        public static let users = Parts(rawValue: 1 << 1)
        /// `pools`
        public static let pools = Parts(rawValue: 1 << 2)
        /// `peers` and `peerPools`
        public static let peers = Parts(rawValue: 1 << 3)
        /// `clients`
        public static let clients = Parts(rawValue: 1 << 4)
        /// `servers`
        public static let servers = Parts(rawValue: 1 << 5)
        /// `statistics` and `statisticsWindow`
        public static let statistics = Parts(rawValue: 1 << 6)
        /// `counts`
        public static let counts = Parts(rawValue: 1 << 7)
        /// `dnsHosts` and `dnsZones`
        public static let dns = Parts(rawValue: 1 << 8)
        /// `memory`
        public static let memory = Parts(rawValue: 1 << 9)
        /// `configuration`
        public static let configuration = Parts(rawValue: 1 << 10)
        /// `descriptors`
        public static let descriptors = Parts(rawValue: 1 << 11)
        /// `workers`.
        public static let workers = Parts(rawValue: 1 << 12)
        /// `pins`.
        public static let pins = Parts(rawValue: 1 << 13)
        /// `budgets`.
        public static let budgets = Parts(rawValue: 1 << 14)
        /// Nothing but what the initialiser asks for.
        public static let process: Parts = []
    }
}
