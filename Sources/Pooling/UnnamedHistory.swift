/// Which statement the unnamed one is, if all goes well with what was sent, and which it is if not.
///
/// A Parse of it is a change of the ledger's count. One that fails has dropped the statement before
/// it, since PostgreSQL does that first; one that is skipped after an error has changed nothing.
struct UnnamedHistory: Equatable, Sendable {
    private struct Item: Equatable, Sendable {
        var name: UnnamedStatement
        /// The number of the change that made it so.
        var change: Int
    }

    private var newest = Item(name: .none, change: 0)
    /// Those before it, the oldest first, from the last one on that is beyond doubt; empty while
    /// the newest one is, which is nearly always.
    private var older: [Item] = []

    /// Changes that are told apart; of more, the oldest are `.unknown`.
    private static let depthMax = 32

    /// The newest.
    var name: UnnamedStatement { self.newest.name }
    /// The number of the change that made it so.
    var change: Int { self.newest.change }

    /// It becomes another one by the ledger's change `change`; those up to `ended` are answered.
    mutating func becomes(_ name: UnnamedStatement, change: Int, ended: Int) {
        if change <= ended {
            if !self.older.isEmpty { self.older.removeAll(keepingCapacity: true) }
        } else {
            self.push(ended: ended)
        }
        self.newest = Item(name: name, change: change)
    }

    private mutating func push(ended: Int) {
        if self.newest.change <= ended { self.older.removeAll(keepingCapacity: true) }
        self.older.append(self.newest)
        if let sure = self.older.lastIndex(where: { $0.change <= ended }), sure > 0 {
            self.older.removeFirst(sure)
        }
        if self.older.count > Self.depthMax {
            self.older.removeFirst()
            self.older[0] = Item(name: .unknown, change: 0)
        }
    }

    /// An error has thrown away the changes behind `before` up to `after`; `failed` is the one that
    /// failed itself rather than being skipped, if one did. True if that concerns the newest one.
    mutating func skipped(before: Int, after: Int, failed: Int?) -> Bool {
        let isNewest = self.newest.change > before && self.newest.change <= after
        if self.older.isEmpty, !isNewest { return false }
        var items = self.older + [self.newest]
        for index in items.indices
        where items[index].change > before && items[index].change <= after {
            let isSelf = items[index].change == failed
            items[index].name = isSelf ? .none : index > 0 ? items[index - 1].name : .unknown
        }
        self.newest = items.removeLast()
        self.older = items
        return isNewest
    }

    /// Nothing is due any more: numbers may begin anew.
    mutating func settle() {
        self.newest.change = 0
        if !self.older.isEmpty { self.older.removeAll(keepingCapacity: true) }
    }

    /// One that nobody could name until now is `name`.
    mutating func named(_ name: UnnamedStatement) {
        if self.name == .unknown { self.becomes(name, change: 0, ended: 0) }
    }

    /// Whether both turn out to be the same whatever is thrown away.
    func agrees(with other: UnnamedHistory) -> Bool {
        self.name == other.name
            && self.older.elementsEqual(other.older) { $0.name == $1.name }
    }

    /// Whether a statement may turn out to be it.
    func mayBe(_ name: UnnamedStatement) -> Bool {
        name == self.name || self.older.contains { $0.name == name }
    }
}
