public import Wire

/// What one server and its client do about prepared statements: decides what becomes of each
/// message that names one, and learns from the answers.
///
/// ## Overview
/// Clients' names never reach a server. A message that names a statement leaves under the
/// statement's shared name, behind whatever the server lacks: a Parse, and a Describe whose answer
/// is swallowed but for the shape of the result and the types of the parameters.
///
/// ## Function
/// - Nothing is answered by Weir but what PostgreSQL would say: a Parse of what this server has,
///   where it is known that the transaction has not failed, and a Close. Such answers stand in the
///   ledger (`madeUp`), so that an error skips them as it would have skipped the real ones.
/// - What an error says of a name is PostgreSQL's own: a name that is not known is passed on as it
///   is, since no server has it.
/// - What depends on changes of an earlier batch that have not been answered waits for them
///   (`hold`); what belongs to the same batch does not, since an error skips both.
/// - A statement whose result looks otherwise than its client was told is refused with 0A000, as
///   PostgreSQL does; a client that was told nothing cannot notice.
///
/// Rules: <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY>.
public struct StatementExchange: Sendable {
    /// What becomes of a message. What was written is sent before it.
    public enum Outcome: Equatable, Sendable {
        /// It goes out as it is, and is entered in the ledger then.
        case pass
        /// It goes out, but its first bytes, up to where what is named ends, have been written
        /// anew; entered in the ledger then.
        case renamed
        /// It has been written anew, and entered.
        case replaced
        /// Weir answers it in its turn; entered.
        case answered
        /// It is decided when what is due has been answered.
        case hold
        /// It fails.
        case refuse(ErrorFields)
    }

    /// The shared statements that the server has.
    var copies = ServerStatements()
    var journal = StatementJournal()
    /// The last unnamed statement that somebody has asked about, and what its result looks like.
    var unnamedShape: (name: UnnamedStatement, hash: UInt64) = (.none, 0)
    /// The slot that has been bound last.
    var lastBound = -1
    /// In place of a slot: the unnamed statement.
    static let unnamedSlot = -2
    /// A message is held until what is due has been answered.
    public var isHolding = false
    /// Names that the client has asked to deallocate by SQL; they are real on the server until that
    /// is done.
    var leaving: [Leaving] = []
    /// A command about statements has been bound, and may be executed.
    public internal(set) var isCommandBound = false
    /// A command about statements is being run, and what names there are is not known until it has
    /// been.
    var isCommandRun = false
    /// A statement is real on the server under the client's name because SQL executes it, or was
    /// to deallocate it and has not.
    var isExecuting = false
    /// An EXECUTE has been bound, and may run when its client has prepared another one under the
    /// name.
    var isExecuteBound = false
    /// How far a statement is that is made real for a simple query.
    enum Realization: Equatable, Sendable {
        /// None is, or the query can go out.
        case none
        /// The server has been asked.
        case asked
        /// It has refused.
        case failed(ErrorFields)
    }

    /// The statement that a simple query which is held waits for.
    var realization = Realization.none
    /// The Describe that comes next is sent for the second time, and its parameters have been
    /// passed on.
    var resumesDescribe = false
    /// A slot in use of which all was guessed that is known, until a server says more.
    struct Guess: Equatable, Sendable {
        var slot: Int
        /// How many Binds are to be answered before the one that has taken it for the truth;
        /// negative where none has.
        var bindsAhead = -1
    }

    var guesses: [Guess] = []
    /// The Describe at the head has told its client of the parameters.
    private var hasToldParameters = false
    /// So had the request that has failed last.
    private var hadToldParameters = false
    /// The most shared statements on the server.
    public var limit = 0

    /// Creates the exchange of a server that has just logged in.
    public init() {}

    /// How many shared statements the server has.
    public var count: Int {
        mutating get { self.copies.count }
    }

    /// Whether the client's link has left something here that ends with it.
    public var isInUse: Bool {
        mutating get {
            !self.journal.isEmpty || self.isHolding || self.isExecuting || self.isExecuteBound
                || self.isCommandBound
                || self.isCommandRun || !self.leaving.isEmpty || self.realization != .none
        }
    }

    /// Whether an answer may tell something.
    public var awaitsAnswers: Bool {
        mutating get { !self.journal.isEmpty }
    }

    // MARK: Answers

    /// An answer has been judged, and what it completes is settled.
    ///
    /// - Parameters:
    ///   - range: the answer's body in `bytes`.
    ///   - session: after the answer. Not changed: but what is borrowed of an object's is copied
    ///     first, and this is the data path.
    public mutating func received(
        _ kind: BackendKind,
        _ bytes: Span<UInt8>,
        in range: Range<Int>,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) {
        let ended = session.ledger.changesEnded
        switch kind {
        case .parameterDescription:
            self.typesReceived(bytes, range, at: ended + 1, &client, &table)
            self.hasToldParameters = session.ledger.currentAudience == .client
        case .rowDescription:
            self.hasToldParameters = false
            self.shapeReceived(ResultShape.hash(bytes, in: range), at: ended, &client, &table)
        case .noData:
            self.hasToldParameters = false
            self.shapeReceived(ResultShape.none, at: ended, &client, &table)
        default:
            break
        }
        self.settle(upTo: ended, &client, &table)
    }

    private mutating func typesReceived(
        _ bytes: Span<UInt8>,
        _ range: Range<Int>,
        at number: Int,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) {
        let hash = ParameterTypes.hash(bytes, in: range)
        for item in self.journal.items(at: number) {
            switch item.change {
            case .described(let statement), .asked(_, let statement):
                // What an old copy says again is no news.
                if self.copies.found(types: hash, of: statement, by: number) {
                    table.found(bytes.copy(range), hash: hash, of: statement)
                }
            default:
                break
            }
            switch item.change {
            case .noted(let slot, let statement), .asked(let slot, let statement):
                if client.has(statement, at: slot) { client.typed(slot, hash) }
            case .askedUnnamed(let name):
                if client.unnamed.name == name { client.unnamed.typed(hash) }
            default:
                break
            }
        }
    }

    private mutating func shapeReceived(
        _ shape: UInt64,
        at number: Int,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) {
        for item in self.journal.items(at: number) {
            switch item.change {
            case .described(let statement):
                self.copies.described(statement, shape: shape, by: number)
                table.described(statement, shape: shape)
            case .noted(let slot, let statement):
                if client.has(statement, at: slot) { client.prepared(slot, shape: shape) }
            case .describedUnnamed(let name):
                self.unnamedShape = (name, shape)
            case .asked(let slot, let statement):
                if client.has(statement, at: slot) { client.told(slot, shape: shape) }
                if !self.guesses.isEmpty { self.guesses.removeAll { $0.slot == slot } }
                self.copies.described(statement, shape: shape, by: number)
                table.described(statement, shape: shape)
            case .askedUnnamed(let name):
                client.unnamed.described(name, shape: shape)
                self.unnamedShape = (name, shape)
            default:
                break
            }
        }
    }

    /// What the answers up to the ledger's change `number` have settled.
    public mutating func settle(
        upTo number: Int,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) {
        while let item = self.journal.takeFirst(upTo: number) {
            switch item.change {
            case .opened(let slot): client.settled(slot, change: item.number)
            case .closed(let slot): client.remove(slot, &table)
            case .noted(let slot, let statement):
                if client.has(statement, at: slot) {
                    client.settled(slot, change: item.number)
                }
            case .parsed(let statement): table.accepted(statement)
            case .dropped, .described, .describedUnnamed, .asked, .askedUnnamed: break
            }
            item.change.statement.map { table.releaseCopy(of: $0) }
        }
    }

    /// An error has thrown away changes: those behind `before`, up to what has ended now.
    ///
    /// - Parameter isChange: whether the first of them has failed itself.
    public mutating func failed(
        after before: Int,
        isChange: Bool,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) {
        self.hadToldParameters = self.hasToldParameters
        self.hasToldParameters = false
        // A Describe that was to be sent again, and is not reached, is no more so.
        self.resumesDescribe = false
        let ended = session.ledger.changesEnded
        if !self.leaving.isEmpty { self.commandsFailed(before: ended) }
        guard ended > before else { return }
        client.unnamed.skipped(before: before, after: ended, failed: isChange ? before + 1 : nil)
        guard !self.journal.isEmpty else { return }
        for item in self.journal.takeBack(upTo: ended) {
            switch item.change {
            case .opened(let slot): client.remove(slot, &table)
            case .closed(let slot): client.reopened(slot)
            case .parsed(let statement): self.copies.becameStale(statement)
            case .dropped(let statement):
                // It is still there, as the Close of it was skipped.
                if self.copies.place(of: statement) == nil {
                    self.copies.parsed(statement, change: 0, &table)
                }
                self.copies.becameStale(statement)
            case .noted(let slot, let statement):
                // The Parse has gone well, if the slot is still to be there.
                if client.has(statement, at: slot) {
                    client.settled(slot, change: item.number)
                    client.guessed(slot, true)
                }
            case .described, .describedUnnamed, .asked, .askedUnnamed: break
            }
            item.change.statement.map { table.releaseCopy(of: $0) }
        }
    }

    /// The server has run DEALLOCATE ALL or DISCARD ALL for its client: it has no statements, and
    /// the client has none.
    public mutating func deallocated(
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) {
        self.copies.removeAll(upTo: session.ledger.changesEnded, &table)
        client.removeAll(upTo: session.ledger.changesEnded, &table)
    }

    /// Whether the statement that was bound last has served an unnamed one.
    public var hasBoundUnnamed: Bool { self.lastBound == Self.unnamedSlot }

    /// What the client calls a statement, for messages to people.
    public func name(of statement: Int, _ client: borrowing ClientStatements) -> [UInt8]? {
        if self.hasBoundUnnamed, client.unnamed.shared == statement { return [] }
        let isThere = client.slots.indices.contains(self.lastBound)
        let last = isThere ? client.slots[self.lastBound] : nil
        if last?.statement == statement { return last?.name }
        // Where its settings have changed since, none of its names has that statement any more.
        let named = client.slots.first { $0.statement == statement }?.name
        return named ?? last?.name ?? (self.hasBoundUnnamed ? [] : nil)
    }

    /// What the server still has of the shared statements is not known.
    public mutating func becameUnsure() { self.copies.becameStale() }

    /// A batch is sent again from the message on that has just failed, since what the server has of
    /// the shared statements is of no use any more.
    ///
    /// - Parameter isDescribe: a Describe has failed; PostgreSQL may have sent its parameters
    ///   before.
    public mutating func batchResumes(isDescribe: Bool, _ client: inout ClientStatements) {
        self.guessesFailed(.max, &client)
        self.resumesDescribe = isDescribe && self.hadToldParameters
    }

    /// A Bind or a Describe has failed for what it says of values or of types. Where the client has
    /// got a copy that another one's Parse had made, PostgreSQL might have found other types for
    /// it: they are found again when it is used next. False where that was not so.
    public mutating func doubtsGuesses(
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) -> Bool {
        var doubts = false
        for slot in self.guesses.map(\.slot) {
            let isUnnamed = slot == Self.unnamedSlot
            let statement = isUnnamed ? client.unnamed.shared : client.slots[slot].statement
            guard statement >= 0, table.hasOpenTypes(statement) else { continue }
            table.doubt(statement)
            self.copies.becameStale(statement)
            if isUnnamed { client.unnamed.typed(0) } else { client.typed(slot, 0) }
            doubts = true
        }
        // The parameters that it has been told would not be those that are found.
        return doubts && !self.hadToldParameters
    }

    /// A Bind has been answered: what was guessed for it is true.
    @inline(__always)
    public mutating func bindCompleted() {
        if !self.guesses.isEmpty { self.guessCompleted() }
    }

    private mutating func guessCompleted() {
        // What one Bind has found true is so for those behind it.
        if let found = self.guesses.first(where: { $0.bindsAhead == 0 })?.slot {
            self.guesses.removeAll { $0.slot == found }
        }
        self.guesses.removeAll { $0.bindsAhead <= 0 }
        for index in self.guesses.indices { self.guesses[index].bindsAhead -= 1 }
    }

    /// An error has been dealt with, which has thrown away so many Binds: what was guessed for them
    /// is a guess still.
    public mutating func errorEnded(bindsSkipped: Int, _ client: inout ClientStatements) {
        if !self.guesses.isEmpty { self.guessesFailed(bindsSkipped, &client) }
    }

    private mutating func guessesFailed(_ bindsSkipped: Int, _ client: inout ClientStatements) {
        let failed = self.guesses.filter { (0..<bindsSkipped).contains($0.bindsAhead) }
        self.guesses.removeAll { $0.bindsAhead < bindsSkipped }
        for index in self.guesses.indices { self.guesses[index].bindsAhead -= bindsSkipped }
        // A later Bind may yet find it true.
        for guess in failed where !self.isTakenForTrue(guess.slot) {
            client.guessed(guess.slot, true)
        }
    }

    /// Whether a Bind is under way that has taken what was guessed for the truth.
    @inline(__always)
    func isTakenForTrue(_ slot: Int) -> Bool {
        !self.guesses.isEmpty && self.guesses.contains { $0.slot == slot && $0.bindsAhead >= 0 }
    }

    // MARK: Links

    /// The client gives the server back, and nothing is due.
    ///
    /// - Parameter name: names an unnamed statement that nobody could name until now.
    public mutating func released(
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        name: UnnamedStatement
    ) {
        self.settle(upTo: session.ledger.changesEnded, &client, &table)
        if !self.journal.isEmpty { self.journal.forgetClient(&table) }
        client.unnamed.settled()
        client.unnamed.named(name)
        session.nameUnnamed(name)
        self.linkEnded()
    }

    /// The client has gone in the middle of what it did.
    public mutating func clientGone(_ client: inout ClientStatements, _ table: inout StatementTable)
    {
        self.journal.forgetClient(&table)
        client.close(&table)
        self.linkEnded()
    }

    private mutating func linkEnded() {
        self.isHolding = false
        self.resumesDescribe = false
        if !self.guesses.isEmpty { self.guesses.removeAll(keepingCapacity: true) }
        self.isExecuting = false
        self.isExecuteBound = false
        self.realization = .none
        self.isCommandBound = false
        self.isCommandRun = false
        if !self.leaving.isEmpty { self.leaving.removeAll() }
    }

    /// The server is gone.
    public mutating func closed(_ table: inout StatementTable) {
        self.journal.removeAll(&table)
        self.copies.removeAll(upTo: .max, &table)
    }

    // MARK: Moves

    /// The copies for another worker, where the same keys mean the same statements.
    public func luggage(_ table: borrowing StatementTable) -> [StatementCopy] {
        self.copies.copies.compactMap { copy in
            guard copy.statement >= 0 else { return nil }
            return StatementCopy(
                key: table.entries[copy.statement].key,
                shape: copy.shape,
                types: copy.types,
                // What its parameters are cannot be asked for any more.
                isStale: copy.isStale || copy.types == 0
            )
        }
    }

    /// Takes in what a server from another worker has brought along.
    public mutating func unpack(_ luggage: [StatementCopy], _ table: inout StatementTable) {
        for copy in luggage { self.copies.brought(copy, &table) }
    }
}
