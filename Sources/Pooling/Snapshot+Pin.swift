extension Snapshot {
    /// What keeps clients of one pool at their servers, by one reason: a row of SHOW PINS.
    public struct Pin: Equatable, Sendable {
        /// The database's name, as clients ask for it.
        public var database: String
        /// The user that the pool's server connections log in as.
        public var user: String
        /// What it is for.
        public var reason: String
        /// Clients that keep a server for it now.
        public var current = 0
        /// How often it was counted, since the process started.
        public var counts = PinCounts.Counts()

        /// Creates a row with nothing counted.
        public init(database: String, user: String, reason: String) {
            self.database = database
            self.user = user
            self.reason = reason
        }

        /// Whether there is nothing to tell.
        public var isEmpty: Bool { self.current == 0 && self.counts.isZero }
    }
}
