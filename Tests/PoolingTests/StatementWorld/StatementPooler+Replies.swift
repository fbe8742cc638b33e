import Pooling
import TestSupport
import Wire

/// From servers to clients, as `Proxy/Relay.swift`, `Relay+Batches.swift` and
/// `Relay+StatementReplies.swift` do it.
extension StatementPooler {
    /// Takes up to `count` replies of a server.
    func receive(_ count: Int, from server: PooledServer) {
        var left = count
        while left > 0, server.phase != .closed, let reply = server.backend.take() {
            left -= 1
            self.received(reply, from: server)
        }
        if server.exchange.isHolding {
            server.exchange.isHolding = false
            if let client = server.client { self.ready.append(client) }
        }
        if server.phase == .recovering, server.client == nil { self.recover(server) }
        self.settle()
    }

    private func received(_ reply: PostgresReply, from server: PooledServer) {
        let body = reply.body
        let verdict =
            reply.kind == .error
            ? self.errorReceived(reply, body, from: server)
            : server.session.received(reply.kind.rawValue, status: body.first ?? 0)
        if self.isForwarded(verdict, server), let client = server.client {
            self.tell(client, reply)
        }
        self.observe(server, reply, body)
        switch verdict {
        case .forward, .swallow, .asynchronous, .forwardError: break
        case .replaceError: self.tellRefusal(server, reply)
        case .swallowError:
            server.ownFailed = true
            server.exchange.askedInVain(ErrorFields(parsing: body.span, in: 0..<body.count))
        case .forwardEnd: self.batchEnded(server)
        case .swallowEnd: self.ownRequestEnded(server)
        case .asynchronousError, .unexpected:
            self.violated("server \(server.number): \(reply) is \(verdict)")
            self.closeServer(server)
        }
        if server.session.ledger.owesMadeUp { self.answerMadeUp(server) }
    }

    private func isForwarded(_ verdict: ReplyLedger.Verdict, _ server: PooledServer) -> Bool {
        switch verdict {
        case .forward, .forwardEnd, .forwardError, .asynchronous, .asynchronousError:
            server.client?.session.state == .linked
        case .swallow, .swallowEnd, .swallowError, .replaceError, .unexpected: false
        }
    }

    private func observe(_ server: PooledServer, _ reply: PostgresReply, _ body: [UInt8]) {
        switch reply.kind {
        case .commandComplete: self.commandCompleted(server, reply)
        case .parseComplete, .closeComplete, .parameterDescription, .rowDescription, .noData:
            guard server.exchange.awaitsAnswers else { return }
            self.withStatements(of: server) { client, exchange, table in
                exchange.received(
                    reply.kind,
                    body.span,
                    in: 0..<body.count,
                    &server.session,
                    &client,
                    &table
                )
            }
        case .bindComplete:
            server.record.end()
            server.exchange.bindCompleted()
        default: break
        }
    }

    private func commandCompleted(_ server: PooledServer, _ reply: PostgresReply) {
        switch reply.text {
        case "DEALLOCATE ALL", "DISCARD ALL":
            self.withStatements(of: server) { client, exchange, table in
                exchange.deallocated(&server.session, &client, &table)
            }
        case "DEALLOCATE":
            self.withStatements(of: server) { client, exchange, table in
                exchange.deallocatedOne(&server.session, &client, &table)
            }
        default: break
        }
    }

    private func batchEnded(_ server: PooledServer) {
        server.record.batchEnded()
        guard let client = server.client else { return }
        let isAtRest =
            server.session.standing() != .busy && !client.statements.unnamed.needsItsServer
        let end = client.session.batchEnded(status: server.session.status, isAtRest: isAtRest)
        if end == .release { self.release(client, server) }
    }

    func answerMadeUp(_ server: PooledServer) {
        while let request = server.session.takeMadeUp() {
            guard let client = server.client, client.session.state == .linked else { continue }
            let kind: BackendKind = request == .parse ? .parseComplete : .closeComplete
            self.tell(client, kind, for: -1, .madeUp)
        }
        let ended = server.session.ledger.changesEnded
        self.withStatements(of: server) { client, exchange, table in
            exchange.settle(upTo: ended, &client, &table)
        }
    }

    // MARK: Errors

    private func errorReceived(
        _ reply: PostgresReply,
        _ body: [UInt8],
        from server: PooledServer
    ) -> ReplyLedger.Verdict {
        let ledger = server.session.ledger
        let before = ledger.changesEnded
        let current = ledger.current
        let audience = ledger.currentAudience
        let renamed = self.withOwnName(server, body)
        server.hasLostCopy =
            audience == .parameters && server.session.status != .failed && reply.code == "26000"
        if server.hasLostCopy { server.exchange.becameUnsure() }
        let verdict = server.session.received(reply.kind.rawValue)
        let bindsSkipped = ledger.bindsOwed - server.session.ledger.bindsOwed
        let isChange = current == .parse || current == .close || current == .describeStatement
        self.withStatements(of: server) { client, exchange, table in
            exchange.failed(after: before, isChange: isChange, &server.session, &client, &table)
        }
        let skipped = min(server.session.takeSkippedRefusals(), server.refusals.count)
        if skipped > 0 {
            let start = verdict == .replaceError ? 1 : 0
            let end = min(start + skipped, server.refusals.count)
            server.refusals.removeSubrange(start..<end)
        }
        guard verdict == .forwardError, let client = server.client else {
            self.withStatements(of: server) { client, exchange, _ in
                exchange.errorEnded(bindsSkipped: bindsSkipped, &client)
            }
            return verdict
        }
        if audience == .client, current == .bind || current == .describeStatement {
            if self.mayHeal(SQLState(reply.code), server, client), server.record.canRepeat,
                client.session.state == .linked
            {
                self.heal(server, client, ended: before, current == .describeStatement)
                return .swallowError
            }
        }
        self.withStatements(of: server) { client, exchange, _ in
            exchange.errorEnded(bindsSkipped: bindsSkipped, &client)
        }
        guard let renamed else { return verdict }
        server.rewritten = renamed
        return .replaceError
    }

    private func mayHeal(
        _ state: SQLState,
        _ server: PooledServer,
        _ client: PooledClient
    ) -> Bool {
        switch state {
        case .invalidStatementName where !server.record.canRepeat: return false
        case .featureNotSupported, .invalidStatementName:
            server.exchange.becameUnsure()
            return true
        case _ where state.mayBeOfTypes:
            return server.exchange.doubtsGuesses(&client.statements, &self.table)
        default: return false
        }
    }

    private func withOwnName(_ server: PooledServer, _ body: [UInt8]) -> String? {
        guard let client = server.client, client.statements.count > 0,
            let (_, statement) = self.table.mentioned(in: body),
            let name = server.exchange.name(of: statement, client.statements)
        else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    private func tellRefusal(_ server: PooledServer, _ reply: PostgresReply) {
        var reply = reply
        if server.hasLostCopy {
            server.hasLostCopy = false
            server.rewritten = nil
            guard let client = server.client else { return }
            self.tell(client, .parameterDescription, for: reply.tag, .refusal)
            reply.code = StatementExchange.changed.sqlState.code
            reply.text = StatementExchange.changed.message
            return self.tell(client, reply)
        }
        if let name = server.rewritten {
            server.rewritten = nil
            if let client = server.client {
                reply.text = reply.text.replacing(/weir_[0-9a-f]+/, with: name)
                self.tell(client, reply)
            }
            return
        }
        guard let client = server.client else { return }
        guard !server.refusals.isEmpty else { return self.violated("a refusal without words") }
        let (fields, tag) = server.refusals.removeFirst()
        if tag != reply.tag { self.violated("the refusal of #\(tag) is told for #\(reply.tag)") }
        reply.origin = .refusal
        reply.code = fields.sqlState.code
        reply.text = fields.message
        self.tell(client, reply)
    }

    // MARK: Healing

    private func heal(
        _ server: PooledServer,
        _ client: PooledClient,
        ended: Int,
        _ isDescribe: Bool
    ) {
        var bytes = Array(server.record.repeated(after: ended))
        server.exchange.batchResumes(isDescribe: isDescribe, &client.statements)
        server.own = .healing
        client.session.linkPaused()
        let again = RawMessage.take(from: &bytes)
        client.putBack(again.map(\.bytes))
        if client.stashPrefix(again.count) != again.map(\.bytes) {
            self.violated("what is sent again is not what was sent")
        }
        guard !server.session.swallowEnd() else { return }
        self.writer.removeAll()
        self.writer.sync()
        self.sendWritten(to: server, for: -1)
        server.session.sent(.sync, for: .pooler)
    }
}
