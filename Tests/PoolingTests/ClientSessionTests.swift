import Pooling
import TestSupport
import Testing
import Wire

extension Transcript where Value == ClientSession {
    func received(_ kind: FrontendKind, target: Unicode.Scalar = "S") -> ClientSession.Action {
        self.value.received(kind.rawValue, target: UInt8(ascii: target))
    }
}

struct ClientSessionTests {
    private func fresh(_ mode: PoolMode = .transaction) -> Transcript<ClientSession> {
        Transcript(ClientSession(mode: mode))
    }

    private func linked(_ mode: PoolMode = .transaction) -> Transcript<ClientSession> {
        let client = self.fresh(mode)
        client.value.linked()
        return client
    }

    @Test func `a client without a server gets one for what needs one`() {
        let needy: [FrontendKind] = [
            .query, .functionCall, .parse, .bind, .describe, .execute, .close,
        ]
        for kind in needy {
            let client = self.fresh()
            #expect(client.received(kind) == .acquire)
            #expect(client.state == .idle)
        }
    }

    @Test func `a client without a server needs none for what does nothing`() {
        let client = self.fresh()
        #expect(client.received(.sync) == .answerReady)
        for kind in [FrontendKind.flush, .copyData, .copyDone, .copyFail] {
            #expect(client.received(kind) == .discard)
        }
        #expect(client.received(.terminate) == .terminate)
    }

    @Test func `whoever waits or is being linked keeps messages, the good-bye too`() {
        let client = self.fresh()
        #expect(client.received(.query) == .acquire)
        client.value.queued()
        for kind in FrontendKind.allCases where kind != .password {
            #expect(client.received(kind) == .hold)
        }
        client.value.linkStarted()
        for kind in FrontendKind.allCases where kind != .password {
            #expect(client.received(kind) == .hold)
        }
        client.value.linked()
        #expect(client.received(.query) == .forward(.query))
    }

    @Test func `a linked client's messages are forwarded as what they are`() {
        let client = self.linked()
        let requests: [(FrontendKind, ReplyLedger.Request?)] = [
            (.query, .query), (.functionCall, .functionCall), (.parse, .parse), (.bind, .bind),
            (.execute, .execute), (.close, .close), (.sync, .sync), (.copyDone, .copyEnd),
            (.copyFail, .copyEnd), (.copyData, nil), (.flush, nil),
        ]
        for (kind, request) in requests { #expect(client.received(kind) == .forward(request)) }
        #expect(client.received(.describe, target: "P") == .forward(.describePortal))
        #expect(client.received(.describe, target: "S") == .forward(.describeStatement))
        // What the server calls an error is the server's to say.
        #expect(client.received(.describe, target: "x") == .forward(.describeStatement))
        #expect(client.received(.terminate) == .terminate)
    }

    @Test func `what no client sends is refused in every state`() {
        for code in UInt8.min...UInt8.max where FrontendKind(rawValue: code) == nil {
            for prepare in [{ _ in }, { $0.queued() }, { $0.linkStarted() }, { $0.linked() }]
                as [(inout ClientSession) -> Void]
            {
                let client = self.fresh()
                prepare(&client.value)
                #expect(client.value.received(code) == .refuse(.unknownKind(code)))
                #expect(client.received(.password) == .refuse(.outOfPlace(0x70)))
            }
        }
    }

    @Test func `a simple query is refused when it is disabled`() {
        let client = self.linked()
        client.value.isSimpleQueryDisabled = true
        #expect(client.received(.query) == .refuse(.simpleQueryDisabled))
        #expect(client.received(.parse) == .forward(.parse))
        client.value.unlinked()
        #expect(client.received(.query) == .refuse(.simpleQueryDisabled))
    }

    @Test func `after a refusal in an extended batch all is thrown away up to the Sync`() {
        let client = self.fresh()
        #expect(client.received(.parse) == .acquire)
        client.value.queued()
        client.value.refused(extended: true)
        #expect(client.state == .idle && client.isSkipping)
        for kind in [FrontendKind.parse, .bind, .execute, .query, .functionCall, .flush] {
            #expect(client.received(kind) == .discard)
        }
        #expect(client.received(.sync) == .answerReady)
        #expect(!client.isSkipping)
        #expect(client.received(.parse) == .acquire)
    }

    @Test func `after a refusal of a simple query the next one asks again`() {
        let client = self.fresh()
        client.value.queued()
        client.value.refused(extended: false)
        #expect(client.received(.query) == .acquire)
    }

    @Test func `a good-bye is heard while a batch is skipped`() {
        let client = self.fresh()
        client.value.queued()
        client.value.refused(extended: true)
        #expect(client.received(.terminate) == .terminate)
    }

    // MARK: Ends of batches

    private func server(_ status: TransactionStatus, owes: Bool = false) -> ServerSession {
        var server = ServerSession()
        server.sent(.query)
        _ = server.received(BackendKind.readyForQuery.rawValue, status: status.rawValue)
        if owes { server.sent(.sync) }
        return server
    }

    @Test(arguments: [TransactionStatus.idle, .transaction, .failed], [true, false])
    func `a session keeps its server`(status: TransactionStatus, owes: Bool) {
        #expect(self.linked(.session).value.batchEnded(self.server(status, owes: owes)) == .keep)
    }

    @Test func `a transaction's end gives the server back when it owes nothing more`() {
        let client = self.linked()
        #expect(client.value.batchEnded(self.server(.idle)) == .release)
        #expect(client.value.batchEnded(self.server(.idle, owes: true)) == .keep)
        #expect(client.value.batchEnded(self.server(.transaction)) == .keep)
        #expect(client.value.batchEnded(self.server(.failed)) == .keep)
        client.value.unlinked()
        #expect(client.state == .idle)
    }

    @Test func `a batch begun behind the one that ended keeps the server`() {
        let client = self.linked()
        var server = ServerSession()
        server.sent(.query)
        server.sent(.parse)
        _ = server.received(BackendKind.readyForQuery.rawValue, status: 0x49)
        #expect(client.value.batchEnded(server) == .keep)
        _ = server.received(BackendKind.parseComplete.rawValue)
        #expect(client.value.batchEnded(server) == .keep)
    }

    @Test func `statement pooling refuses transactions`() {
        let client = self.linked(.statement)
        #expect(client.value.batchEnded(self.server(.idle)) == .release)
        #expect(client.value.batchEnded(self.server(.idle, owes: true)) == .keep)
        #expect(client.value.batchEnded(self.server(.transaction)) == .refuseTransaction)
        #expect(client.value.batchEnded(self.server(.failed)) == .refuseTransaction)
    }
}
