import Pooling
import Wire

/// From clients to servers.
extension SimulatedPooler {
    func relayRequests(_ client: Client) {
        while self.clients[client.id] === client {
            let rest = client.reader.resume(available: client.stash.count)
            if rest > 0 {
                if !client.isDiscarding, let server = client.server {
                    self.outputs.append(.toServer(server.id, Array(client.stash[..<rest])))
                }
                client.stash.removeFirst(rest)
                if client.reader.remaining == 0 { client.isDiscarding = false }
            }
            guard client.reader.remaining == 0, let frame = self.nextFrame(client) else { return }
            let target = frame.available > Frame.headerLength ? client.stash[frame.bodyOffset] : 0
            switch client.session.received(frame.kind, target: target) {
            case .forward(let request): self.forward(client, frame, request)
            case .acquire: guard self.acquire(client) else { return }
            case .hold: return
            case .discard: self.take(client, frame, isDiscarding: true)
            case .answerReady:
                var writer = MessageWriter()
                writer.readyForQuery(.idle)
                self.outputs.append(.toClient(client.id, writer.bytes))
                self.take(client, frame, isDiscarding: true)
            case .terminate: self.close(client, vanished: false)
            case .refuse: self.close(client, vanished: false, reason: .protocolViolation)
            }
        }
    }

    private func nextFrame(_ client: Client) -> Frame? {
        let bytes = client.stash
        guard let frame = try? client.reader.next(in: bytes.span, at: 0) else { return nil }
        let isDescribe = frame.kind == FrontendKind.describe.rawValue
        return frame.available >= min(frame.length, isDescribe ? 6 : 5) ? frame : nil
    }

    private func take(_ client: Client, _ frame: Frame, isDiscarding: Bool) {
        client.reader.pass(frame)
        client.stash.removeFirst(frame.available)
        client.isDiscarding = isDiscarding && client.reader.remaining > 0
    }

    private func forward(_ client: Client, _ frame: Frame, _ request: ReplyLedger.Request?) {
        guard let server = client.server else { preconditionFailure("forwarding without a server") }
        if let request,
            server.session.mustCloseUnnamed(before: request, named: false, own: client.unnamed)
        {
            var writer = MessageWriter()
            writer.closeStatement("")
            self.outputs.append(.toServer(server.id, writer.bytes))
            server.session.sent(.close, for: .pooler)
            server.session.unnamedClosed()
        }
        if request == .parse { server.session.parseSent(client.unnamed) }
        if let request { server.session.sent(request) }
        client.passingKind = frame.kind
        self.outputs.append(.toServer(server.id, Array(client.stash[..<frame.available])))
        self.take(client, frame, isDiscarding: false)
    }

    // MARK: Linking

    private func acquire(_ client: Client) -> Bool {
        switch self.pools.checkOut(client.pool, client: client.id, now: self.now) {
        case .use(let id):
            guard let server = self.servers[id] else { preconditionFailure("no server \(id)") }
            return self.link(client, server)
        case .test(let id, let ticket):
            client.ticket = ticket
            client.session.queued()
            self.startCheck(id)
            return false
        case .wait(let ticket):
            client.ticket = ticket
            client.session.queued()
            return false
        }
    }

    func startCheck(_ id: ServerID) {
        guard let server = self.servers[id] else { preconditionFailure("no server \(id)") }
        server.phase = .recovering
        self.ask(server, "select 1", .check)
    }

    func assign(_ id: ClientID, _ serverID: ServerID) {
        guard let server = self.servers[serverID], server.phase != .closing else {
            guard let client = self.clients[id] else { return }
            client.ticket = self.pools.waitAgain(client.pool, client: id, since: self.now)
            return self.reunite()
        }
        guard let client = self.clients[id], client.session.state == .waiting else {
            return self.checkIn(server)
        }
        if self.link(client, server) { self.relayRequests(client) }
    }

    private func link(_ client: Client, _ server: Server) -> Bool {
        precondition(server.client == nil && client.server == nil, "linked twice")
        server.client = client
        client.server = server
        server.phase = .ready
        if client.session.mode == .session { server.session.needsReset = true }
        if let statements = self.parameters.statements(
            from: server.parameters,
            to: client.parameters
        ) {
            client.session.linkStarted()
            self.ask(server, statements, .parameters)
            return false
        }
        client.session.linked()
        return true
    }

    func ask(_ server: Server, _ query: String, _ own: Server.Own) {
        precondition(server.own == .none, "asked \(own) while \(server.own)")
        server.own = own
        server.ownFailed = false
        var writer = MessageWriter()
        writer.query(query)
        self.outputs.append(.toServer(server.id, writer.bytes))
        server.session.sent(.query, for: .pooler)
    }
}
