public import Pooling

/// A member of the fleet, as people see it: what it says on the board, and who it is.
public struct FleetRow: Equatable, Sendable {
    /// What it says of itself.
    public var entry: BoardEntry
    /// `node_name`.
    public var node: String
    /// Where other processes and people reach it, as `HOST:PORT`; empty where that is not known.
    public var address: String
    /// The version of Weir; empty where that is not known.
    public var version: String
    /// When it was last heard of, by the boot-time clock; nil where that is not known.
    public var lastSeen: Instant?

    /// Creates a row.
    public init(
        entry: BoardEntry,
        node: String,
        address: String,
        version: String,
        lastSeen: Instant?
    ) {
        self.entry = entry
        self.node = node
        self.address = address
        self.version = version
        self.lastSeen = lastSeen
    }
}
