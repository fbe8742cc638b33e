/// The shared statements that one server has prepared, at most `limit` of them.
///
/// A copy counts as prepared when its Parse has been answered. Until then it can be used by the
/// batch that its Parse belongs to, since an error skips both.
struct ServerStatements: Sendable {
    struct Copy {
        /// Its place in the table; -1 where the place is free.
        var statement: Int
        /// The number of the ledger's change that is its Parse.
        var change: Int
        /// The hash of its result's columns; 0 if not known yet.
        var shape: UInt64 = 0
        /// The hash of its parameters' types; 0 if not known yet.
        var types: UInt64 = 0
        /// It has been used since the hand of the clock came by.
        var isUsed = true
        /// Not known to be there, or known to be of no use: it is closed and parsed again first.
        var isStale = false
    }

    private(set) var copies: [Copy] = []
    private var free: [Int] = []
    private var index = HashIndex()
    private var hand = 0

    var count: Int { self.index.count }

    @inline(__always)
    func place(of statement: Int) -> Int? {
        self.index.find(Self.hash(statement)) { self.copies[$0].statement == statement }
    }

    mutating func used(_ place: Int) { self.copies[place].isUsed = true }

    /// A copy whose Parse is the ledger's change `change`.
    ///
    /// - Parameter types: the hash of its parameters' types; 0 where PostgreSQL is to find them.
    mutating func parsed(
        _ statement: Int,
        change: Int,
        types: UInt64 = 0,
        _ table: inout StatementTable
    ) {
        let copy = Copy(statement: statement, change: change, types: types)
        if let place = self.place(of: statement) {
            self.copies[place] = copy
            return
        }
        table.holdCopy(of: statement)
        self.insert(copy)
    }

    /// A copy that came along from another worker.
    mutating func brought(_ copy: StatementCopy, _ table: inout StatementTable) {
        let statement = table.holdCopy(of: copy.key)
        self.insert(
            Copy(
                statement: statement,
                change: 0,
                shape: copy.shape,
                types: copy.types,
                isStale: copy.isStale
            )
        )
    }

    private mutating func insert(_ copy: Copy) {
        let place: Int
        if let reused = self.free.popLast() {
            place = reused
            self.copies[place] = copy
        } else {
            place = self.copies.count
            self.copies.append(copy)
        }
        self.index.insert(Self.hash(copy.statement), place)
    }

    /// The answer to the ledger's change `change`, which may be about a copy before this one.
    mutating func described(_ statement: Int, shape: UInt64, by change: Int) {
        guard let place = self.place(of: statement), self.copies[place].change <= change else {
            return
        }
        self.copies[place].shape = shape
    }

    /// A server has said what the types of its parameters are, in the answer to the ledger's change
    /// `change`; false where that was known, or is about a copy before this one.
    mutating func found(types: UInt64, of statement: Int, by change: Int) -> Bool {
        guard let place = self.place(of: statement), self.copies[place].types == 0,
            self.copies[place].change <= change
        else { return false }
        self.copies[place].types = types
        return true
    }

    mutating func becameStale(_ statement: Int) {
        if let place = self.place(of: statement) { self.copies[place].isStale = true }
    }

    /// Nobody knows what the server still has.
    mutating func becameStale() {
        for place in self.copies.indices { self.copies[place].isStale = true }
    }

    /// A copy has been closed.
    mutating func remove(_ statement: Int, _ table: inout StatementTable) {
        guard let place = self.place(of: statement) else { return }
        self.index.remove(Self.hash(statement), place)
        self.copies[place].statement = -1
        self.free.append(place)
        table.releaseCopy(of: statement)
    }

    /// The server has none any more but those that come behind the ledger's change `change`.
    mutating func removeAll(upTo change: Int, _ table: inout StatementTable) {
        for copy in self.copies where copy.statement >= 0 && copy.change <= change {
            self.remove(copy.statement, &table)
        }
    }

    /// A copy that has not been used for long, by a clock's hand. One that is being used may be
    /// closed all the same: what was sent before is done before.
    mutating func victim(but kept: Int) -> Int? {
        // The second round finds what the first has marked.
        for _ in 0..<self.copies.count * 2 {
            self.hand = self.hand + 1 < self.copies.count ? self.hand + 1 : 0
            let copy = self.copies[self.hand]
            if copy.statement < 0 || copy.statement == kept { continue }
            if !copy.isUsed { return copy.statement }
            self.copies[self.hand].isUsed = false
        }
        return nil
    }

    private static func hash(_ statement: Int) -> UInt64 {
        UInt64(truncatingIfNeeded: statement) &* 0x9e37_79b9_7f4a_7c15 >> 20
    }
}
