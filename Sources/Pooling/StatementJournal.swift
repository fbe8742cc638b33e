/// What has been changed about statements in the belief that all will go well, by the numbers of
/// the ledger's changes: settled in order as they are answered, taken back when an error skips
/// them.
struct StatementJournal: Sendable {
    enum Change: Equatable, Sendable {
        /// A client has given a name to a statement, at a slot.
        case opened(slot: Int)
        /// A client has closed the name at a slot.
        case closed(slot: Int)
        /// A client has asked about the statement at a slot.
        case asked(slot: Int, statement: Int)
        /// A client has asked about its unnamed statement.
        case askedUnnamed(UnnamedStatement)
        /// A shared statement has been parsed on the server.
        case parsed(statement: Int)
        /// A shared statement has been closed on the server.
        case dropped(statement: Int)
        /// Weir has asked about a shared statement.
        case described(statement: Int)
        /// The client that has prepared it gets to know what it looked like then.
        case noted(slot: Int, statement: Int)
        /// Weir has asked about the client's unnamed statement, which it has parsed again.
        case describedUnnamed(UnnamedStatement)

        /// The shared statement that it speaks of, which the table keeps as long as it does.
        var statement: Int? {
            switch self {
            case .asked(_, let statement), .noted(_, let statement), .parsed(let statement),
                .dropped(let statement),
                .described(let statement):
                statement
            case .opened, .closed, .askedUnnamed, .describedUnnamed: nil
            }
        }

        var isOfClient: Bool {
            switch self {
            case .opened, .closed, .noted, .asked, .askedUnnamed, .describedUnnamed: true
            case .parsed, .dropped, .described: false
            }
        }
    }

    struct Item: Equatable, Sendable {
        var number: Int
        var change: Change
    }

    private(set) var items: [Item] = []
    private var head = 0

    var isEmpty: Bool { self.head == self.items.count }

    mutating func append(_ change: Change, at number: Int, _ table: inout StatementTable) {
        change.statement.map { table.holdCopy(of: $0) }
        self.items.append(Item(number: number, change: change))
    }

    /// The next item whose number is at most `number`; taken out. The caller releases what it
    /// speaks of.
    mutating func takeFirst(upTo number: Int) -> Item? {
        guard self.head < self.items.count, self.items[self.head].number <= number else {
            return nil
        }
        defer {
            self.head += 1
            if self.head == self.items.count {
                self.items.removeAll(keepingCapacity: true)
                self.head = 0
            }
        }
        return self.items[self.head]
    }

    /// Whether a change waits for its answer.
    func contains(_ change: Change) -> Bool {
        self.items[self.head...].contains { $0.change == change }
    }

    /// The items with this number.
    func items(at number: Int) -> ArraySlice<Item> {
        let start = self.items[self.head...].firstIndex { $0.number >= number } ?? self.items.count
        let end = self.items[start...].firstIndex { $0.number > number } ?? self.items.count
        return self.items[start..<end]
    }

    /// Takes out the items up to `number`, the last one first. The caller releases what they speak
    /// of.
    mutating func takeBack(upTo number: Int) -> [Item] {
        let end = self.items[self.head...].firstIndex { $0.number > number } ?? self.items.count
        let taken = self.items[self.head..<end].reversed()
        self.items.removeSubrange(self.head..<end)
        return Array(taken)
    }

    /// The client has gone: nobody needs to know what becomes of its names.
    mutating func forgetClient(_ table: inout StatementTable) {
        let items = self.items[self.head...]
        self.items = items.filter { !$0.change.isOfClient }
        self.head = 0
        for item in items where item.change.isOfClient {
            item.change.statement.map { table.releaseCopy(of: $0) }
        }
    }

    /// The server has gone.
    mutating func removeAll(_ table: inout StatementTable) {
        for item in self.items[self.head...] {
            item.change.statement.map { table.releaseCopy(of: $0) }
        }
        self.items.removeAll()
        self.head = 0
    }
}
