import Wire

/// A client's unnamed statement: which Parse it is of, and what that said, so that another server
/// can be given it. PostgreSQL keeps it beyond Sync, and drivers send Parse and Sync, wait, then
/// Bind.
public struct ClientUnnamed: Sendable {
    /// What is known of one Parse.
    private struct Kept: Sendable {
        var name: UnnamedStatement
        /// What followed the name in it.
        var body: [UInt8]
        /// Whether the body is all there; one that is too long is not kept.
        var isWhole: Bool
        /// Running it may leave something behind in the session.
        var isSuspicious: Bool
        /// The hash of the columns that the client was told; 0 while it has not asked.
        var shape: UInt64
    }

    private(set) var history = UnnamedHistory() {
        didSet {
            self.name = self.history.name
            self.isAbsent = self.history.isAbsent
        }
    }
    private var kept: [Kept] = []

    /// Memory up to this size is kept for the next body.
    private static let capacityKept = 4_096

    /// Which Parse it is, if all goes well with what was sent.
    public private(set) var name = UnnamedStatement.none

    /// Whether there is none, and what was sent cannot turn out to have left one after all: then
    /// nothing needs to be told that would drop it.
    public private(set) var isAbsent = true

    /// Whether there is none, and nothing is kept of how that came about.
    var isUnused: Bool { self.name == .none && self.history.isSettled }

    /// Whether it cannot be given to another server, so that the client has to keep the one that
    /// has it.
    public private(set) var needsItsServer = false

    /// Whether there is anything to it that a Bind has to be decided by, beside which one it is.
    public private(set) var needsLook = false

    /// Whether running it may leave something behind in the session.
    public var isSuspicious: Bool {
        guard let place = self.place else { return self.name != .none }
        return self.kept[place].isSuspicious
    }

    /// Whether it may turn out to be an earlier one: the change that made it so belongs to an
    /// earlier batch, which may fail.
    public func isPending(in ledger: ReplyLedger) -> Bool {
        self.history.change > ledger.changesEnded && self.history.change <= ledger.batchStart
    }

    /// What followed the name in the earlier Parses that it may turn out to be of, where running
    /// that may leave something behind; nil for one of which that is not known.
    public var suspiciousBodies: [[UInt8]?] {
        var bodies: [[UInt8]?] = []
        for one in self.kept where one.isSuspicious && self.history.mayBe(one.name) {
            bodies.append(one.isWhole ? one.body : nil)
        }
        if self.history.mayBe(.unknown) { bodies.append(nil) }
        return bodies
    }

    /// What followed the name in its Parse; nil if that is not known.
    public var body: [UInt8]? {
        guard let place = self.place, self.kept[place].isWhole else { return nil }
        return self.kept[place].body
    }

    /// The hash of the columns that the client was told; 0 while it has not asked.
    var shape: UInt64 { self.place.map { self.kept[$0].shape } ?? 0 }

    private var place: Int? { self.kept.firstIndex { $0.name == self.history.name } }

    /// A Parse of it goes out, as the ledger's change `change`.
    ///
    /// - Parameters:
    ///   - range: what follows the name; nil when that is too long to be kept.
    ///   - isSuspicious: running it may leave something behind in the session.
    ///   - ended: the changes up to this one are answered.
    ///   - table: counts what is kept. Where it has no room, nothing is.
    mutating func parsed(
        _ name: UnnamedStatement,
        _ bytes: Span<UInt8>,
        in range: Range<Int>?,
        isSuspicious: Bool,
        change: Int,
        ended: Int,
        _ table: inout StatementTable
    ) {
        self.history.becomes(name, change: change, ended: ended)
        let place: Int
        if let free = self.kept.firstIndex(where: { !self.history.mayBe($0.name) }) {
            place = free
            self.forget(free, &table)
        } else {
            place = self.kept.count
            self.kept.append(
                Kept(
                    name: name,
                    body: [],
                    isWhole: false,
                    isSuspicious: true,
                    shape: 0
                )
            )
        }
        self.kept[place].name = name
        self.kept[place].shape = 0
        self.kept[place].isSuspicious = isSuspicious
        if let range, table.charge(range.count) {
            bytes.append(range, to: &self.kept[place].body)
            self.kept[place].isWhole = true
        }
        self.needsItsServer = !self.kept[place].isWhole
        self.needsLook =
            isSuspicious || self.needsItsServer
            || range.map { StatementCommand.mayBe(bytes, in: $0) } ?? true
    }

    private mutating func forget(_ place: Int, _ table: inout StatementTable) {
        let count = self.kept[place].body.count
        table.refund(count)
        self.kept[place].body.removeAll(keepingCapacity: count <= Self.capacityKept)
        self.kept[place].isWhole = false
    }

    /// The client has gone.
    mutating func removeAll(_ table: inout StatementTable) {
        for place in self.kept.indices { self.forget(place, &table) }
        self.kept.removeAll()
        self.history = UnnamedHistory()
    }

    /// A Close of it goes out, or a simple query, which drops it.
    mutating func dropped(change: Int, ended: Int) {
        guard !self.isAbsent else { return }
        self.history.becomes(.none, change: change, ended: ended)
        self.needsItsServer = false
    }

    /// Another one, of which nothing is kept.
    mutating func renamed(_ name: UnnamedStatement) {
        self.history.becomes(name, change: 0, ended: 0)
    }

    /// The client has been told the columns of the statement `name`.
    mutating func described(_ name: UnnamedStatement, shape: UInt64) {
        if let place = self.kept.firstIndex(where: { $0.name == name }) {
            self.kept[place].shape = shape
        }
        self.needsLook = true
    }

    /// As `UnnamedHistory.skipped`.
    mutating func skipped(before: Int, after: Int, failed: Int?) {
        if self.history.skipped(before: before, after: after, failed: failed) {
            self.needsItsServer = self.place.map { !self.kept[$0].isWhole } ?? false
            self.needsLook = true
        }
    }

    /// Its link ends with nothing due: numbers of the next ledger begin anew.
    mutating func settled() { self.history.settle() }

    /// One that nobody could name until now is `name`.
    mutating func named(_ name: UnnamedStatement) { self.history.named(name) }
}
