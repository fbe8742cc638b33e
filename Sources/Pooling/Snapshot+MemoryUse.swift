extension Snapshot {
    /// One slab or cache: a row of SHOW MEM.
    public struct MemoryUse: Equatable, Sendable {
        /// PgBouncer's name for it where it has one (`client_cache`, `server_cache`, `pool_cache`,
        /// `iobuf_cache` …).
        public var name: String
        /// Bytes an entry.
        public var entrySize: Int
        /// Entries in use.
        public var used: Int
        /// Entries kept for later.
        public var free: Int
        /// Bytes in all.
        public var totalBytes: Int

        /// Creates a row.
        public init(name: String, entrySize: Int, used: Int, free: Int, totalBytes: Int) {
            self.name = name
            self.entrySize = entrySize
            self.used = used
            self.free = free
            self.totalBytes = totalBytes
        }
    }
}
