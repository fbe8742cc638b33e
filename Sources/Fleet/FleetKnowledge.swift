public import Pooling

/// What a process knows of its fleet at one PostgreSQL server, for people.
public struct FleetKnowledge: Equatable, Sendable {
    /// The moment of it, by the boot-time clock.
    public var now: Instant
    /// The process itself.
    public var member: UInt64
    /// The members, as the board was last read.
    public var rows: [FleetRow]
    /// The process's share of the slots.
    public var share: Int
    /// The fleet's sessions in PostgreSQL's list, at the last count.
    public var counted: Int?
    /// Of those, the ones that no member has.
    public var orphans: Int?
    /// What the process may do.
    public var standing: FleetStanding

    /// Creates what is known.
    public init(
        now: Instant,
        member: UInt64,
        rows: [FleetRow],
        share: Int,
        counted: Int?,
        orphans: Int?,
        standing: FleetStanding
    ) {
        self.now = now
        self.member = member
        self.rows = rows
        self.share = share
        self.counted = counted
        self.orphans = orphans
        self.standing = standing
    }
}
