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
        guard found.slot >= 0 else { return .pass }
        if isQuery, !session.ledger.isSettled {
            // What is due may belong to a batch without a Sync.
            writer.flush()
            self.isHolding = true
            return .hold
        }
        // In a failed transaction all texts fail alike; one that a batch has ended is none any
        // more.
        if isQuery, session.status == .failed, !session.isBatchOpen { return .pass }
        var body: [UInt8] = [0, 0, 0]
        if case .execute = command {
            body = table.resolvedBody(of: client.slots[found.slot].statement)
        }
        writer.closeStatement(name: name + [0])
        session.sent(.close, for: .quiet)
        writer.parse(name: name + [0], body: body)
        session.sent(.parse, for: .quiet)
        // Whatever becomes of it: the next client must not meet it.
        session.namedParseSent()
        switch command {
        case .execute:
            self.isExecuting = true
        case .deallocate, .deallocateAll:
            self.leaving.append(name)
            if isQuery { self.isCommandRun = true } else { self.isCommandBound = true }
        }
        return .pass
    }

    /// An Execute goes out.
    public mutating func executed() {
        if self.isCommandBound { self.isCommandRun = true }
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
        let name = self.leaving.removeFirst()
        let found = client.find(name.span, 0..<name.count)
        if found.slot >= 0, found.change <= session.ledger.changesEnded {
            client.remove(found.slot, &table)
        }
        if self.leaving.isEmpty, !self.isExecuting { session.namedForgotten() }
    }
}
