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
        guard found.slot >= 0 else {
            return Self.unknown(name.span, 0..<name.count, &session, &writer)
        }
        if isQuery {
            let outcome = self.askBeforeQuery(&session, &writer)
            guard outcome == .pass else { return outcome }
            if session.isBatchOpen {
                // It has no Sync, so only what cannot fail can be put before a simple query.
                guard case .deallocate = command else { return .pass }
            } else if session.status == .failed {
                // In a failed transaction all texts fail alike.
                return .pass
            }
        }
        if self.realization == .none {
            let isQuery = isQuery && !session.isBatchOpen
            var body: [UInt8] = [0, 0, 0]
            if case .execute = command {
                body = table.resolvedBody(of: client.slots[found.slot].statement)
            }
            self.makeReal(name, body, isQuery: isQuery, &session, &writer)
            if case .deallocate = command { self.leavingCount += 1 }
            if isQuery { return .hold }
        }
        self.realization = .none
        switch command {
        case .execute:
            self.isExecuting = true
        case .deallocate, .deallocateAll:
            if isQuery {
                self.leaving.append(Leaving(name: name, change: session.ledger.changesSent + 1))
                self.isCommandRun = true
            } else {
                self.leavingIfExecuted = (name, session.ledger.batchStart)
                self.isCommandBound = true
            }
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
    /// In front of a simple query that is a batch of its own, which has ended before the query goes
    /// out: the server would throw the query away if the Parse failed.
    private mutating func makeReal(
        _ name: [UInt8],
        _ body: [UInt8],
        isQuery: Bool,
        _ session: inout ServerSession,
        _ writer: inout MessageWriter
    ) {
        let audience = isQuery ? ReplyLedger.Audience.pooler : .quiet
        writer.closeStatement(name: name + [0])
        session.sent(.close, for: audience)
        writer.parse(name: name + [0], body: body)
        session.sent(.parse, for: audience)
        // Whatever becomes of it: the next client must not meet it.
        session.namedParseSent()
        guard isQuery else { return }
        writer.sync()
        session.sent(.sync, for: .pooler)
        self.realization = .asked
        self.isHolding = true
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

    /// An Execute goes out.
    public mutating func executed(_ session: borrowing ServerSession) {
        guard self.isCommandBound, !Self.isIgnored(session) else { return }
        self.isCommandRun = true
        guard let (name, batchStart) = self.leavingIfExecuted else { return }
        self.leavingIfExecuted = nil
        // Portals end with their transaction.
        guard batchStart == session.ledger.batchStart || session.status != .idle else { return }
        self.leaving.append(Leaving(name: name, change: session.ledger.changesSent))
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
        guard !self.leaving.isEmpty else { return }
        let name = self.leaving.removeFirst().name
        let found = client.find(name.span, 0..<name.count)
        if found.slot >= 0, found.change <= session.ledger.changesEnded {
            client.remove(found.slot, &table)
        }
        self.leavingCount = max(0, self.leavingCount - 1)
        if self.leavingCount == 0, !self.isExecuting { session.namedForgotten() }
    }
}
