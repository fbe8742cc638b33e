/// Where a server connection stands in its pool; it takes a slot at each of them.
public enum ServerPlace: Int, Equatable, Sendable, CaseIterable {
    /// Being connected and logged in. Becomes: idle, active, closing.
    case opening
    /// Free. Becomes: active, testing, closing.
    case idle
    /// Checked out by a client. Becomes: recovering, idle, closing.
    case active
    /// Being cleaned after a client. Becomes: idle, active, closing.
    case recovering
    /// Being checked after a long idleness. Becomes: idle, active, closing.
    case testing
    /// On its way to another worker, which has somebody waiting for it. Becomes: idle, active,
    /// closing, or leaves.
    case leaving
    /// One client's own, for as long as both live (`PoolSet+Dedicated`): no business of the pool's
    /// but that it takes a slot. Becomes: closing.
    case dedicated
    /// Told to end; PostgreSQL has not closed it yet. Ends with the slot's release.
    case closing

    /// Whether all workers together count the servers that stand here.
    @inline(__always)
    var isCounted: Bool { self == .opening || self == .dedicated || self == .closing }
}
