import Pooling
import Wire

/// From servers to clients, and what becomes of servers.
extension SimulatedPooler {
    // MARK: Replies

    func serverSent(_ id: ServerID, _ bytes: [UInt8]) {
        guard let server = self.servers[id], server.phase != .closing else { return }
        server.stash += bytes
        self.relayReplies(server)
        if server.phase == .recovering, server.client == nil { self.recover(server) }
        self.settle()
    }

    private func relayReplies(_ server: Server) {
        while server.phase != .closing {
            let rest = server.reader.resume(available: server.stash.count)
            if rest > 0 {
                if server.isPassing { self.pass(server, rest) }
                server.stash.removeFirst(rest)
            }
            let bytes = server.stash
            guard server.reader.remaining == 0,
                let frame = try? server.reader.next(in: bytes.span, at: 0),
                frame.available >= min(frame.length, Self.inspected(frame.kind))
            else { return }
            let status = frame.available > Frame.headerLength ? server.stash[frame.bodyOffset] : 0
            let verdict = server.session.received(frame.kind, status: status)
            server.isPassing = self.isForwarded(verdict, server)
            server.reader.pass(frame)
            if frame.kind == BackendKind.parameterStatus.rawValue {
                self.noteParameter(server, frame)
            }
            if server.isPassing { self.pass(server, frame.available) }
            server.stash.removeFirst(frame.available)
            self.act(on: verdict, server)
        }
    }

    /// Status and settings must have come whole; the rest streams through.
    private static func inspected(_ kind: UInt8) -> Int {
        switch BackendKind(rawValue: kind) {
        case .readyForQuery, .parameterStatus, .error: 16_384
        default: Frame.headerLength
        }
    }

    private func isForwarded(_ verdict: ReplyLedger.Verdict, _ server: Server) -> Bool {
        switch verdict {
        case .forward, .forwardEnd, .forwardError, .asynchronous, .asynchronousError:
            server.client?.session.state == .linked
        case .swallow, .swallowEnd, .swallowError, .replaceError, .unexpected: false
        }
    }

    private func pass(_ server: Server, _ count: Int) {
        guard let client = server.client else { return }
        self.outputs.append(.toClient(client.id, Array(server.stash[..<count])))
    }

    private func noteParameter(_ server: Server, _ frame: Frame) {
        let body = server.stash[frame.bodyOffset..<frame.end].split(
            separator: 0,
            omittingEmptySubsequences: false
        )
        let place = self.parameters.place(of: String(decoding: body[0], as: UTF8.self))
        guard let place else { return }
        let value = String(decoding: body[1], as: UTF8.self)
        server.parameters = self.parameters.replace(server.parameters, at: place, with: value)
        guard let client = server.client, client.session.state == .linked else { return }
        client.parameters = self.parameters.replace(client.parameters, at: place, with: value)
    }

    private func act(on verdict: ReplyLedger.Verdict, _ server: Server) {
        switch verdict {
        case .forward, .swallow, .asynchronous, .asynchronousError, .forwardError, .replaceError:
            break
        case .swallowError: server.ownFailed = true
        case .forwardEnd:
            guard let client = server.client else { return }
            if client.session.batchEnded(server.session) == .release {
                self.release(client, server)
            }
        case .swallowEnd: self.ownEnded(server)
        case .unexpected: self.close(server, .serverViolation)
        }
    }

    private func ownEnded(_ server: Server) {
        let own = server.own
        server.own = .none
        switch own {
        case .none: break
        case .parameters:
            guard let client = server.client else { return }
            if server.ownFailed {
                return self.close(client, vanished: false, reason: .parametersFailed)
            }
            self.parameters.retain(server.parameters)
            self.parameters.release(client.parameters)
            client.parameters = server.parameters
            client.session.linked()
            self.readyClients.append(client.id)
        case .check:
            if server.ownFailed {
                self.close(server, .checkFailed)
                self.reunite()
            } else {
                server.phase = .ready
                self.checkIn(server)
            }
        case .recovery(let step):
            if server.ownFailed {
                server.session.recoveryFailed()
            } else {
                server.session.recovered(step)
            }
        }
    }

    // MARK: Giving back

    private func release(_ client: Client, _ server: Server) {
        self.part(client, server)
        client.session.unlinked()
        if !server.isMidMessage, server.session.standing() == .ready {
            self.checkIn(server)
        } else {
            self.pools.recoveryStarted(server.id, now: self.now)
            server.phase = .recovering
            self.recover(server)
        }
        if !client.stash.isEmpty { self.readyClients.append(client.id) }
    }

    func checkIn(_ server: Server) {
        switch self.pools.checkIn(server.id, now: self.now) {
        case .serve(let client, _): self.assignments.append((client, server.id))
        case .idle: break
        case .close(let reason): self.close(server, reason)
        }
    }

    func recover(_ server: Server) {
        while server.phase == .recovering, server.client == nil, server.own == .none {
            let step = server.session.nextRecovery(midMessage: server.isMidMessage)
            var writer = MessageWriter()
            switch step {
            case .ready:
                server.phase = .ready
                return self.checkIn(server)
            case .wait: return
            case .close: return self.close(server, .serverInDoubt)
            case .failCopy(let sync):
                writer.copyFail("client disconnected")
                if sync { writer.sync() }
                server.session.sent(.copyEnd, for: .pooler)
                if sync { server.session.sent(.sync, for: .pooler) }
                self.outputs.append(.toServer(server.id, writer.bytes))
            case .sync:
                writer.sync()
                server.session.sent(.sync, for: .pooler)
                self.outputs.append(.toServer(server.id, writer.bytes))
            case .rollback: self.ask(server, "ROLLBACK", .recovery(step))
            case .deallocate: self.ask(server, "DEALLOCATE ALL", .recovery(step))
            case .reset: self.ask(server, "DISCARD PLANS", .recovery(step))
            }
        }
    }

    // MARK: Beginnings and ends

    func serverLoggedIn(_ id: ServerID) {
        guard let server = self.servers[id], server.phase == .connecting else { return }
        server.phase = .ready
        server.parameters = self.parameters.hold(self.values(name: "weir"))
        self.pools.loginSucceeded(id, now: self.now)
        self.checkIn(server)
        self.settle()
    }

    func serverRefused(_ id: ServerID, _ failure: PoolSet.LoginFailure) {
        guard let server = self.servers[id], server.phase == .connecting else { return }
        server.phase = .closing
        if self.pools.loginFailed(id, failure, now: self.now) {
            while let refused = self.pools.nextRefused(server.pool) {
                guard let client = self.clients[refused] else { continue }
                client.session.refused(extended: false)
                self.close(client, vanished: false, reason: .serverLoginFailed)
            }
        }
        self.outputs.append(.end(id))
        self.settle()
    }

    /// Tells a server to end; its slot stays taken.
    func close(_ server: Server, _ reason: CloseReason) {
        guard server.phase != .closing else { return }
        server.phase = .closing
        self.pools.closeStarted(server.id, now: self.now)
        if let client = server.client {
            client.server = nil
            server.client = nil
            self.close(client, vanished: false, reason: reason)
        }
        self.outputs.append(.end(server.id))
    }

    /// The server has closed its connection.
    func serverGone(_ id: ServerID) {
        guard let server = self.servers[id] else { return }
        let wasChecked = server.own == .check
        self.close(server, .serverCrashed)
        self.servers[id] = nil
        self.parameters.release(server.parameters)
        self.pools.closed(id)
        if wasChecked { self.reunite() }
        self.settle()
    }

    func cancelEnded(_ id: ServerID) {
        guard let server = self.servers[id], server.phase != .closing else { return }
        server.session.cancelEnded()
        self.recover(server)
        self.settle()
    }
}
