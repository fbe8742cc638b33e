import Wire

/// What the server has of what a client asks for, and how it gets what it lacks.
extension StatementExchange {
    /// Whether a message has to wait since it is about to be known what a result looked like when
    /// the client prepared it or asked, and the server would have to parse the statement anew,
    /// which may look otherwise then.
    mutating func waitsToBeTold(
        _ slot: Int,
        _ statement: Int,
        known: UInt64,
        _ session: borrowing ServerSession,
        _ table: borrowing StatementTable,
        _ writer: inout MessageWriter
    ) -> Bool {
        guard !self.journal.isEmpty,
            self.journal.contains(.asked(slot: slot, statement: statement))
                || self.journal.contains(.noted(slot: slot, statement: statement))
        else { return false }
        if self.place(of: statement, known: known, session, table) != nil { return false }
        return self.hold(&writer) == nil
    }

    /// Where the server's copy of a statement is that can be used as it is.
    ///
    /// - Parameter known: what the client knows the result to look like; 0 if nothing.
    @inline(__always)
    private func place(
        of statement: Int,
        known: UInt64,
        _ session: borrowing ServerSession,
        _ table: borrowing StatementTable
    ) -> Int? {
        guard let place = self.copies.place(of: statement), self.isUsable(at: place, session),
            !self.isOfOtherTypes(at: place, table),
            !self.mayBeOlder(at: place, than: known, session)
        else { return nil }
        return place
    }

    /// Sees to it that the server has a statement by the time it reads what comes next; nil when
    /// that has to wait for an answer.
    ///
    /// - Parameters:
    ///   - known: what the client knows the result to look like.
    ///   - mustKnow: what it looks like on this server must be known first.
    ///   - types: those of the parameters that the client goes by, which must be known, too.
    mutating func prepare(
        _ statement: Int,
        known: UInt64,
        mustKnow: Bool,
        types: UInt64,
        _ session: inout ServerSession,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Int? {
        if let place = self.place(of: statement, known: known, session, table) {
            self.copies.used(place)
            if !mustKnow || self.copies.copies[place].shape != 0,
                types == 0 || self.copies.copies[place].types != 0
            {
                return place
            }
            guard self.copies.copies[place].change <= session.ledger.changesEnded,
                self.journal.isEmpty
            else { return self.hold(&writer) }
            // An error has skipped its Describe, or it came along from a worker that had not been
            // told yet. Asked now, an old copy would fail in place of what the client has sent.
        }
        self.makeRoom(for: statement, session: &session, &table, &writer)
        _ = self.parse(statement, for: .quiet, &session, &table, &writer)
        self.describe(statement, &session, &table, &writer)
        guard let place = self.copies.place(of: statement), !mustKnow,
            types == 0 || self.copies.copies[place].types != 0
        else { return self.hold(&writer) }
        return place
    }

    /// Holds a message until something is answered that belongs to the batch under way: PostgreSQL
    /// sends no answer before a Sync but by Flush.
    mutating func hold(_ writer: inout MessageWriter) -> Int? {
        writer.flush()
        self.isHolding = true
        return nil
    }

    /// Closes what is in the way of a Parse: an uncertain copy of the same statement, or, where the
    /// server has as many as it may, one that has not been used for long.
    mutating func makeRoom(
        for statement: Int,
        session: inout ServerSession,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) {
        var room = max(1, self.limit)
        if self.copies.place(of: statement) != nil {
            writer.closeStatement(name: table.name(of: statement))
            session.sent(.close, for: .quiet)
        } else {
            room -= 1
            if !self.journal.isEmpty, self.journal.contains(.dropped(statement: statement)) {
                // An error may have thrown that Close away, and then the server has it still.
                writer.closeStatement(name: table.name(of: statement))
                session.sent(.close, for: .quiet)
            }
        }
        // More than one may be too many: an error brings back what was closed for others.
        while self.copies.count > room, let victim = self.copies.victim(but: statement) {
            writer.closeStatement(name: table.name(of: victim))
            session.sent(.close, for: .quiet)
            self.journal.append(.dropped(statement: victim), at: session.ledger.changesSent, &table)
            self.copies.remove(victim, &table)
        }
    }

    mutating func parse(
        _ statement: Int,
        for audience: ReplyLedger.Audience,
        _ session: inout ServerSession,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) -> Int {
        // A client that prepares anew is to get the types of the tables as they are now; where it
        // has been told some before, they are what it was told.
        let isOfClient = audience == .client
        writer.parse(
            name: table.name(of: statement),
            body: isOfClient ? table.body(of: statement) : table.resolvedBody(of: statement)
        )
        session.sent(.parse, for: audience)
        let number = session.ledger.changesSent
        let isOpen = isOfClient || table.entries[statement].isDoubted
        let types = isOpen ? 0 : table.entries[statement].typesHash
        // Its Describe comes next, and only then all is known of it.
        self.copies.parsed(statement, change: number + 1, types: types, &table)
        self.journal.append(.parsed(statement: statement), at: number, &table)
        return number
    }

    mutating func describe(
        _ statement: Int,
        _ session: inout ServerSession,
        _ table: inout StatementTable,
        _ writer: inout MessageWriter
    ) {
        writer.describeStatement(name: table.name(of: statement))
        session.sent(.describeStatement, for: .quiet)
        let number = session.ledger.changesSent
        self.journal.append(.described(statement: statement), at: number, &table)
    }

    /// Whether another server has said since that the result looks otherwise.
    func isOutdated(at place: Int, _ table: borrowing StatementTable) -> Bool {
        let copy = self.copies.copies[place]
        return copy.shape != 0 && copy.shape != table.entries[copy.statement].shape
    }

    /// Whether the result looks otherwise than a client knows it, and the client may know that from
    /// another server since; what was parsed in the batch under way says how it looks now.
    private func mayBeOlder(
        at place: Int,
        than known: UInt64,
        _ session: borrowing ServerSession
    ) -> Bool {
        let copy = self.copies.copies[place]
        return copy.shape != known && copy.shape != 0 && known > ResultShape.none
            && copy.change <= session.ledger.batchStart
    }

    /// Whether its parameters have other types than a server has found since.
    @inline(__always)
    func isOfOtherTypes(at place: Int, _ table: borrowing StatementTable) -> Bool {
        let (own, found) = (
            self.copies.copies[place].types,
            table.entries[self.copies.copies[place].statement].typesHash
        )
        return own != found && own != 0 && found != 0
    }

    @inline(__always)
    func isUsable(at place: Int, _ session: borrowing ServerSession) -> Bool {
        let copy = self.copies.copies[place]
        if copy.isStale { return false }
        return copy.change <= session.ledger.changesEnded
            || copy.change > session.ledger.batchStart
    }

    /// What stands at a client's slot now.
    enum Current {
        case statement(Int)
        /// It cannot be used any more.
        case none(ErrorFields)
    }

    /// The statement at a client's slot under the settings that the client has now, with the types
    /// of parameters that it goes by.
    mutating func current(
        _ slot: Int,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) -> Current {
        var statement = client.slots[slot].statement
        let types = client.slots[slot].types
        let found = table.entries[statement].typesHash
        if types != found, types != 0, found != 0 {
            // A server has found others since.
            guard let other = table.exchange(statement, types: types) else {
                return .none(Self.changed)
            }
            client.replace(slot, with: other)
            statement = other
        }
        if table.isSame(statement, parsing: client.parsing) { return .statement(statement) }
        guard let other = table.exchange(statement, parsing: client.parsing) else {
            return .none(Self.full)
        }
        client.replace(slot, with: other)
        client.typed(slot, 0)
        return .statement(other)
    }
}
