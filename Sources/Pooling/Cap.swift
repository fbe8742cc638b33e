/// A limit on server connections that pools share: of a database entry, of a user, of a PostgreSQL
/// server, or of the process.
public struct Cap: Equatable, Sendable {
    /// The most connections; 0 means no limit.
    public var limit: Int

    /// Whether nobody knows the limit yet, so that nothing may be opened.
    public internal(set) var isUnknown = false

    /// Slots taken, those of connections that are being opened or closed included.
    public internal(set) var used = 0

    /// Of those, the ones whose connections are being closed, so that their slots come back soon.
    public internal(set) var closing = 0

    /// Clients that are logged in.
    public internal(set) var clients = 0

    /// What the fleet allows, where the limit is shared with other processes; nil where it is not.
    public internal(set) var standing: FleetStanding?

    /// Slots taken for connections whose startup message has not been sent: each will want a
    /// permit of the fleet's.
    public internal(set) var reserved = 0

    /// Of the connections that are owed to the fleet, the ones that may be taken from clients, as
    /// they come back.
    var owedInUse = 0

    /// Creates a cap.
    public init(limit: Int = 0) { self.limit = limit }

    /// Whether one more connection may be begun.
    public var hasRoom: Bool {
        !self.isUnknown && self.isBelowLimit && self.hasPermit
    }

    /// Whether only the end of a connection makes room, here or in the fleet.
    var isFull: Bool {
        !self.isBelowLimit || (self.standing?.state == .short && !self.hasPermit)
    }

    private var isBelowLimit: Bool { self.limit == 0 || self.used < self.limit }
    private var hasPermit: Bool { self.standing.map { self.reserved < $0.permits } ?? true }

    /// Whether there are more connections than may be, but for those that are being closed: the
    /// limit has been lowered.
    var isOver: Bool { self.limit > 0 && self.used - self.closing > self.limit }

    /// Whether the fleet wants connections back, beyond those that are being closed.
    var isOwing: Bool { self.standing.map { $0.owed > self.closing } ?? false }

    mutating func count(_ change: SlotChange) {
        self.used += change.used
        self.closing += change.closing
    }
}
