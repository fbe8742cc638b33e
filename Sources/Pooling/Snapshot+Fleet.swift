extension Snapshot {
    /// What a process knows of its fleet at one PostgreSQL server.
    public struct FleetOverview: Equatable, Sendable {
        /// The members, as the board was last read.
        public var members: [FleetMember]
        /// The process's share of the slots.
        public var share: Int
        /// The fleet's sessions in PostgreSQL's list, at the last count; nil before the first.
        public var counted: Int?
        /// Of those, the ones that no member has.
        public var orphans: Int?
        /// Where the process stands.
        public var state: FleetStanding.State

        /// Creates an overview.
        public init(
            members: [FleetMember],
            share: Int,
            counted: Int?,
            orphans: Int?,
            state: FleetStanding.State
        ) {
            self.members = members
            self.share = share
            self.counted = counted
            self.orphans = orphans
            self.state = state
        }
    }

    /// A member of the fleet: a row of SHOW FLEET.
    public struct FleetMember: Equatable, Sendable {
        /// `node_name`.
        public var node: String
        /// Where it is reached; empty where that is not known.
        public var address: String
        /// The version of Weir; empty where that is not known.
        public var version: String
        /// What it says of itself.
        public var entry: BoardEntry
        /// For how long it has not been heard of; nil where that is not known.
        public var silence: Nanoseconds?
        /// Whether it is the process that is asked.
        public var isOwn: Bool

        /// Creates a row.
        public init(
            node: String,
            address: String,
            version: String,
            entry: BoardEntry,
            silence: Nanoseconds?,
            isOwn: Bool
        ) {
            self.node = node
            self.address = address
            self.version = version
            self.entry = entry
            self.silence = silence
            self.isOwn = isOwn
        }
    }
}
