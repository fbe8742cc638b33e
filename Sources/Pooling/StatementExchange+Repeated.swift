public import Wire

/// Unnamed statements whose texts keep coming back are served by shared ones (`prepare_anonymous`).
///
/// The client's unnamed statement is what it is anyway (`ClientUnnamed`); beside its text a shared
/// statement is kept for it. A Bind or Describe leaves under that one's name, or, where it may not,
/// behind another Parse of the text, as on a server that has another unnamed statement. What the
/// server's own unnamed statement is does not matter meanwhile.
///
/// ## Function
/// A copy may have been parsed before its tables changed, which a Parse of the client's would not
/// have been. So a statement with a result is served only where a failure can be healed by sending
/// the batch again: as the first that is bound in a batch, outside a transaction block. One without
/// a result cannot fail by that.
extension StatementExchange {
    /// The shared statement for an unnamed Parse, held for its client; nil where there can be none.
    ///
    /// - Parameters:
    ///   - body: what follows the name.
    ///   - canRepeat: whether a Bind that comes next could be sent again.
    public func repeatedStatement(
        _ bytes: Span<UInt8>,
        body: Range<Int>,
        pool: PoolID,
        canRepeat: Bool,
        _ session: borrowing ServerSession,
        _ client: borrowing ClientStatements,
        _ table: inout StatementTable
    ) -> Int? {
        guard !Self.isIgnored(session), Self.isCertain(session), !self.isCommandRun,
            Self.isWhole(bytes, body),
            client.unnamed.isRepeated(bytes, in: body)
                || !StatementCommand.mayBe(bytes, in: body)
                    && !StatementTable.isSuspicious(bytes, in: body),
            let statement = table.hold(
                bytes,
                in: body,
                pool: pool.index,
                parsing: client.parsing
            )
        else { return nil }
        if canRepeat || table.entries[statement].shape == ResultShape.none { return statement }
        table.release(statement)
        return nil
    }

    /// An unnamed Parse that a shared statement serves, which is held for it.
    public mutating func parseUnnamed(
        _ bytes: Span<UInt8>,
        body: Range<Int>,
        by statement: Int,
        as name: UnnamedStatement,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        let number: Int
        let outcome: Outcome
        if let place = self.copies.place(of: statement), self.isUsable(at: place, session),
            !self.isOutdated(at: place, table), !self.isOfOtherTypes(at: place, table),
            !table.entries[statement].isDoubted
        {
            session.sent(.parse, for: .madeUp)
            number = session.ledger.changesSent
            outcome = .answered
        } else {
            self.makeRoom(for: statement, session: &session, &table, &writer)
            number = self.parse(statement, for: .client, &session, &table, &writer)
            self.describe(statement, &session, &table, &writer)
            outcome = .replaced
        }
        client.unnamed.parsed(
            name,
            bytes,
            in: body,
            isSuspicious: false,
            isRepeated: client.unnamed.isRepeated(bytes, in: body),
            change: number,
            ended: session.ledger.changesEnded,
            shared: statement,
            parsing: client.parsing,
            &table
        )
        return outcome
    }

    /// The shared statement that serves the client's unnamed one for what comes next; nil where the
    /// server's unnamed one does.
    func sharedUnnamed(
        _ session: borrowing ServerSession,
        _ client: borrowing ClientStatements,
        _ table: borrowing StatementTable,
        _ canRepeat: () -> Bool
    ) -> Int? {
        let statement = client.unnamed.shared
        guard statement >= 0, session.unnamed != client.unnamed.name,
            table.isSame(statement, parsing: client.parsing),
            table.entries[statement].shape == ResultShape.none || canRepeat()
        else { return nil }
        return statement
    }

    mutating func bindShared(
        _ statement: Int,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> (outcome: Outcome, statement: Int) {
        if self.waitsForCommand(session, &writer) { return (.hold, -1) }
        if self.waits(for: client.unnamed.change, session) { return (.hold, -1) }
        guard let statement = Self.typed(statement, &client, &table) else {
            return (.refuse(Self.changed), -1)
        }
        let (known, types) = (client.unnamed.shape, client.unnamed.types)
        let place = self.prepare(
            statement,
            known: known,
            mustKnow: known > ResultShape.none,
            types: types,
            &session,
            &table,
            &writer
        )
        guard let place else { return (.hold, -1) }
        if types == 0 { client.unnamed.typed(self.copies.copies[place].types) }
        let shape = self.copies.copies[place].shape
        if known != 0, shape != 0, known != shape { return (.refuse(Self.changed), -1) }
        self.noteUnnamed()
        return (.renamed, statement)
    }

    mutating func describeShared(
        _ statement: Int,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        if self.waitsForCommand(session, &writer) { return .hold }
        if self.waits(for: client.unnamed.change, session) { return .hold }
        guard let statement = Self.typed(statement, &client, &table) else {
            return .refuse(Self.changed)
        }
        let outcome = self.describe(
            statement,
            known: client.unnamed.shape,
            isTold: true,
            client.unnamed.types,
            .askedUnnamed(client.unnamed.name),
            &session,
            &table,
            &writer
        )
        if outcome == .replaced {
            let change = StatementJournal.Change.described(statement: statement)
            self.journal.append(change, at: session.ledger.changesSent, &table)
            self.noteUnnamed()
        }
        return outcome
    }

    private mutating func noteUnnamed() {
        self.lastBound = Self.unnamedSlot
        let guess = Guess(slot: Self.unnamedSlot)
        if !self.guesses.contains(guess) { self.guesses.append(guess) }
    }

    /// The statement with the types of parameters that the client goes by, also where a server has
    /// found others since; nil where there is none.
    private static func typed(
        _ statement: Int,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) -> Int? {
        let (types, found) = (client.unnamed.types, table.entries[statement].typesHash)
        guard types != found, types != 0, found != 0 else { return statement }
        guard let other = table.exchange(statement, types: types) else { return nil }
        client.unnamed.exchanged(for: other)
        return other
    }
}
