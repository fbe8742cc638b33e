import Pooling
import TestSupport
import Wire

/// From clients to servers, as `Proxy/Relay.swift`, `Relay+Statements.swift` and
/// `Relay+Refusals.swift` do it.
extension StatementPooler {
    private static let refusedName = Array("weir_refused\0".utf8)
    private static let refusedBody = Array("SELECT 1\0\0\0".utf8)

    func relayRequests(_ client: PooledClient) {
        if client.refusals > 0 { self.refuseRequests(client) }
        while !client.isClosed, let message = client.first {
            switch client.session.received(message.kind, target: message.target) {
            case .forward(let request):
                guard let server = client.server else {
                    preconditionFailure("client \(client.number) forwards without a server")
                }
                if let request {
                    guard self.book(request, client, server, message) else { return }
                } else {
                    server.record.flushed(message.bytes.span, message.frame)
                    self.pass(message, to: server)
                }
                client.passFirst()
            case .acquire:
                if self.answersLocally(client, message) {
                    client.dropFirst()
                } else if !self.acquire(client) {
                    return
                }
            case .hold: return
            case .discard: client.dropFirst()
            case .answerReady:
                self.tell(client, .readyForQuery, for: message.tag, .pooler)
                client.dropFirst()
            case .terminate: return self.close(client)
            case .refuse: return self.violated("a message was refused: \(message.request)")
            }
        }
    }

    private func pass(_ message: ClientMessage, to server: PooledServer) {
        server.backend.send(message.request.message, tag: message.tag)
    }

    /// A client is cut in the middle of a message whose kind is all that is looked at.
    func receivedHalf(of message: ClientMessage, from client: PooledClient) {
        guard client.isStashEmpty, let server = client.server,
            case .forward(.execute) = client.session.received(message.kind)
        else { return }
        if self.concerns(.execute, client, server) {
            server.exchange.executed(nil, server.session)
        }
        server.session.sent(.execute)
        client.isMidMessage = true
    }

    private func concerns(
        _ request: ReplyLedger.Request,
        _ client: PooledClient,
        _ server: PooledServer
    ) -> Bool {
        switch request {
        case .parse, .bind, .describeStatement, .close: true
        case .query:
            client.statements.count > 0 || !client.statements.unnamed.isAbsent
                || server.session.hasNamedStatements
        case .execute: server.exchange.isCommandBound
        default: false
        }
    }

    // MARK: Booking

    /// False when the message is held.
    private func book(
        _ request: ReplyLedger.Request,
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage
    ) -> Bool {
        if self.concerns(request, client, server) {
            return self.bookShared(request, client, server, message)
        }
        self.closeForeignUnnamed(request, named: false, client, server, message)
        if server.record.isActive {
            server.record.sent(
                request,
                message.bytes.span,
                message.frame,
                isShared: false,
                isFirst: false,
                change: server.session.ledger.changesSent
            )
        }
        server.session.sent(request)
        self.pass(message, to: server)
        return true
    }

    private func closeForeignUnnamed(
        _ request: ReplyLedger.Request,
        named: Bool,
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage
    ) {
        let own = client.statements.unnamed.name
        guard server.session.mustCloseUnnamed(before: request, named: named, own: own) else {
            return
        }
        self.writer.removeAll()
        self.writer.closeStatement("")
        self.sendWritten(to: server, for: message.tag)
        server.session.sent(.close, for: .pooler)
        server.session.unnamedClosed()
    }

    private func bookShared(
        _ request: ReplyLedger.Request,
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage
    ) -> Bool {
        let named = request == .parse && message.target != 0
        let isFirst = server.session.isAtRest
        self.closeForeignUnnamed(request, named: named, client, server, message)
        if !named, self.isUnnamed(request, client, server, message) {
            if server.record.isActive {
                let span = message.bytes.span
                server.record.sentUnnamed(span, message.frame)
            }
            server.session.sent(request)
            self.pass(message, to: server)
            return true
        }
        self.writer.removeAll()
        var statement = -1
        var bytes = message.bytes
        var outcome = StatementExchange.Outcome.pass
        switch request {
        case .parse: outcome = self.bookParse(client, server, message)
        case .bind:
            (outcome, statement) = self.bookBind(client, server, message)
            if server.exchange.isCommandBound, outcome != .hold {
                server.exchange.bound(to: Array(bytes[Self.names(in: bytes).portal]))
            }
            if outcome == .renamed { bytes = self.renamed(message, statement) }
        case .describeStatement where message.target == UInt8(ascii: "S"),
            .close where message.target == UInt8(ascii: "S"):
            outcome = self.bookNamed(request, client, server, message)
        case .execute:
            let portal = Array(bytes[5...].prefix { $0 != 0 })
            server.exchange.executed(portal, server.session)
        case .query: outcome = self.bookQuery(client, server, message)
        default: break
        }
        let isShared = request == .describeStatement && outcome == .replaced
        return self.carryOut(
            outcome,
            request,
            isFirst: isFirst,
            isShared: isShared || statement >= 0,
            client,
            server,
            message,
            bytes
        )
    }

    /// Whether a message is about the unnamed statement and goes out as it is.
    private func isUnnamed(
        _ request: ReplyLedger.Request,
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage
    ) -> Bool {
        let bytes = message.bytes
        switch request {
        case .parse:
            let name = self.nextUnnamed()
            let body = 6..<bytes.count
            let isRepeated = client.statements.isUnnamedRepeated(bytes.span, in: body)
            server.exchange.unnamedParsed(
                bytes.span,
                body: body,
                isSuspicious: !isRepeated && StatementTable.isSuspicious(bytes.span, in: body),
                isRepeated: isRepeated,
                as: name,
                &server.session,
                &client.statements,
                &self.table
            )
            server.session.parseSent(name)
            return true
        case .bind:
            guard bytes[5] == 0, bytes[6] == 0 else { return false }
            return !client.statements.unnamed.needsLook
                && server.session.unnamed == client.statements.unnamed.name
                && server.session.unnamed != .none
                && !server.session.isUnnamedPendingBefore
                && !server.exchange.isCommandBound
        default:
            return false
        }
    }

    private func bookParse(
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage
    ) -> StatementExchange.Outcome {
        let bytes = message.bytes
        guard let end = bytes[5...].firstIndex(of: 0) else { return .pass }
        return server.exchange.parse(
            bytes.span,
            name: 5..<end,
            body: end + 1..<bytes.count,
            pool: PoolID(index: 0),
            &server.session,
            &client.statements,
            &self.table,
            &self.writer
        )
    }

    /// The names of the portal and of the statement in a Bind.
    private static func names(in bytes: [UInt8]) -> (portal: Range<Int>, statement: Range<Int>) {
        guard let first = bytes[5...].firstIndex(of: 0),
            let second = bytes[(first + 1)...].firstIndex(of: 0)
        else { preconditionFailure("a Bind without names") }
        return (5..<first, first + 1..<second)
    }

    private func bookBind(
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage
    ) -> (StatementExchange.Outcome, Int) {
        let bytes = message.bytes
        return server.exchange.bind(
            bytes.span,
            name: Self.names(in: bytes).statement,
            &server.session,
            &client.statements,
            &self.table,
            &self.writer,
            canRepeat: false
        )
    }

    private func renamed(_ message: ClientMessage, _ statement: Int) -> [UInt8] {
        let names = Self.names(in: message.bytes)
        var head = MessageWriter()
        let name = self.table.name(of: statement)
        head.bindHead(
            length: message.bytes.count - names.statement.count - 1 + name.count,
            portal: 5..<names.portal.upperBound + 1,
            of: message.bytes.span,
            statement: name
        )
        return head.bytes + message.bytes[(names.statement.upperBound + 1)...]
    }

    private func bookNamed(
        _ request: ReplyLedger.Request,
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage
    ) -> StatementExchange.Outcome {
        let bytes = message.bytes
        let name = 6..<bytes.count - 1
        if request == .close {
            return server.exchange.close(
                bytes.span,
                name: name,
                &server.session,
                &client.statements,
                &self.table,
                &self.writer
            )
        }
        return server.exchange.describe(
            bytes.span,
            name: name,
            &server.session,
            &client.statements,
            &self.table,
            &self.writer,
            canRepeat: false
        )
    }

    private func bookQuery(
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage
    ) -> StatementExchange.Outcome {
        let span = message.bytes.span
        let body = 5..<message.bytes.count
        if client.statements.count > 0 || server.session.hasNamedStatements,
            StatementCommand.mayBe(span, in: body),
            let command = StatementCommand(span, in: body)
        {
            let outcome = server.exchange.command(
                command,
                isQuery: true,
                &server.session,
                &client.statements,
                &self.table,
                &self.writer
            )
            if outcome != .pass { return outcome }
        }
        if !client.statements.unnamed.isAbsent {
            server.exchange.querySent(&server.session, &client.statements)
        }
        return .pass
    }

    // MARK: Outcomes

    private func carryOut(
        _ outcome: StatementExchange.Outcome,
        _ request: ReplyLedger.Request,
        isFirst: Bool,
        isShared: Bool,
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage,
        _ bytes: [UInt8]
    ) -> Bool {
        self.sendWritten(to: server, for: message.tag)
        func note(changesAhead: Int = 0) {
            server.record.sent(
                request,
                message.bytes.span,
                message.frame,
                isShared: isShared,
                isFirst: isFirst,
                change: server.session.ledger.changesSent + changesAhead
            )
        }
        switch outcome {
        case .hold:
            if server.session.isBatchOpen { server.record.sentAhead() }
            return false
        case .refuse(let fields): self.refuse(fields, request, client, server, message)
        case .pass, .renamed:
            note(changesAhead: 1)
            server.session.sent(request)
            var rest = bytes
            for passed in RawMessage.take(from: &rest) {
                server.backend.send(passed, tag: message.tag)
            }
        case .replaced: note()
        case .answered:
            note()
            if server.session.ledger.owesMadeUp { self.answerMadeUp(server) }
        }
        return true
    }

    private func refuse(
        _ fields: ErrorFields,
        _ request: ReplyLedger.Request,
        _ client: PooledClient,
        _ server: PooledServer,
        _ message: ClientMessage
    ) {
        if fields.sqlState == .outOfMemory,
            self.table.bytes + message.bytes.count + 512 <= self.table.bytesMax
        {
            self.violated("refused for memory though there is room: \(self.table.bytes)")
        }
        server.refusals.append((fields, message.tag))
        self.writer.removeAll()
        if request == .query {
            server.record.end()
            if !client.statements.unnamed.isAbsent {
                server.exchange.querySent(&server.session, &client.statements)
            }
            self.writer.query("refused by Weir")
            self.sendWritten(to: server, for: message.tag)
            return server.session.sent(.query, for: .refusal)
        }
        var body = Self.refusedBody
        if request == .parse, let end = message.bytes[5...].firstIndex(of: 0) {
            body = Array(message.bytes[(end + 1)...])
        }
        server.record.sent(
            request,
            message.bytes.span,
            message.frame,
            isShared: false,
            isFirst: false,
            change: server.session.ledger.changesSent
        )
        self.writer.closeStatement(name: Self.refusedName)
        self.writer.parse(name: Self.refusedName, body: body)
        self.writer.parse(name: Self.refusedName, body: body)
        self.sendWritten(to: server, for: message.tag)
        server.session.sent(.close, for: .quiet)
        server.session.sent(.parse, for: .quiet)
        server.session.sent(.parse, for: .refusal)
    }

    // MARK: Without a server

    private func answersLocally(_ client: PooledClient, _ message: ClientMessage) -> Bool {
        let bytes = message.bytes
        switch FrontendKind(rawValue: message.kind) {
        case .parse:
            guard let end = bytes[5...].firstIndex(of: 0),
                StatementExchange.parsesLocally(
                    bytes.span,
                    name: 5..<end,
                    body: end + 1..<bytes.count,
                    pool: PoolID(index: 0),
                    &client.statements,
                    &self.table
                )
            else { return false }
            self.tell(client, .parseComplete, for: message.tag, .madeUp)
        case .close where message.target == UInt8(ascii: "S"):
            StatementExchange.closeLocally(
                bytes.span,
                name: 6..<bytes.count - 1,
                &client.statements,
                &self.table
            )
            self.tell(client, .closeComplete, for: message.tag, .madeUp)
        default: return false
        }
        return true
    }
}
