public import Wire

/// What becomes of messages that name statements.
extension StatementExchange {
    // MARK: Parse

    /// A Parse of a named statement, which has come whole.
    public mutating func parse(
        _ bytes: Span<UInt8>,
        name: Range<Int>,
        body: Range<Int>,
        pool: PoolID,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        guard !Self.isIgnored(session) else { return .pass }
        guard Self.isWhole(bytes, body) else { return .pass }
        guard bytes.text(in: name) != nil else {
            // No text in the encoding that Weir knows: PostgreSQL may know it in another one.
            session.namedParseSent()
            return .pass
        }
        if self.waitsForCommand(session, &writer) { return .hold }
        let found = client.find(bytes, name)
        if self.waits(for: found.change, session) { return .hold }
        if found.slot >= 0 { return .refuse(Self.duplicate(bytes, name)) }
        guard table.charge(ClientStatements.size(ofName: name.count)) else {
            return .refuse(Self.full)
        }
        guard
            let statement = table.hold(bytes, in: body, pool: pool.index, parsing: client.parsing)
        else {
            table.refund(ClientStatements.size(ofName: name.count))
            return .refuse(Self.full)
        }
        let number: Int
        let outcome: Outcome
        if !self.isExecuteBound, let place = self.copies.place(of: statement),
            self.isUsable(at: place, session), !self.isOutdated(at: place, table),
            !self.isOfOtherTypes(at: place, table),
            !table.entries[statement].isDoubted, Self.isCertain(session)
        {
            session.sent(.parse, for: .madeUp)
            number = session.ledger.changesSent
            outcome = .answered
        } else {
            self.makeRoom(for: statement, session: &session, &table, &writer)
            number = self.parse(statement, for: .client, &session, &table, &writer)
            outcome = .replaced
        }
        if self.isExecuteBound {
            // An EXECUTE that has been bound finds it, and not what had the name before.
            writer.closeStatement(name: bytes.copy(name) + [0])
            session.sent(.close, for: .quiet)
            writer.parse(name: bytes.copy(name) + [0], body: table.body(of: statement))
            session.sent(.parse, for: .quiet)
            session.namedParseSent()
            self.isExecuting = true
        }
        let short = ClientStatements.clipped(name)
        let slot = client.open(bytes.copy(short), statement, change: number)
        self.journal.append(.opened(slot: slot), at: number, &table)
        if outcome == .replaced {
            self.describe(statement, &session, &table, &writer)
            let described = session.ledger.changesSent
            let change = StatementJournal.Change.noted(slot: slot, statement: statement)
            self.journal.append(change, at: described, &table)
            // Other batches wait until it is known what the client has prepared.
            client.pending(slot, change: described)
        } else if let place = self.copies.place(of: statement) {
            client.prepared(slot, shape: self.copies.copies[place].shape, isGuess: true)
        }
        return outcome
    }

    // MARK: Bind, Describe, Close

    /// A Bind to the statement of a name.
    ///
    /// - Parameter canRepeat: whether it could be sent again.
    public mutating func bind(
        _ bytes: Span<UInt8>,
        name: Range<Int>,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter,
        canRepeat: @autoclosure () -> Bool
    ) -> (outcome: Outcome, statement: Int) {
        guard !Self.isIgnored(session) else { return (.pass, -1) }
        if name.isEmpty {
            if let shared = self.sharedUnnamed(session, client, table, canRepeat) {
                return self.bindShared(shared, &session, &client, &table, &writer)
            }
            return (self.bindUnnamed(&session, &client, &table, &writer), -1)
        }
        if self.waitsForCommand(session, &writer) { return (.hold, -1) }
        let found = client.find(bytes, name)
        if self.waits(for: found.change, session) { return (.hold, -1) }
        guard found.slot >= 0 else {
            return (Self.unknown(bytes, name, &session, &writer), -1)
        }
        let statement: Int
        switch self.current(found.slot, &client, &table) {
        case .statement(let current): statement = current
        case .none(let fields): return (.refuse(fields), -1)
        }
        let known = client.slots[found.slot].shape
        if self.waitsToBeTold(found.slot, statement, known: known, session, table, &writer) {
            return (.hold, -1)
        }
        let types = client.slots[found.slot].types
        // A guess that had nothing to go by is none until the server has said something.
        let isUnguessed = known == 0 && client.slots[found.slot].isGuess
        let place = self.prepare(
            statement,
            known: known,
            mustKnow: known > ResultShape.none || isUnguessed,
            types: types,
            &session,
            &table,
            &writer
        )
        guard let place else { return (.hold, -1) }
        if types == 0 { client.typed(found.slot, self.copies.copies[place].types) }
        let shape = self.copies.copies[place].shape
        if known != shape, known != 0, shape != 0 {
            // Who has not asked cannot tell, unless it reads what it expects by the byte.
            let slot = client.slots[found.slot]
            guard slot.isGuess || !slot.isTold && !Self.wantsBinary(bytes, behind: name) else {
                client.refused(found.slot)
                return (.refuse(Self.changed), -1)
            }
            client.prepared(found.slot, shape: shape)
        } else if shape != 0, client.slots[found.slot].isGuess || self.isTakenForTrue(found.slot) {
            if known == 0 { client.prepared(found.slot, shape: shape, isGuess: true) }
            // Taken for the truth, as long as the server does not say otherwise.
            self.guesses.append(Guess(slot: found.slot, bindsAhead: session.ledger.bindsOwed))
            client.guessed(found.slot, false)
        }
        if table.entries[statement].isCommand {
            let outcome = self.commandBound(statement, &session, &client, &table, &writer)
            if outcome != .pass { return (outcome, -1) }
        }
        self.lastBound = found.slot
        return (.renamed, statement)
    }

    /// Whether a Bind asks for results in binary form.
    ///
    /// Behind the name of the statement stand the formats of the values, the values, and the
    /// formats of the results, each a count and as many. What makes no sense is PostgreSQL's to
    /// refuse.
    private static func wantsBinary(_ bytes: Span<UInt8>, behind name: Range<Int>) -> Bool {
        var position = name.upperBound + 1
        func count() -> Int? {
            guard position + 2 <= bytes.count else { return nil }
            defer { position += 2 }
            return Int(bytes.bigEndianUInt16(at: position))
        }
        guard let formats = count() else { return true }
        position += formats * 2
        guard let values = count() else { return true }
        for _ in 0..<values {
            guard position + 4 <= bytes.count else { return true }
            let length = Int32(bitPattern: bytes.bigEndianUInt32(at: position))
            position += 4 + max(0, Int(length))
        }
        guard let results = count(), position + results * 2 <= bytes.count else { return true }
        return (0..<results).contains { bytes.bigEndianUInt16(at: position + $0 * 2) != 0 }
    }

    /// A Describe of the statement of a name.
    ///
    /// - Parameter canRepeat: whether it could be sent again.
    public mutating func describe(
        _ bytes: Span<UInt8>,
        name: Range<Int>,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter,
        canRepeat: @autoclosure () -> Bool
    ) -> Outcome {
        guard !Self.isIgnored(session) else { return .pass }
        if name.isEmpty {
            if let shared = self.sharedUnnamed(session, client, table, canRepeat) {
                return self.describeShared(shared, &session, &client, &table, &writer)
            }
            switch self.restoreUnnamed(&session, client, &table, &writer) {
            case .pass:
                let unnamed = client.unnamed.name
                if unnamed != .none {
                    let number = session.ledger.changesSent + 1
                    self.journal.append(.askedUnnamed(unnamed), at: number, &table)
                }
                return .pass
            case let other: return other
            }
        }
        if self.waitsForCommand(session, &writer) { return .hold }
        let found = client.find(bytes, name)
        if self.waits(for: found.change, session) { return .hold }
        guard found.slot >= 0 else { return Self.unknown(bytes, name, &session, &writer) }
        let statement: Int
        switch self.current(found.slot, &client, &table) {
        case .statement(let current): statement = current
        case .none(let fields): return .refuse(fields)
        }
        let slot = client.slots[found.slot]
        if self.waitsToBeTold(found.slot, statement, known: slot.shape, session, table, &writer) {
            return .hold
        }
        let change = StatementJournal.Change.asked(slot: found.slot, statement: statement)
        if slot.isGuess { self.guesses.append(Guess(slot: found.slot)) }
        return self.describe(
            statement,
            known: slot.shape,
            isTold: slot.isTold,
            slot.types,
            change,
            &session,
            &table,
            &writer
        )
    }

    /// A Describe of a shared statement.
    ///
    /// - Parameters:
    ///   - known: what the client knows the result to look like; 0 if nothing.
    ///   - isTold: whether it was told, and must not be told otherwise.
    ///   - types: those of the parameters that it goes by; 0 if none.
    ///   - change: what its answer changes.
    mutating func describe(
        _ statement: Int,
        known: UInt64,
        isTold: Bool,
        _ types: UInt64,
        _ change: StatementJournal.Change,
        _ session: inout ServerSession,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        let place = self.prepare(
            statement,
            known: known,
            mustKnow: isTold && known > ResultShape.none,
            types: types,
            &session,
            &table,
            &writer
        )
        guard let place else { return .hold }
        let isResumed = self.resumesDescribe
        self.resumesDescribe = false
        if isTold, known > ResultShape.none, self.copies.copies[place].shape != known {
            if !isResumed {
                // PostgreSQL finds out behind the parameters.
                writer.describeStatement(name: table.name(of: statement))
                session.sent(.describeStatement, for: .parameters)
            }
            return .refuse(Self.changed)
        }
        writer.describeStatement(name: table.name(of: statement))
        session.sent(.describeStatement, for: isResumed ? .resumed : .client)
        self.journal.append(change, at: session.ledger.changesSent, &table)
        return .replaced
    }

    /// A Close of the statement of a name.
    public mutating func close(
        _ bytes: Span<UInt8>,
        name: Range<Int>,
        _ session: inout ServerSession,
        _ client: inout ClientStatements,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Outcome {
        guard !Self.isIgnored(session) else { return .pass }
        let ledger = session.ledger
        if name.isEmpty {
            client.unnamed.dropped(change: ledger.changesSent + 1, ended: ledger.changesEnded)
            session.unnamedDropped()
            return .pass
        }
        if self.waitsForCommand(session, &writer) { return .hold }
        let found = client.find(bytes, name)
        if self.waits(for: found.change, session) { return .hold }
        guard found.slot >= 0 else { return .pass }
        if session.hasNamedStatements {
            // It may be real for an EXECUTE that has been bound, and must not find it any more.
            writer.closeStatement(name: bytes.copy(name) + [0])
            session.sent(.close, for: .quiet)
        }
        session.sent(.close, for: .madeUp)
        client.closing(found.slot, change: session.ledger.changesSent)
        self.journal.append(.closed(slot: found.slot), at: session.ledger.changesSent, &table)
        return .answered
    }

    // MARK: Questions

    /// Whether what follows the name in a Parse is as it must be: a text, and as many types as are
    /// announced.
    static func isWhole(_ bytes: Span<UInt8>, _ body: Range<Int>) -> Bool {
        guard let end = bytes.terminator(in: body), end + 3 <= body.upperBound else { return false }
        return end + 3 + Int(bytes.bigEndianUInt16(at: end + 1)) * 4 == body.upperBound
    }

    /// Whether the server throws away what comes next, so that nothing changes by it.
    static func isIgnored(_ session: borrowing ServerSession) -> Bool {
        session.ledger.isSkipping || session.ledger.isCopyingIn
    }

    /// Whether nothing that was sent in earlier batches can still fail, and the transaction has
    /// not.
    static func isCertain(_ session: borrowing ServerSession) -> Bool {
        session.status != .failed && !session.ledger.owesReady
    }

    /// Whether something depends on a change of an earlier batch that has not been answered.
    mutating func waits(for change: Int, _ session: borrowing ServerSession) -> Bool {
        let waits =
            change > session.ledger.changesEnded && change <= session.ledger.batchStart
        if waits { self.isHolding = true }
        return waits
    }

    // MARK: Words

    private static func duplicate(_ bytes: Span<UInt8>, _ name: Range<Int>) -> ErrorFields {
        let name = String(decoding: bytes.copy(name), as: UTF8.self)
        return ErrorFields(
            .error,
            .duplicatePreparedStatement,
            "prepared statement \"\(name)\" already exists"
        )
    }

    /// What a statement is refused with whose result is not what its client was told.
    ///
    /// Drivers that prepare anew by themselves (asyncpg, pgjdbc) look at the routine, too.
    public static let changed = ErrorFields(
        .error,
        .featureNotSupported,
        "cached plan must not change result type",
        routine: "RevalidateCachedQuery"
    )

    static let full = ErrorFields(
        .error,
        .outOfMemory,
        "no room for another prepared statement",
        detail:
            "The prepared statements of all clients take all the memory that Weir has for them.",
        hint: "Close statements that are not used, or let drivers prepare fewer."
    )
}
