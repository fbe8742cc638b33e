import Logging
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// Connections end, each for a reason.
extension Worker {
    // MARK: Clients

    /// Ends a client's connection. A client that is told gets `fields`, or else the reason's own
    /// words; one that has got a message in part is not told, since it would take the words for the
    /// message's rest.
    func closeClient(
        _ client: ClientConnection,
        _ reason: CloseReason,
        _ fields: ErrorFields? = nil
    ) {
        guard client.phase != .closed else { return }
        let phase = client.phase
        client.phase = .closed
        if reason.isTold, client.server?.isMidReply != true {
            let fields = fields ?? reason.fields
            if self.settings.global.logPoolerErrors {
                self.logger.warning("\(client.prefix)pooler error: \(fields.message)")
            }
            self.writer.removeAll()
            self.writer.error(fields)
            self.send(self.writer.bytes, to: client.socket)
            client.pool?.counters.poolerErrorCount += 1
        }
        self.logClose(client, reason, fields)
        if let server = client.server {
            self.letGo(server, of: client, vanished: reason != .clientTerminated)
        }
        self.forget(client, phase)
        // Who has said good-bye reads no more; everybody else gets the time to read the last word.
        let isDone =
            reason == .clientVanished
            || (reason == .clientTerminated && fields == nil
                && self.loop.queued(client.socket) == 0)
        self.loop.close(client.socket, flushing: !isDone, isReported: false)
        self.clients.remove(client.id.index)
        self.process.left(self.index)
        self.dealing.left()
    }

    private func logClose(
        _ client: ClientConnection,
        _ reason: CloseReason,
        _ fields: ErrorFields?
    ) {
        guard self.settings.global.logDisconnections else { return }
        let age = (self.loop.now - client.acceptedAt) / 1_000_000_000
        let text = fields?.message ?? reason.text
        self.logger.info("\(client.prefix)closing because: \(text) (age=\(age)s)")
    }

    /// Takes a client out of everything that knows it.
    private func forget(_ client: ClientConnection, _ phase: ClientConnection.Phase) {
        if client.processID != 0 { self.keys.remove(processID: client.processID) }
        self.parameters.release(client.parameters)
        client.parameters = .unknown
        self.forgetWishes(of: client)
        client.statements.close(&self.statements)
        if phase == .console {
            self.consoleClients -= 1
            self.consoleLeft(client)
        }
        if client.isAdmitted { self.process.dismiss() }
        client.isAdmitted = false
        guard let pool = client.pool else { return }
        self.touch(pool)
        if client.session.state == .waiting {
            _ = self.pools.leave(pool.id, client: client.id, ticket: client.ticket)
        }
        if phase == .greeting, client.replication != .none {
            self.leaveReplication(client, pool)
        } else if phase == .greeting {
            _ = self.pools.leaveGreeting(pool.id, client: client.id, ticket: client.ticket)
        }
        self.withShared {
            self.pools.clientLeft(pool.id)
            guard let user = client.user else { return }
            self.pools.shared.dismiss(database: pool.database.cap, user: user.cap)
        }
        pool.database.use(now: self.loop.now)
        client.pool = nil
    }

    /// A client's side of the connection is closed or broken.
    func clientEnded(_ client: ClientConnection, isBroken: Bool) {
        if !isBroken, client.phase == .ready, client.session.state != .linked,
            self.endsWithTerminate(client)
        {
            // It has said what it wanted, and good-bye; that is done first, as PostgreSQL does.
            client.isHalfClosed = true
            return
        }
        self.closeClient(client, .clientVanished)
    }

    /// Whether the last thing that a waiting client has sent is a whole Terminate.
    private func endsWithTerminate(_ client: ClientConnection) -> Bool {
        let span = unsafe Span<UInt8>(_unsafeBytes: client.stash.bytes)
        let reader = client.reader
        var position = min(reader.remaining, span.count)
        while let frame = try? reader.next(in: span, at: position), frame.isComplete {
            position = frame.end
            if frame.kind == FrontendKind.terminate.rawValue { return true }
        }
        return false
    }

    // MARK: Servers

    /// Ends a server connection; its slot stays taken until PostgreSQL has closed it.
    ///
    /// - Parameters:
    ///   - peerClosed: PostgreSQL has done so already.
    ///   - isCancelled: what it is doing is not to be finished.
    func closeServer(
        _ server: ServerConnection,
        _ reason: CloseReason,
        peerClosed: Bool = false,
        isCancelled: Bool = true
    ) {
        guard server.phase != .closing else { return }
        let isLoggedIn =
            server.phase == .ready || server.phase == .recovering || server.phase == .leaving
        if server.phase == .leaving { self.departureEnded(server) }
        let isLoggingIn = server.phase == .loggingIn
        let isBusy = isLoggedIn && !server.session.ledger.isSettled
        self.logClose(server, reason)
        self.touch(server.pool)
        self.setStreaming(false, server)
        self.withShared {
            self.pools.closeStarted(server.id, now: self.loop.now)
            self.noteLiving(of: server.pool)
        }
        self.loginLeftFleet(server)
        server.phase = .closing
        server.login = nil
        server.deadline =
            self.loop.now + self.settings.global.serverCloseTimeout.nanoseconds
        if let client = server.client {
            server.client = nil
            client.server = nil
            self.tellAndClose(client, reason, server)
        }
        if let owner = server.owner {
            server.owner = nil
            owner.dedicated = nil
            self.closeClient(owner, reason)
        }
        if server.socket == .none {
            self.serverClosed(server)
        } else if isLoggedIn, !peerClosed {
            // A busy backend notices nothing until its statement ends.
            if isBusy, isCancelled { self.startCancel(server, for: nil) }
            self.writer.removeAll()
            self.writer.terminate()
            self.send(self.writer.bytes, to: server.socket)
            self.loop.closeWrite(server.socket)
            self.loop.receive(server.socket)
        } else if isLoggingIn, !peerClosed {
            // The startup packet may still make a session of it.
            self.loop.closeWrite(server.socket)
            self.loop.receive(server.socket)
        } else {
            self.loop.close(server.socket, flushing: false)
        }
    }

    /// A server's client ends with it; if PostgreSQL has told it why, in PostgreSQL's words alone,
    /// and without any in the middle of a message.
    private func tellAndClose(
        _ client: ClientConnection,
        _ reason: CloseReason,
        _ server: ServerConnection
    ) {
        if server.hasSaidGoodbye || server.isMidReply {
            self.closeClient(client, .clientTerminated, reason.fields)
        } else {
            self.closeClient(client, reason)
        }
    }

    private func logClose(_ server: ServerConnection, _ reason: CloseReason) {
        guard self.settings.global.logDisconnections else { return }
        let age = (Self.wallClock() - server.connectTime) / 1_000_000
        self.logger.info("\(server.prefix)closing because: \(reason.text) (age=\(age)s)")
    }

    /// PostgreSQL has closed the connection, or it broke.
    func serverEnded(_ server: ServerConnection, error: Int32) {
        switch server.phase {
        case .closing:
            self.loop.close(server.socket, flushing: false)
        case .recovering where server.own == .connectQuery:
            // Its login has not ended well, or it would be tried again at once, and again.
            server.phase = .loggingIn
            self.connectFailed(server, error: error)
        case .ready, .recovering, .leaving:
            self.closeServer(
                server,
                server.hasSaidGoodbye ? .serverShutdown : .serverCrashed,
                peerClosed: true
            )
        case .connecting, .loggingIn, .resolving:
            self.connectFailed(server, error: error)
        }
    }

    /// The descriptor is closed: the slot is free.
    func serverClosed(_ server: ServerConnection) {
        precondition(server.phase == .closing, "closed while \(server.phase)")
        self.parameters.release(server.parameters)
        self.wishes.release(server.wishes)
        self.wishes.release(server.applied)
        server.exchange.closed(&self.statements)
        self.withShared { self.pools.closed(server.id) }
        self.leaveFleet(server)
        self.servers.remove(server.id.index)
        self.openServers()
        self.tellRoomFreed()
    }

    /// Ends everything at once, when the process ends.
    func closeAll() {
        for client in self.clients.all {
            self.closeClient(client, .poolerShutdown)
        }
        for server in self.servers.all {
            self.closeServer(server, .serverShutdown)
        }
        // One turn at least, for the clients' last messages.
        let deadline = EventLoop.clock() + Self.farewellTimeout
        repeat {
            let count = self.loop.turn(until: self.servers.count > 0 ? deadline : EventLoop.clock())
            for index in 0..<count { self.dispatch(index) }
        } while self.servers.count > 0 && EventLoop.clock() < deadline
    }

    /// How long the end of the process waits for PostgreSQL to close its side, so that the slots
    /// are free when it has gone.
    static let farewellTimeout: Nanoseconds = 2_000_000_000
}
