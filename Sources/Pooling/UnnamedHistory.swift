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
        /// All else in one word, since a session is copied often: 40 bits of `change`, 22 of how
        /// far before it `first` is, and the marks.
        private var word: UInt64

        /// The number of the change that made it so; of several that did, one behind the other, the
        /// last.
        var change: Int { Int(self.word >> 24) }
        /// The first of those.
        var first: Int { self.change - Int(self.word >> 2 & Self.distanceMax) }
        /// There are others between the two.
        private var isMany: Bool { self.word & 1 != 0 }
        /// An error has thrown away some of them, and which are left is not known.
        var isUnsure: Bool { self.word & 2 != 0 }

        private static let distanceMax: UInt64 = 1 << 22 - 1

        init(name: UnnamedStatement, change: Int) {
            self.name = name
            self.word = UInt64(change) << 24
        }

        /// One more change behind its last one has made it so.
        mutating func grow(to change: Int) {
            let isMany = self.first != self.change
            self.set(from: self.first, to: change, isMany: isMany, isUnsure: self.isUnsure)
        }

        private mutating func set(from first: Int, to last: Int, isMany: Bool, isUnsure: Bool) {
            let distance = min(UInt64(last - first), Self.distanceMax)
            self.word = UInt64(last) << 24 | distance << 2 | (isUnsure ? 2 : 0) | (isMany ? 1 : 0)
        }

        /// An error has thrown away the changes in `range`, the first of which has failed itself if
        /// it is `failed`; `last` is what it was before.
        mutating func skipped(
            _ range: Range<Int>,
            failed: Int?,
            last: UnnamedStatement
        ) {
            if range.contains(self.change) {
                if range.contains(self.first) {
                    self.name = self.first == failed ? .none : last
                } else if self.isUnsure {
                    self.name = .unknown
                }
            } else if range.contains(self.first), self.first != failed {
                let first = self.isMany ? range.upperBound : self.change
                let isMany = self.isMany
                self.set(from: first, to: self.change, isMany: isMany, isUnsure: isMany)
            }
        }
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
        while sure > 0, self.older[sure].first > ended { sure -= 1 }
        if sure > 0 { self.drop(sure) }
        if self.count > 0, self.older[0].first <= ended { self.isCut = false }
        // Queries sent one behind the other, which drop what is not there any more.
        if self.count > 0, self.older[self.count - 1].name == self.newest.name {
            self.older[self.count - 1].grow(to: self.newest.change)
            return
        }
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
            self.older[index].skipped(range, failed: failed, last: last)
            last = self.older[index].name
        }
        guard range.contains(self.newest.change) else { return false }
        self.newest.skipped(range, failed: failed, last: last)
        return true
    }

    /// Whether there is none, whatever is thrown away.
    var isAbsent: Bool { self.newest.name == .none && self.count == 0 }

    /// Whether no number of a ledger is kept.
    var isSettled: Bool { self.newest.change == 0 && self.count == 0 }

    /// Nothing is due any more: numbers may begin anew.
    mutating func settle() {
        self.newest = Item(name: self.newest.name, change: 0)
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
            return one == two
                || one.name == two.name && max(one.first, two.first) <= ended
        }
    }

    /// Whether a statement may turn out to be it.
    func mayBe(_ name: UnnamedStatement) -> Bool {
        name == self.name || (0..<self.count).contains { self.older[$0].name == name }
            || name == .unknown
                && (self.isCut || (0..<self.count).contains { self.older[$0].isUnsure })
    }
}

extension UnnamedHistory: Equatable {
    static func == (one: UnnamedHistory, other: UnnamedHistory) -> Bool {
        one.newest == other.newest && one.count == other.count && one.isCut == other.isCut
            && (0..<one.count).allSatisfy { one.older[$0] == other.older[$0] }
    }
}
