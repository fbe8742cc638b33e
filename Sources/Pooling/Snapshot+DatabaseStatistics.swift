extension Snapshot {
    /// The counters of one database, summed over its pools and over workers.
    public struct DatabaseStatistics: Equatable, Sendable {
        /// The database's name, as clients ask for it.
        public var database: String
        /// The counters now.
        public var totals: SnapshotStatistics
        /// The counters `statisticsWindow` ago, i.e. at the start of the previous `stats_period`.
        public var previous: SnapshotStatistics

        /// Creates a row.
        public init(database: String, totals: SnapshotStatistics, previous: SnapshotStatistics) {
            self.database = database
            self.totals = totals
            self.previous = previous
        }
    }
}
