public import Wire

/// SQL commands that name statements of the protocol.
extension StatementExchange {
    /// A shared statement is bound that may be a command about another one.
    mutating func commandBound(
        _ statement: Int,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        self.commandBound(table.body(of: statement), &session, &client, &table, &writer)
    }

    /// A statement is bound that may be a command about another one.
    mutating func commandBound(
        _ body: [UInt8],
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        guard let command = StatementCommand(body.span, in: 0..<body.count) else { return .pass }
        return self.command(command, isQuery: false, &session, &client, &table, &writer)
    }

    /// A text goes out that is a command about a statement: the statement is made real on this
    /// server under the client's own name for it, so that PostgreSQL itself says what there is to
    /// say.
    ///
    /// - Parameter isQuery: the text is a simple query, so that an error before it would not be
    ///   answered as the client expects.
    public mutating func command(
        _ command: StatementCommand,
        isQuery: Bool,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        if isQuery, self.hasFailedInBatch(&session, &writer) { return .hold }
        guard !Self.isIgnored(session) else { return .pass }
        if self.waitsForCommand(session, &writer) { return .hold }
        let name: [UInt8]
        switch command {
        case .deallocate(let text), .execute(let text): name = text
        case .deallocateAll:
            if isQuery { self.isCommandRun = true } else { self.isCommandBound = true }
            return .pass
        }
        let found = client.find(name.span, 0..<name.count)
        if self.waits(for: found.change, session) { return .hold }
        if !isQuery, case .execute = command { self.isExecuteBound = true }
        guard found.slot >= 0 else {
            return Self.unknown(name.span, 0..<name.count, &session, &writer)
        }
        if isQuery {
            let outcome = self.askBeforeQuery(&session, &writer)
            guard outcome == .pass else { return outcome }
            // In a failed transaction all texts fail alike.
            if !session.isBatchOpen, session.status == .failed { return .pass }
        }
        if !isQuery || self.realization == .none {
            var body: [UInt8] = [0, 0, 0]
            if case .execute = command {
                body = table.resolvedBody(of: client.slots[found.slot].statement)
            }
            self.makeReal(name, body, isQuery: isQuery, &session, &writer)
            if isQuery { return .hold }
        }
        self.realization = .none
        switch command {
        case .execute:
            self.isExecuting = true
        case .deallocate, .deallocateAll:
            let change = session.ledger.changesSent
            self.leaving.append(Leaving(name: name, isRun: isQuery, change: change))
            if isQuery { self.isCommandRun = true } else { self.isCommandBound = true }
        }
        return .pass
    }

    /// Whether a simple query can go out, or a statement be made real for it; `.refuse` where that
    /// has failed.
    private mutating func askBeforeQuery(
        _ session: inout ServerSession,
        _ writer: inout MessageWriter
    ) -> Outcome {
        guard session.ledger.isSettled else {
            // What is due may belong to a batch without a Sync.
            writer.flush()
            self.isHolding = true
            return .hold
        }
        guard case .failed(let fields) = self.realization else { return .pass }
        self.realization = .none
        return .refuse(fields)
    }

    /// Prepares a statement under its client's own name.
    ///
    /// - Parameter isQuery: a simple query is to find it, and goes out when that has gone well: the
    ///   server would throw the query away if the Parse failed. It is a batch of its own, unless
    ///   one has no Sync yet.
    private mutating func makeReal(
        _ name: [UInt8],
        _ body: [UInt8],
        isQuery: Bool,
        _ session: inout ServerSession,
        _ writer: inout MessageWriter
    ) {
        let isAlone = isQuery && !session.isBatchOpen
        let audience = isQuery ? ReplyLedger.Audience.pooler : .quiet
        writer.closeStatement(name: name + [0])
        session.sent(.close, for: audience)
        writer.parse(name: name + [0], body: body)
        session.sent(.parse, for: audience)
        // Whatever becomes of it: the next client must not meet it.
        session.namedParseSent()
        guard isQuery else { return }
        self.realization = .asked
        self.isHolding = true
        if isAlone { self.endBatch(&session, &writer) } else { writer.flush() }
    }

    /// Whether what a simple query was to find could not be prepared in the batch that it stands
    /// in: that ends with the error, as it would have with the query's.
    private mutating func hasFailedInBatch(
        _ session: inout ServerSession,
        _ writer: inout MessageWriter
    ) -> Bool {
        guard case .failed = self.realization, session.isBatchOpen else { return false }
        self.endBatch(&session, &writer)
        self.isHolding = true
        return true
    }

    private func endBatch(_ session: inout ServerSession, _ writer: inout MessageWriter) {
        writer.sync()
        session.sent(.sync, for: .pooler)
    }

    /// What Weir has asked of the server by itself has failed.
    public mutating func askedInVain(_ fields: ErrorFields) {
        if self.realization == .asked { self.realization = .failed(fields) }
    }

    /// What becomes of a message that names a statement which its client does not have: no server
    /// has it, but for one where SQL was to find it before, and that forgets it now.
    static func unknown(
        _ bytes: Span<UInt8>,
        _ name: Range<Int>,
        _ session: inout ServerSession,
        _ writer: inout MessageWriter
    ) -> Outcome {
        // What is no text may be a name that was passed on as it is.
        if session.hasNamedStatements, bytes.text(in: name) != nil {
            writer.closeStatement(name: bytes.copy(name) + [0])
            session.sent(.close, for: .quiet)
        }
        return .pass
    }

    /// A name that the client has asked to deallocate by SQL.
    struct Leaving: Sendable {
        var name: [UInt8]
        /// The portal that would do it; nil where that is not known yet, and for a simple query.
        var portal: [UInt8]?
        /// It has been sent that it is to be done.
        var isRun: Bool
        /// The last of the ledger's changes before that.
        var change: Int
    }

    /// A Bind goes out, maybe of the command that was met last: what the portal was before is gone.
    public mutating func bound(to portal: [UInt8]) {
        let isCommand = self.leaving.last.map { !$0.isRun && $0.portal == nil } ?? false
        let count = self.leaving.count
        self.leaving.removeAll { !$0.isRun && $0.portal == portal }
        // What was real for its sake is so still.
        if self.leaving.count < count { self.isExecuting = true }
        if isCommand { self.leaving[self.leaving.count - 1].portal = portal }
    }

    /// An Execute goes out.
    ///
    /// - Parameter portal: nil where its name has not come whole.
    public mutating func executed(_ portal: [UInt8]?, _ session: borrowing ServerSession) {
        guard self.isCommandBound, !Self.isIgnored(session) else { return }
        self.isCommandRun = true
        let place = self.leaving.lastIndex { !$0.isRun && (portal == nil || $0.portal == portal) }
        guard let place else { return }
        var one = self.leaving.remove(at: place)
        one.isRun = true
        one.change = session.ledger.changesSent
        self.leaving.append(one)
    }

    /// An error has skipped what was sent before the ledger's change `ended`, or has been the
    /// answer to it.
    mutating func commandsFailed(before ended: Int) {
        let count = self.leaving.count
        self.leaving.removeAll { $0.isRun && $0.change <= ended }
        if self.leaving.count < count { self.isExecuting = true }
    }

    /// Whether a command is being run by which the client's names may change.
    mutating func waitsForCommand(
        _ session: borrowing ServerSession,
        _ writer: inout MessageWriter
    ) -> Bool {
        guard self.isCommandRun else { return false }
        self.isCommandRun = session.ledger.owesExecution
        guard self.isCommandRun else { return false }
        writer.flush()
        self.isHolding = true
        return true
    }

    /// The server has run a DEALLOCATE: the client's name for what it was about is free.
    public mutating func deallocatedOne(
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) {
        guard let place = self.leaving.firstIndex(where: \.isRun) else { return }
        let name = self.leaving.remove(at: place).name
        let found = client.find(name.span, 0..<name.count)
        if found.slot >= 0, found.change <= session.ledger.changesEnded {
            client.remove(found.slot, &table)
        }
        if self.leaving.isEmpty, !self.isExecuting { session.namedForgotten() }
    }
}
