import Pooling
import TestSupport
import Testing
import Wire

extension Transcript where Value == ServerSession {
    func sent(_ requests: ReplyLedger.Request..., for audience: ReplyLedger.Audience = .client) {
        for request in requests { self.value.sent(request, for: audience) }
    }

    func received(_ kind: BackendKind, _ status: TransactionStatus = .idle) -> ReplyLedger.Verdict {
        self.value.received(kind.rawValue, status: status.rawValue)
    }

    /// Lets replies come whose verdicts are another test's business.
    func receivedAll(_ kinds: BackendKind...) {
        for kind in kinds { _ = self.received(kind) }
    }

    /// What stands between the server and its next client; the short question agrees with the long.
    var recovery: ServerSession.Recovery {
        let recovery = self.value.nextRecovery()
        let standing = self.value.standing()
        #expect((standing == .ready) == (recovery == .ready))
        #expect((standing == .busy) == !self.value.isAtRest)
        return recovery
    }
}

/// What stands between a server and its next client, in every situation that its last client can
/// leave behind.
struct ServerSessionTests {
    private let ann = UnnamedStatement(number: 1)
    private let bob = UnnamedStatement(number: 2)

    private func fresh() -> Transcript<ServerSession> { Transcript(ServerSession()) }

    @Test func `a fresh server is ready`() {
        let server = self.fresh()
        #expect(server.isAtRest && server.recovery == .ready)
    }

    @Test func `replies that are due are waited for`() {
        let server = self.fresh()
        server.sent(.query)
        #expect(!server.isAtRest && server.recovery == .wait)
        #expect(server.received(.commandComplete) == .forward)
        #expect(server.recovery == .wait)
        #expect(server.received(.readyForQuery) == .forwardEnd)
        #expect(server.isAtRest && server.recovery == .ready)
    }

    @Test(arguments: [TransactionStatus.transaction, .failed])
    func `an open transaction is rolled back`(status: TransactionStatus) {
        let server = self.fresh()
        server.sent(.query)
        #expect(server.received(.readyForQuery, status) == .forwardEnd)
        #expect(server.status == status && !server.isAtRest && server.recovery == .rollback)
        server.sent(.query, for: .pooler)
        #expect(server.recovery == .wait)
        #expect(server.received(.commandComplete) == .swallow)
        #expect(server.received(.readyForQuery) == .swallowEnd)
        server.value.recovered(.rollback)
        #expect(server.recovery == .ready)
    }

    @Test func `a batch without its Sync is given one, also when all of it is answered`() {
        let server = self.fresh()
        server.sent(.parse, .bind, .execute)
        #expect(server.recovery == .sync)
        server.receivedAll(.parseComplete, .bindComplete, .commandComplete)
        // Settled, and idle by its last word; but the statement's transaction is open.
        #expect(server.ledger.isSettled && server.status == .idle)
        #expect(!server.isAtRest && server.recovery == .sync)
        server.sent(.sync, for: .pooler)
        #expect(server.recovery == .wait)
        #expect(server.received(.readyForQuery) == .swallowEnd)
        #expect(server.recovery == .ready)
    }

    @Test func `a batch that has failed is given its Sync`() {
        let server = self.fresh()
        server.sent(.parse)
        #expect(server.received(.error) == .forwardError)
        #expect(server.recovery == .sync)
        server.sent(.sync, for: .pooler)
        #expect(server.received(.readyForQuery, .failed) == .swallowEnd)
        #expect(server.recovery == .rollback)
    }

    @Test func `a COPY in a Query is failed`() {
        let server = self.fresh()
        server.sent(.query)
        #expect(server.recovery == .wait)
        server.receivedAll(.copyIn)
        #expect(server.recovery == .failCopy(sync: false))
        server.sent(.copyEnd, for: .pooler)
        #expect(server.recovery == .wait)
        #expect(server.received(.error) == .forwardError)
        #expect(server.received(.readyForQuery) == .forwardEnd)
        #expect(server.recovery == .ready)
    }

    @Test func `a COPY in an Execute is failed and given a Sync`() {
        let server = self.fresh()
        server.sent(.parse, .bind, .execute)
        server.receivedAll(.parseComplete, .bindComplete, .copyIn)
        #expect(server.recovery == .failCopy(sync: true))
        server.sent(.copyEnd, .sync, for: .pooler)
        #expect(server.recovery == .wait)
        #expect(server.received(.error) == .forwardError)
        #expect(server.received(.readyForQuery) == .swallowEnd)
        #expect(server.recovery == .ready)
    }

    @Test func `an extended COPY whose data have ended still needs its Sync`() {
        let server = self.fresh()
        server.sent(.execute)
        server.receivedAll(.copyIn)
        server.sent(.copyEnd)
        server.receivedAll(.commandComplete)
        // What was copied is not committed before the Sync, and would be by the next client's.
        #expect(server.ledger.isSettled && !server.isAtRest && server.recovery == .sync)
    }

    @Test(arguments: [true, false])
    func `a Sync that the COPY has swallowed has ended nothing`(isSeen: Bool) {
        let server = self.fresh()
        server.sent(.execute)
        if !isSeen { server.sent(.sync) }
        server.receivedAll(.copyIn)
        if isSeen { server.sent(.sync) }
        server.sent(.copyEnd)
        server.receivedAll(.commandComplete)
        #expect(server.ledger.isSettled && !server.isAtRest && server.recovery == .sync)
        server.sent(.sync)
        #expect(server.received(.readyForQuery) == .forwardEnd)
        #expect(server.isAtRest && server.recovery == .ready)
    }

    @Test func `a doubtful server is closed`() {
        let server = self.fresh()
        server.sent(.execute, .sync)
        server.receivedAll(.copyIn, .error)
        #expect(server.ledger.isDoubtful && server.recovery == .close)
    }

    @Test
    func `a client that sent a request into a COPY keeps its server, to hear what comes of it`() {
        let server = self.fresh()
        server.sent(.query)
        server.receivedAll(.copyIn)
        server.sent(.query)  // The COPY may have failed before this was read; then it is answered.
        server.receivedAll(.error, .readyForQuery)
        #expect(server.ledger.isSettled && server.status == .idle && !server.isAtRest)
        #expect(server.recovery == .close)
        #expect(server.received(.commandComplete) == .unexpected)
    }

    @Test func `a server that was told half a message is closed`() {
        #expect(ServerSession().nextRecovery(midMessage: true) == .close)
    }

    @Test func `a reply that nothing explains breaks a server`() {
        let server = self.fresh()
        #expect(server.received(.dataRow) == .unexpected)
        #expect(server.isBroken && server.recovery == .close)
    }

    @Test func `a server's farewell breaks it`() {
        let server = self.fresh()
        #expect(server.received(.error) == .asynchronousError)
        #expect(server.isBroken && server.recovery == .close)
    }

    @Test func `a status that does not exist breaks a server`() {
        let server = self.fresh()
        server.sent(.query)
        #expect(server.value.received(BackendKind.readyForQuery.rawValue, status: 0) == .unexpected)
        #expect(server.isBroken && server.recovery == .close)
    }

    @Test func `a cancel on its way is waited for, and a lost one closes`() {
        let server = self.fresh()
        server.value.cancelStarted()
        server.value.cancelStarted()
        #expect(server.recovery == .wait)
        server.value.cancelEnded()
        #expect(server.recovery == .wait)
        server.value.cancelEnded()
        #expect(server.recovery == .ready)
        server.value.cancelStarted()
        server.value.cancelLost()
        #expect(server.cancelsUnderWay == 0 && server.recovery == .close)
    }

    @Test func `a reset comes after the rollback and forgets statements`() {
        let server = self.fresh()
        server.value.needsReset = true
        server.value.namedParseSent()
        server.value.parseSent(self.ann)
        server.sent(.query)
        server.receivedAll(.commandComplete)
        #expect(server.received(.readyForQuery, .transaction) == .forwardEnd)
        #expect(server.recovery == .rollback)
        server.sent(.query, for: .pooler)
        #expect(server.received(.readyForQuery) == .swallowEnd)
        server.value.recovered(.rollback)
        #expect(server.recovery == .reset)
        server.sent(.query, for: .pooler)
        #expect(server.received(.readyForQuery) == .swallowEnd)
        server.value.recovered(.reset)
        #expect(server.recovery == .ready)
        #expect(!server.hasNamedStatements && server.unnamed == .none && !server.needsReset)
    }

    @Test func `named statements are forgotten, and a failure to do so closes`() {
        let server = self.fresh()
        server.value.namedParseSent()
        #expect(server.recovery == .deallocate)
        server.value.recovered(.deallocate)
        #expect(server.recovery == .ready)
        server.value.recoveryFailed()
        #expect(server.recovery == .close)
    }

    @Test func `rows are accepted by a Query and an Execute at the head`() {
        let server = self.fresh()
        #expect(!server.ledger.takesRows)
        server.sent(.parse, .execute, .sync, .query)
        #expect(!server.ledger.takesRows)
        server.receivedAll(.parseComplete)
        #expect(server.ledger.takesRows)
        server.receivedAll(.commandComplete)
        #expect(!server.ledger.takesRows)
        server.receivedAll(.readyForQuery)
        #expect(server.ledger.takesRows)
    }

    // MARK: The unnamed statement

    @Test func `the unnamed statement is foreign to all but its owner`() {
        let server = self.fresh()
        #expect(!server.value.holdsForeignUnnamed(own: self.ann))
        server.value.parseSent(self.ann)
        #expect(!server.value.holdsForeignUnnamed(own: self.ann))
        #expect(server.value.holdsForeignUnnamed(own: self.bob))
        server.value.unnamedClosed()
        #expect(!server.value.holdsForeignUnnamed(own: self.bob))
    }

    /// Ann's unnamed statement stands on the server, and all is at rest.
    private func withStatementOfAnn() -> Transcript<ServerSession> {
        let server = self.fresh()
        server.value.parseSent(self.ann)
        server.sent(.parse, .sync)
        server.receivedAll(.parseComplete, .readyForQuery)
        return server
    }

    @Test(arguments: [true, false])
    func `a Parse that was thrown away has replaced nothing`(isErrorSeen: Bool) {
        let server = self.withStatementOfAnn()
        server.value.namedParseSent()
        server.sent(.parse)
        if isErrorSeen { server.receivedAll(.error) }
        server.value.parseSent(self.bob)
        server.sent(.parse, .sync)
        if !isErrorSeen { server.receivedAll(.error) }
        server.receivedAll(.readyForQuery)
        #expect(server.isAtRest)
        #expect(server.value.holdsForeignUnnamed(own: self.bob), "bob would run ann's statement")
    }

    @Test func `a foreign statement goes in front of the first extended request`() {
        let server = self.withStatementOfAnn()
        for request in [ReplyLedger.Request.bind, .describeStatement, .execute, .close, .parse] {
            #expect(server.value.mustCloseUnnamed(before: request, named: true, own: self.bob))
            #expect(!server.value.mustCloseUnnamed(before: request, named: true, own: self.ann))
        }
        // A Parse of the unnamed one replaces it, whether it succeeds or fails.
        #expect(!server.value.mustCloseUnnamed(before: .parse, named: false, own: self.bob))
        server.value.parseSent(self.bob)
        server.sent(.parse, .sync)
        server.receivedAll(.error, .readyForQuery)
        #expect(!server.value.mustCloseUnnamed(before: .bind, named: false, own: self.bob))
        #expect(server.value.mustCloseUnnamed(before: .bind, named: false, own: self.ann))
    }

    @Test func `a query drops the unnamed statement if it is run for certain`() {
        let server = self.withStatementOfAnn()
        server.sent(.query)
        #expect(server.unnamed == .none)
        let other = self.withStatementOfAnn()
        other.sent(.bind, .query, .sync)  // The Bind may fail, and the Query be thrown away.
        other.receivedAll(.error, .readyForQuery)
        #expect(other.unnamed == self.ann)
    }

    @Test func `a Close of Weir's own that was thrown away has closed nothing`() {
        let server = self.withStatementOfAnn()
        server.sent(.bind)
        server.sent(.close, for: .pooler)
        server.value.unnamedClosed()
        server.sent(.bind, .sync)
        server.receivedAll(.error, .readyForQuery)
        #expect(server.isAtRest)
        #expect(server.value.holdsForeignUnnamed(own: self.bob), "bob would run ann's statement")
    }

    @Test func `a Close of Weir's own that nothing follows is ended by a Sync`() {
        let server = self.withStatementOfAnn()
        server.sent(.close, for: .pooler)
        server.value.unnamedClosed()
        #expect(!server.isAtRest)
        #expect(server.value.nextRecovery() == .sync, "PostgreSQL answers nothing before it")
        server.sent(.sync, for: .pooler)
        server.receivedAll(.closeComplete, .readyForQuery)
        #expect(server.value.nextRecovery() == .ready)
    }

    @Test func `a statement that was confirmed stays its owner's through a later error`() {
        let server = self.withStatementOfAnn()
        server.value.parseSent(self.bob)
        server.sent(.parse, .bind, .execute, .sync)
        server.receivedAll(.parseComplete, .error, .readyForQuery)
        #expect(!server.value.holdsForeignUnnamed(own: self.bob))
        #expect(server.value.holdsForeignUnnamed(own: self.ann))
    }

    @Test func `an error of one batch says nothing about a Parse of the next`() {
        let server = self.withStatementOfAnn()
        server.sent(.bind, .sync)
        server.value.parseSent(self.bob)
        server.sent(.parse, .sync)
        server.receivedAll(.error, .readyForQuery, .parseComplete, .readyForQuery)
        #expect(server.isAtRest)
        #expect(!server.value.holdsForeignUnnamed(own: self.bob))
        #expect(server.value.holdsForeignUnnamed(own: self.ann))
    }
}
