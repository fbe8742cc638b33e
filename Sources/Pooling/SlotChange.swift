/// How a connection's step changes the counts of slots.
struct SlotChange {
    var used = 0
    var opening = 0
    var dedicated = 0
    var closing = 0

    /// A connection is begun.
    static let opened = SlotChange(used: 1, opening: 1)
    /// A connection is begun that is one client's own.
    static let dedicated = SlotChange(used: 1, dedicated: 1)
    /// PostgreSQL has closed one.
    static let closed = SlotChange(used: -1, closing: -1)

    /// A connection goes from one place to another.
    static func moved(from old: ServerPlace, to new: ServerPlace) -> SlotChange {
        SlotChange(
            opening: (new == .opening ? 1 : 0) - (old == .opening ? 1 : 0),
            dedicated: (new == .dedicated ? 1 : 0) - (old == .dedicated ? 1 : 0),
            closing: (new == .closing ? 1 : 0) - (old == .closing ? 1 : 0)
        )
    }
}
