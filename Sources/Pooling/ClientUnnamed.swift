import Wire

/// A client's unnamed statement: which Parse it is of, and what that said, so that another server
/// can be given it. PostgreSQL keeps it beyond Sync, and drivers send Parse and Sync, wait, then
/// Bind.
public struct ClientUnnamed: Sendable {
    /// What is known of one Parse.
    private struct Kept: Sendable {
        var name: UnnamedStatement
        /// The settings that it was parsed under.
        var parsing = ContentHash.none
        /// What followed the name in it.
        var body = ReusedBytes()
        /// Whether the body is all there; one that is too long is not kept.
        var isWhole = false
        /// Running it may leave something behind in the session.
        var isSuspicious = true
        /// The body is kept, and there is nothing to it that a Bind has to be decided by.
        var isPlain = false
        /// The hash of the columns that the client was told; 0 while it has not asked.
        var shape: UInt64 = 0
        /// The shared statement that serves it; negative where the server's unnamed one does.
        var shared = -1
        /// The hash of its parameters' types, where a shared statement serves it: those that the
        /// client was told, or has used; 0 if none.
        var types: UInt64 = 0

        /// Another shared statement serves it, which is held for it, or none.
        mutating func isServed(by shared: Int, _ table: inout StatementTable) {
            if self.shared >= 0 { table.release(self.shared) }
            self.shared = shared
            self.types = 0
        }

        /// Becomes another Parse, of which the body is not kept yet.
        mutating func become(
            _ name: UnnamedStatement,
            isSuspicious: Bool,
            _ table: inout StatementTable
        ) {
            self.name = name
            self.shape = 0
            self.isSuspicious = isSuspicious
            self.isWhole = false
            self.isPlain = false
            table.refund(self.body.count)
            self.body.removeAll(keeping: ClientUnnamed.capacityKept)
        }

        mutating func keep(
            _ bytes: Span<UInt8>,
            _ range: Range<Int>,
            _ table: inout StatementTable
        ) {
            guard table.charge(range.count) else { return }
            self.body.replace(with: bytes, in: range)
            self.isWhole = true
            self.isPlain = !self.isSuspicious && !StatementCommand.mayBe(bytes, in: range)
        }
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

    /// The change that made it what it is.
    var change: Int { self.history.change }

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
            bodies.append(one.isWhole ? Array(one.body.bytes) : nil)
        }
        if self.history.mayBe(.unknown) { bodies.append(nil) }
        return bodies
    }

    /// Whether it may turn out to be an SQL command about a statement.
    var mayBeCommand: Bool {
        self.kept.contains { one in
            self.history.mayBe(one.name)
                && StatementCommand.mayBe(one.body.bytes.span, in: 0..<one.body.count)
        }
    }

    /// What followed the name in its Parse; nil if that is not known.
    public var body: [UInt8]? {
        guard let place = self.place, self.kept[place].isWhole else { return nil }
        return Array(self.kept[place].body.bytes)
    }

    /// The hash of the columns that the client was told; 0 while it has not asked.
    var shape: UInt64 { self.place.map { self.kept[$0].shape } ?? 0 }

    /// The shared statement that serves it; negative where the server's unnamed one does.
    var shared: Int { self.place.map { self.kept[$0].shared } ?? -1 }

    /// The settings that it was parsed under by its client.
    var parsing: ContentHash { self.place.map { self.kept[$0].parsing } ?? .none }

    /// The hash of the types of its parameters that the client goes by; 0 if none.
    var types: UInt64 { self.place.map { self.kept[$0].types } ?? 0 }

    /// The client goes by these types from now on.
    mutating func typed(_ types: UInt64) {
        if let place = self.place { self.kept[place].types = types }
    }

    /// The shared statement that served it has been given back for this one.
    mutating func exchanged(for shared: Int) {
        if let place = self.place { self.kept[place].shared = shared }
    }

    /// Whether a shared statement serves it.
    public var isShared: Bool { self.shared >= 0 }

    private var place: Int? { self.kept.firstIndex { $0.name == self.history.name } }

    /// Whether a Parse says what the last one has said, and nothing is to be looked at in it:
    /// programs send the same text in a loop.
    ///
    /// - Parameter range: what follows the name.
    func isRepeated(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        guard let place = self.place, self.kept[place].isPlain else { return false }
        return self.kept[place].body.isEqual(to: bytes, in: range)
    }

    /// A Parse of it goes out, as the ledger's change `change`.
    ///
    /// - Parameters:
    ///   - range: what follows the name; nil when that is too long to be kept.
    ///   - isSuspicious: running it may leave something behind in the session.
    ///   - isRepeated: what `isRepeated(_:in:)` has said.
    ///   - ended: the changes up to this one are answered.
    ///   - shared: the shared statement that serves it, which is held for it.
    ///   - parsing: the client's settings.
    ///   - table: counts what is kept. Where it has no room, nothing is.
    mutating func parsed(
        _ name: UnnamedStatement,
        _ bytes: Span<UInt8>,
        in range: Range<Int>?,
        isSuspicious: Bool,
        isRepeated: Bool,
        change: Int,
        ended: Int,
        shared: Int = -1,
        parsing: ContentHash,
        _ table: inout StatementTable
    ) {
        let last = isRepeated ? self.place : nil
        self.history.becomes(name, change: change, ended: ended)
        if let last, !self.history.mayBe(self.kept[last].name) {
            // The last one will not come back, so what is kept of it is now this one's.
            self.kept[last].name = name
            self.kept[last].parsing = parsing
            self.kept[last].shape = 0
            self.kept[last].isServed(by: shared, &table)
            self.needsItsServer = false
            self.needsLook = false
            return
        }
        var place = 0
        while place < self.kept.count, self.history.mayBe(self.kept[place].name) { place += 1 }
        if place == self.kept.count { self.kept.append(Kept(name: name)) }
        self.kept[place].become(name, isSuspicious: isSuspicious, &table)
        self.kept[place].parsing = parsing
        self.kept[place].isServed(by: shared, &table)
        if let range { self.kept[place].keep(bytes, range, &table) }
        self.needsItsServer = !self.kept[place].isWhole
        self.needsLook = !self.kept[place].isPlain
    }

    /// The client has gone.
    mutating func removeAll(_ table: inout StatementTable) {
        for place in self.kept.indices {
            table.refund(self.kept[place].body.count)
            self.kept[place].isServed(by: -1, &table)
        }
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
