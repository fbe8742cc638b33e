/// A limit on server connections that pools share: of a database entry, of a user, of a PostgreSQL
/// server, or of the process.
public struct Cap: Equatable, Sendable {
    /// The most connections; 0 means no limit.
    public var limit: Int

    /// Slots taken, those of connections that are being opened or closed included.
    public internal(set) var used = 0

    /// Of those, the ones whose connections are being closed, so that their slots come back soon.
    public internal(set) var closing = 0

    /// Clients that are logged in.
    public internal(set) var clients = 0

    /// Creates a cap.
    public init(limit: Int = 0) { self.limit = limit }

    /// Whether one more connection may exist.
    public var hasRoom: Bool { self.limit == 0 || self.used < self.limit }

    /// Whether there are more connections than may be, but for those that are being closed: the
    /// limit has been lowered.
    var isOver: Bool { self.limit > 0 && self.used - self.closing > self.limit }

    mutating func count(_ change: SlotChange) {
        self.used += change.used
        self.closing += change.closing
    }
}
