/// Which statement the unnamed one is, if all goes well with what was sent, and which it is if not.
///
/// A Parse of it is a change of the ledger's count. One that fails has dropped the statement before
/// it, since PostgreSQL does that first; one that is skipped after an error has changed nothing.
///
/// A few changes are told apart, in place: a session is copied often, and an array in it would be
/// counted each time. Of more, it is `.unknown` what the oldest were.
struct UnnamedHistory: Sendable {
    struct Item: Equatable, Sendable {
        var name: UnnamedStatement
        /// The number of the change that made it so.
        var change: Int
    }

    private var newest = Item(name: .none, change: 0)
    /// Those before it, the oldest first, from the last one on that is beyond doubt; none while the
    /// newest one is, which is nearly always.
    private var older: InlineArray<4, Item> = InlineArray(
        repeating: Item(name: .none, change: 0)
    )
    private var count = 0
    /// There were more, so that it may turn out to be one that is not told apart any more.
    private var isCut = false

    /// The newest.
    var name: UnnamedStatement { self.newest.name }
    /// The number of the change that made it so.
    var change: Int { self.newest.change }

    /// It becomes another one by the ledger's change `change`; those up to `ended` are answered.
    mutating func becomes(_ name: UnnamedStatement, change: Int, ended: Int) {
        if change <= ended { self.forget() } else { self.push(ended: ended) }
        self.newest = Item(name: name, change: change)
    }

    private mutating func push(ended: Int) {
        if self.newest.change <= ended { self.forget() }
        var sure = self.count - 1
        while sure > 0, self.older[sure].change > ended { sure -= 1 }
        if sure > 0 { self.drop(sure) }
        if self.count > 0, self.older[0].change <= ended { self.isCut = false }
        // What is thrown away from either of the two on falls back to the same.
        if self.count > 0, self.older[self.count - 1].name == self.newest.name { return }
        if self.count == self.older.count {
            self.drop(1)
            self.isCut = true
        }
        self.older[self.count] = self.newest
        self.count += 1
    }

    /// Nothing of before can come back.
    private mutating func forget() {
        self.count = 0
        self.isCut = false
    }

    private mutating func drop(_ many: Int) {
        for index in many..<self.count { self.older[index - many] = self.older[index] }
        self.count -= many
    }

    /// An error has thrown away the changes behind `before` up to `after`; `failed` is the one that
    /// failed itself rather than being skipped, if one did. True if that concerns the newest one.
    mutating func skipped(before: Int, after: Int, failed: Int?) -> Bool {
        let range = before + 1..<after + 1
        var last = UnnamedStatement.unknown
        for index in 0..<self.count {
            if range.contains(self.older[index].change) {
                self.older[index].name = self.older[index].change == failed ? .none : last
            }
            last = self.older[index].name
        }
        guard range.contains(self.newest.change) else { return false }
        self.newest.name = self.newest.change == failed ? .none : last
        return true
    }

    /// Whether there is none, whatever is thrown away.
    var isAbsent: Bool { self.newest.name == .none && self.count == 0 }

    /// Whether no number of a ledger is kept.
    var isSettled: Bool { self.newest.change == 0 && self.count == 0 }

    /// Nothing is due any more: numbers may begin anew.
    mutating func settle() {
        self.newest.change = 0
        self.forget()
    }

    /// One that nobody could name until now is `name`.
    mutating func named(_ name: UnnamedStatement) {
        if self.name == .unknown { self.becomes(name, change: 0, ended: 0) }
    }

    /// Whether both turn out to be the same whatever is thrown away of what comes behind the change
    /// `ended`.
    func agrees(with other: UnnamedHistory, ended: Int) -> Bool {
        // What is beyond doubt has nothing before it to fall back to.
        let count = self.change <= ended ? 0 : self.count
        guard self.name == other.name, count == (other.change <= ended ? 0 : other.count),
            count == 0 || !self.isCut && !other.isCut
        else { return false }
        // By other changes they may be thrown away one without the other.
        guard count == 0 || self.change == other.change else { return false }
        return (0..<count).allSatisfy {
            let (one, two) = (self.older[$0], other.older[$0])
            return one.name == two.name
                && (one.change == two.change || max(one.change, two.change) <= ended)
        }
    }

    /// Whether a statement may turn out to be it.
    func mayBe(_ name: UnnamedStatement) -> Bool {
        name == self.name || (0..<self.count).contains { self.older[$0].name == name }
            || self.isCut && name == .unknown
    }
}

extension UnnamedHistory: Equatable {
    static func == (one: UnnamedHistory, other: UnnamedHistory) -> Bool {
        one.newest == other.newest && one.count == other.count && one.isCut == other.isCut
            && (0..<one.count).allSatisfy { one.older[$0] == other.older[$0] }
    }
}
