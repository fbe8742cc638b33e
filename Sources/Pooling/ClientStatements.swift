/// What a client has prepared: named statements, and the unnamed one.
///
/// All of it is what the client will find when everything sent has gone well; `StatementExchange`
/// keeps the journal by which an error takes it back.
public struct ClientStatements: Sendable {
    /// A statement under the client's own name for it.
    struct Slot {
        var name: [UInt8]
        var hash: UInt64
        /// Its place in the table; -1 where the slot is free.
        var statement: Int
        /// The number of the ledger's change that its last change is; 0 when that is settled.
        var change: Int
        /// The hash of the columns as they were when the client prepared the statement, or as it
        /// was told last; 0 if not known.
        var shape: UInt64 = 0
        /// The shape is what some server said before the client prepared the statement, which no
        /// server has been asked about since.
        var isGuess = false
        /// Whether the client has asked for them.
        var isTold = false
        /// The hash of its parameters' types, by which the client sends values; 0 while it has
        /// neither been told them nor used them.
        var types: UInt64 = 0
        /// A Close of it has been sent.
        var isClosing = false
    }

    private(set) var slots: [Slot] = []
    private var free: [Int] = []
    private var index = HashIndex()

    /// The unnamed statement.
    public internal(set) var unnamed = ClientUnnamed()

    /// The settings that PostgreSQL parses this client's statements by.
    public var parsing = ContentHash.none

    /// Creates what a new client has.
    public init() {}

    /// Whether it has no statement of any kind, and nothing to forget when its link ends.
    public var isUnused: Bool {
        mutating get { self.index.count == 0 && self.unnamed.isUnused }
    }

    /// How many named statements it has.
    public var count: Int {
        mutating get { self.index.count }
    }

    /// The unnamed statement is another one now, of which no more than that is kept: for a client
    /// that keeps its server.
    public mutating func renamedUnnamed(_ name: UnnamedStatement) { self.unnamed.renamed(name) }

    // MARK: Look-up

    /// As much of a name as PostgreSQL looks at: 63 bytes (`NAMEDATALEN`), wherever they end.
    static func clipped(_ name: Range<Int>) -> Range<Int> {
        name.prefix(63)
    }

    /// What stands under a name.
    struct Found {
        /// The slot; -1 when there is none that is not being closed.
        var slot = -1
        /// The newest of the changes that made it so.
        var change = 0
    }

    func find(_ bytes: Span<UInt8>, _ name: Range<Int>) -> Found {
        guard self.index.count > 0 else { return Found() }
        let range = Self.clipped(name)
        var found = Found()
        _ = self.index.find(HashIndex.hash(bytes, in: range)) { place in
            guard self.isNamed(place, bytes, range) else { return false }
            found.change = max(found.change, self.slots[place].change)
            if !self.slots[place].isClosing { found.slot = place }
            return false
        }
        return found
    }

    private func isNamed(_ place: Int, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard self.slots[place].name.count == range.count else { return false }
        for offset in 0..<range.count
        where self.slots[place].name[offset] != bytes[range.lowerBound + offset] {
            return false
        }
        return true
    }

    // MARK: Changes

    /// A name for a statement that the client holds already.
    mutating func open(_ name: [UInt8], _ statement: Int, change: Int) -> Int {
        let hash = HashIndex.hash(name.span, in: 0..<name.count)
        let slot = Slot(name: name, hash: hash, statement: statement, change: change)
        let place: Int
        if let reused = self.free.popLast() {
            place = reused
            self.slots[place] = slot
        } else {
            place = self.slots.count
            self.slots.append(slot)
        }
        self.index.insert(hash, place)
        return place
    }

    mutating func closing(_ place: Int, change: Int) {
        self.slots[place].isClosing = true
        self.slots[place].change = change
    }

    /// A slot waits for another change.
    mutating func pending(_ place: Int, change: Int) { self.slots[place].change = change }

    /// A change of a slot has come. A later one that it waits for may still be under way.
    mutating func settled(_ place: Int, change: Int) {
        if self.slots[place].change == change { self.slots[place].change = 0 }
    }

    /// A Close has been skipped.
    mutating func reopened(_ place: Int) {
        self.slots[place].isClosing = false
        self.slots[place].change = 0
    }

    /// Whether a slot is still the one of that statement.
    func has(_ statement: Int, at place: Int) -> Bool { self.slots[place].statement == statement }

    mutating func told(_ place: Int, shape: UInt64) {
        self.slots[place].shape = shape
        self.slots[place].isGuess = false
        self.slots[place].isTold = true
    }

    /// The client has been told that the columns are others now.
    mutating func refused(_ place: Int) { self.slots[place].isTold = true }

    mutating func prepared(_ place: Int, shape: UInt64, isGuess: Bool = false) {
        self.slots[place].shape = shape
        self.slots[place].isGuess = isGuess
    }

    /// Whether what a slot's result looked like at its Parse is a guess.
    mutating func guessed(_ place: Int, _ isGuess: Bool) { self.slots[place].isGuess = isGuess }

    /// The client goes by these types of parameters from now on; 0 for those that are found next.
    mutating func typed(_ place: Int, _ types: UInt64) { self.slots[place].types = types }

    mutating func replace(_ place: Int, with statement: Int) {
        self.slots[place].statement = statement
    }

    /// A name is free again.
    mutating func remove(_ place: Int, _ table: inout StatementTable) {
        let slot = self.slots[place]
        precondition(slot.statement >= 0, "slot \(place) removed twice")
        self.index.remove(slot.hash, place)
        table.release(slot.statement)
        table.refund(Self.size(ofName: slot.name.count))
        self.slots[place] = Slot(name: [], hash: 0, statement: -1, change: 0)
        self.free.append(place)
    }

    /// As `ClientUnnamed.isRepeated`; mutating, so that it is asked in place.
    public mutating func isUnnamedRepeated(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        self.unnamed.isRepeated(bytes, in: range)
    }

    /// The client has gone.
    public mutating func close(_ table: inout StatementTable) {
        self.removeAll(upTo: .max, &table)
        self.unnamed.removeAll(&table)
    }

    /// The names are free that are there for certain by the ledger's change `change`: the client
    /// has run DEALLOCATE ALL. Those of what it has sent behind that are not.
    mutating func removeAll(upTo change: Int, _ table: inout StatementTable) {
        guard self.index.count > 0 else { return }
        for place in self.slots.indices
        where self.slots[place].statement >= 0 && self.slots[place].change <= change {
            self.remove(place, &table)
        }
    }

    /// What a name takes of the table's room.
    static func size(ofName count: Int) -> Int { count + 96 }
}
