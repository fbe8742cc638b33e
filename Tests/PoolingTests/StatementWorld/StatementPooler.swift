import Pooling
import TestSupport
import Wire

/// One worker of the pooler as far as prepared statements go: `ClientSession`, `ServerSession`,
/// `StatementExchange` and `BatchRecord` decide, and what `Proxy` does between them is done here
/// once more, message by message instead of byte by byte, without sockets, logs and what settings
/// leave behind.
///
/// Links: `Proxy/Linking.swift`, `Recovery.swift`, `Moving.swift`, `Waiting.swift`.
final class StatementPooler {
    let catalog: StatementCatalog
    var table: StatementTable
    var writer = MessageWriter()
    let number: Int
    let limit: Int
    var random: SeededRandom
    private var unnamedCount: UInt64 = 0

    var idle: [PooledServer] = []
    var waiting: [PooledClient] = []
    /// Clients whose stash is to be looked at again.
    var ready: [PooledClient] = []
    /// What clients get.
    var outputs: [(client: PooledClient, reply: PostgresReply)] = []
    /// Servers that have been closed.
    var closed: [PooledServer] = []
    /// What was found wrong.
    var fault: String?

    init(
        number: Int,
        catalog: StatementCatalog,
        bytesMax: Int,
        limit: Int,
        random: SeededRandom
    ) {
        self.number = number
        self.catalog = catalog
        self.limit = limit
        self.random = random
        self.table = StatementTable(bytesMax: bytesMax, seed: random.seed) { bytes in
            var hash = ContentHash(high: 17, low: 0xcbf2_9ce4_8422_2325)
            for byte in bytes {
                hash.high = hash.high &* 31 &+ UInt64(byte)
                hash.low = (hash.low ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
            }
            return hash
        }
    }

    func nextUnnamed() -> UnnamedStatement {
        self.unnamedCount += 1
        return UnnamedStatement(number: UInt64(self.number) << 48 | self.unnamedCount)
    }

    func violated(_ what: @autoclosure () -> String) {
        if self.fault == nil { self.fault = what() }
    }

    func tell(_ client: PooledClient, _ reply: PostgresReply) {
        self.outputs.append((client, reply))
    }

    /// Says something that no server has said.
    func tell(
        _ client: PooledClient,
        _ kind: BackendKind,
        for tag: Int,
        _ origin: PostgresReply.Origin,
        code: String = ""
    ) {
        let reply = PostgresReply(
            kind: kind,
            tag: tag,
            epoch: self.catalog.epoch,
            origin: origin,
            code: code
        )
        self.outputs.append((client, reply))
    }

    /// Sends what has been written for the message `tag`.
    func sendWritten(to server: PooledServer, for tag: Int) {
        var bytes = self.writer.bytes
        for message in RawMessage.take(from: &bytes) { server.backend.send(message, tag: tag) }
        if !bytes.isEmpty { self.violated("half a message was sent") }
    }

    func withStatements(
        of server: PooledServer,
        _ body: (inout ClientStatements, inout StatementExchange, inout StatementTable) -> Void
    ) {
        if let client = server.client {
            body(&client.statements, &server.exchange, &self.table)
        } else {
            var nobody = ClientStatements()
            body(&nobody, &server.exchange, &self.table)
        }
    }

    // MARK: Turns

    /// A client has sent a message.
    func received(_ message: ClientMessage, from client: PooledClient) {
        client.append(message)
        if client.stashCount == 1 { self.relayRequests(client) }
        self.settle()
    }

    /// Does what has been decided until nothing more follows.
    func settle() {
        var turns = 0
        while let client = self.ready.popLast() {
            turns += 1
            if turns > 10_000 { return self.violated("client \(client.number) turns in circles") }
            if !client.isClosed { self.relayRequests(client) }
        }
    }

    // MARK: Links

    /// True when the client's messages can go to a server at once.
    func acquire(_ client: PooledClient) -> Bool {
        guard !self.idle.isEmpty else {
            client.session.queued()
            self.waiting.append(client)
            return false
        }
        let place = self.random.below(self.idle.count)
        self.idle.swapAt(place, self.idle.count - 1)
        self.link(client, self.idle.removeLast())
        return true
    }

    func link(_ client: PooledClient, _ server: PooledServer) {
        precondition(server.client == nil && client.server == nil, "linked twice")
        server.session.nameUnnamed(self.nextUnnamed())
        server.client = client
        client.server = server
        server.phase = .ready
        // What the difference of their settings would do.
        server.backend.set(parsing: client.settings)
        client.session.linked()
    }

    func release(_ client: PooledClient, _ server: PooledServer) {
        self.checkRelease(client, server)
        if server.exchange.isInUse || !client.statements.isUnused {
            server.exchange.released(
                &server.session,
                &client.statements,
                &self.table,
                name: self.nextUnnamed()
            )
        }
        client.server = nil
        server.client = nil
        client.session.unlinked()
        self.giveBack(server)
        if !client.isStashEmpty { self.ready.append(client) }
    }

    private func checkRelease(_ client: PooledClient, _ server: PooledServer) {
        let backend = server.backend
        if !backend.isQuiet || !backend.model.isAtRest || server.session.ledger.count != 0 {
            let due =
                "\(backend.unread) unread, \(backend.deliverable) due, \(backend.model.status)"
            self.violated("server \(server.number) was released by \(client.number): \(due)")
        }
        if !server.refusals.isEmpty { self.violated("refusals are left at the release") }
    }

    private func giveBack(_ server: PooledServer) {
        if !server.isMidMessage, server.session.standing() == .ready {
            self.checkIn(server)
        } else {
            server.phase = .recovering
            self.recover(server)
        }
    }

    /// A server is clean.
    func checkIn(_ server: PooledServer) {
        let names = server.backend.model.statements.keys
        let foreign = names.filter { !$0.isEmpty && !$0.hasPrefix("weir_") }
        if !foreign.isEmpty { self.violated("server \(server.number) still has \(foreign)") }
        guard let client = self.waiting.first else {
            self.idle.append(server)
            return
        }
        self.waiting.removeFirst()
        self.link(client, server)
        self.ready.append(client)
    }

    /// A client goes, and leaves its server as it is.
    func close(_ client: PooledClient) {
        guard !client.isClosed else { return }
        client.isClosed = true
        self.waiting.removeAll { $0 === client }
        if let server = client.server {
            client.server = nil
            server.client = nil
            if client.isMidMessage { server.isMidMessage = true }
            server.exchange.clientGone(&client.statements, &self.table)
            server.record.clientGone()
            server.refusals.removeAll()
            self.answerMadeUp(server)
            server.phase = .recovering
            self.recover(server)
        }
        client.statements.close(&self.table)
        self.settle()
    }

    func recover(_ server: PooledServer) {
        guard server.phase == .recovering, server.client == nil, server.own == .none else { return }
        while true {
            let step = server.session.nextRecovery(midMessage: server.isMidMessage)
            self.writer.removeAll()
            switch step {
            case .ready:
                server.phase = .ready
                return self.checkIn(server)
            case .wait: return
            case .close: return self.closeServer(server)
            case .failCopy: return self.violated("a COPY is to fail, and there was none")
            case .sync:
                self.writer.sync()
                self.sendWritten(to: server, for: -1)
                server.session.sent(.sync, for: .pooler)
            case .rollback: return self.ask(server, "ROLLBACK", step)
            case .deallocate: return self.ask(server, "DEALLOCATE ALL", step)
            case .reset: return self.violated("a reset, and nobody wanted one")
            }
        }
    }

    private func ask(_ server: PooledServer, _ query: String, _ step: ServerSession.Recovery) {
        server.own = .recovery(step)
        server.ownFailed = false
        self.writer.removeAll()
        self.writer.query(query)
        self.sendWritten(to: server, for: -1)
        server.session.sent(.query, for: .pooler)
    }

    /// A query of the pooler's own has been answered.
    func ownRequestEnded(_ server: PooledServer) {
        let own = server.own
        server.own = .none
        switch own {
        case .none: break
        case .healing:
            guard let client = server.client else { return }
            client.session.linked()
            self.ready.append(client)
        case .recovery(let step):
            if server.ownFailed {
                server.session.recoveryFailed()
                return self.violated("cleaning has failed: \(step)")
            }
            server.session.recovered(step)
            if step == .deallocate {
                self.withStatements(of: server) { client, exchange, table in
                    exchange.deallocated(&server.session, &client, &table)
                }
            }
        }
    }

    /// A server has gone, or is sent away.
    func closeServer(_ server: PooledServer) {
        guard server.phase != .closed else { return }
        server.phase = .closed
        self.idle.removeAll { $0 === server }
        if let client = server.client {
            server.client = nil
            client.server = nil
            self.tell(client, .error, for: -1, .pooler, code: "08006")
            self.close(client)
        }
        server.exchange.closed(&self.table)
        self.closed.append(server)
    }

    // MARK: Waits that end without a server

    /// All that a waiting client has sent fails.
    func refuse(_ client: PooledClient, code: String) {
        guard client.session.state == .waiting else { return }
        self.waiting.removeAll { $0 === client }
        client.session.unlinked()
        client.refusals = client.stashCount
        client.refusalCode = code
        self.ready.append(client)
        self.settle()
    }

    func refuseRequests(_ client: PooledClient) {
        while client.refusals > 0, let message = client.first {
            client.refusals -= 1
            let isSkipping = client.session.isSkipping
            switch FrontendKind(rawValue: message.kind) {
            case .terminate: return self.close(client)
            case .query where !isSkipping:
                self.tell(client, .error, for: message.tag, .pooler, code: client.refusalCode)
                self.tell(client, .readyForQuery, for: message.tag, .pooler)
            case .parse where !isSkipping, .bind where !isSkipping, .describe where !isSkipping,
                .execute where !isSkipping, .close where !isSkipping:
                self.tell(client, .error, for: message.tag, .pooler, code: client.refusalCode)
                client.session.refused(extended: true)
            case .sync:
                self.tell(client, .readyForQuery, for: message.tag, .pooler)
                client.session.refused(extended: false)
            default: break
            }
            client.dropFirst()
        }
        client.refusals = 0
    }
}
