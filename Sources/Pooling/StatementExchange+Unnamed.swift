import Wire

/// The unnamed statement: it goes out as it is, and is parsed again where a server has another one.
extension StatementExchange {
    /// The unnamed statement goes out as it is; it is remembered for other servers. Called before
    /// the Parse is entered.
    ///
    /// - Parameters:
    ///   - body: what follows the name; nil when it is too long to be kept.
    ///   - isSuspicious: running it may leave something behind in the session.
    ///   - isRepeated: the client's last one has the same body, and is plain.
    public mutating func unnamedParsed(
        _ bytes: Span<UInt8>,
        body: Range<Int>?,
        isSuspicious: Bool,
        isRepeated: Bool = false,
        as name: UnnamedStatement,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) {
        guard !Self.isIgnored(session) else { return }
        client.unnamed.parsed(
            name,
            bytes,
            in: body,
            isSuspicious: isSuspicious,
            isRepeated: isRepeated,
            change: session.ledger.changesSent + 1,
            ended: session.ledger.changesEnded,
            parsing: client.parsing,
            &table
        )
    }

    /// A simple query goes out, which drops the unnamed statement. Called before it is entered.
    public mutating func querySent(
        _ session: inout ServerSession,
        _ client: inout ClientStatements
    ) {
        guard !Self.isIgnored(session) else { return }
        client.unnamed.dropped(
            change: session.ledger.changesSent + 1,
            ended: session.ledger.changesEnded
        )
    }

    mutating func bindUnnamed(
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        let outcome = self.restoreUnnamed(&session, client, &table, &writer)
        guard outcome == .pass else { return outcome }
        // Which one the server runs is settled, but not yet which one that is.
        if client.unnamed.isPending(in: session.ledger), client.unnamed.mayBeCommand {
            self.isHolding = true
            return .hold
        }
        let told = client.unnamed.shape
        if told != 0, self.unnamedShape.name == client.unnamed.name,
            told != self.unnamedShape.hash
        {
            // The client may come back to it, by an error that takes back what it sends next.
            session.unnamedOutdated()
            return .refuse(Self.changed)
        }
        guard let body = client.unnamed.body else { return .pass }
        // Parsed again under other settings than its own, it is for this Bind alone: the client may
        // have others by the next.
        if client.unnamed.parsing != client.parsing { session.unnamedOutdated() }
        guard StatementCommand.mayBe(body.span, in: 0..<body.count) else { return .pass }
        return self.commandBound(body, &session, &client, &table, &writer)
    }

    /// Parses the client's unnamed statement again where the server has another one, or none.
    mutating func restoreUnnamed(
        _ session: inout ServerSession,
        _ client: borrowing ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        let unnamed = client.unnamed
        if session.unnamed == unnamed.name {
            // An earlier batch may fail, and then the server has not what the client falls back to;
            // nor has one that had nothing of it to be dropped.
            let change =
                unnamed.name == .none
                ? max(session.unnamedChange, unnamed.change) : session.unnamedChange
            if self.waits(for: change, session),
                !session.unnamedHistory.agrees(
                    with: unnamed.history,
                    ended: session.ledger.changesEnded
                )
            {
                return .hold
            }
            // Where it was parsed again, its columns have to be known before a Bind may go.
            guard self.journal.contains(.describedUnnamed(unnamed.name)) else { return .pass }
            self.isHolding = true
            return .hold
        }
        guard unnamed.name != .none, let body = unnamed.body else { return .pass }
        // The Parse that is to be repeated may fail itself, where it went out as a shared one's.
        if self.waits(for: max(session.unnamedChange, unnamed.change), session) { return .hold }
        writer.parse(name: [0], body: body)
        session.sent(.parse, for: .quiet)
        session.unnamedRestored(unnamed.name)
        guard unnamed.shape > ResultShape.none else { return .pass }
        writer.describeStatement(name: [0])
        session.sent(.describeStatement, for: .quiet)
        let change = StatementJournal.Change.describedUnnamed(unnamed.name)
        self.journal.append(change, at: session.ledger.changesSent, &table)
        writer.flush()
        self.isHolding = true
        return .hold
    }
}
