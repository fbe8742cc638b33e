import Logging
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// Clients get servers and give them back.
extension Worker {
    /// Gets a server for a client that needs one; true when the client's messages can go there at
    /// once.
    func acquire(_ client: ClientConnection) -> Bool {
        guard let pool = client.pool?.id else { preconditionFailure("a client without a pool") }
        let now = self.loop.now
        client.requestedAt = now
        client.requestTime = Self.wallClock()
        if self.hasPeers, let pool = client.pool { self.touch(pool) }
        switch self.pools.checkOut(pool, client: client.id, now: now) {
        case .use(let id):
            return self.link(client, self.server(id), since: now)
        case .test(let id, let ticket):
            client.ticket = ticket
            client.session.queued()
            self.startCheck(self.server(id))
            return false
        case .wait(let ticket):
            client.ticket = ticket
            client.session.queued()
            client.pool.map { self.openServers(in: $0) }
            return false
        }
    }

    func server(_ id: ServerID) -> ServerConnection {
        guard let server = self.servers[id.index, id.generation] else {
            preconditionFailure("no server \(id)")
        }
        return server
    }

    /// Brings a client and its server together; true when the server stands as the client wants it.
    func link(_ client: ClientConnection, _ server: ServerConnection, since: Instant) -> Bool {
        let now = self.loop.now
        precondition(server.client == nil, "a server given to two clients")
        server.session.nameUnnamed(self.nextUnnamed())
        server.client = client
        client.server = server
        client.ticket = .none
        server.phase = .ready
        server.requestTime = client.requestTime
        server.pool.counters.serverAssignmentCount += 1
        server.pool.counters.waitTime += UInt64(max(0, now - since) / 1_000)
        if client.session.mode == .session || self.settings.global.serverResetQueryAlways,
            !self.settings.global.serverResetQuery.isEmpty
        {
            server.session.needsReset = true
        }
        if client.parameters != server.parameters || client.wishes != server.wishes,
            let statements = self.difference(client, server)
        {
            client.session.linkStarted()
            server.deadline = self.connectDeadline
            self.ask(server, statements, for: .parameters)
            return false
        }
        client.session.linked()
        return true
    }

    /// Sends a query of Weir's own.
    func ask(_ server: ServerConnection, _ query: String, for request: ServerConnection.OwnRequest)
    {
        precondition(server.own == .none, "asked \(request) while \(server.own)")
        server.own = request
        server.ownError = nil
        self.writer.removeAll()
        self.writer.query(query)
        self.send(self.writer.bytes, to: server.socket)
        server.session.sent(.query, for: .pooler)
    }

    /// A query of Weir's own has been answered in full.
    func ownRequestEnded(_ server: ServerConnection) {
        let request = server.own
        let error = server.ownError
        server.own = .none
        server.ownError = nil
        switch request {
        case .none:
            break
        case .parameters:
            self.parametersApplied(server, error)
        case .recovery(let step):
            if let error {
                self.recoveryFailed(server, step, error)
            } else {
                server.session.recovered(step)
                if step == .reset { self.wasReset(server) }
                self.statementsCleaned(server, step)
            }
        case .check:
            if error != nil || !server.session.isAtRest {
                self.closeServer(server, .checkFailed)
            } else {
                server.phase = .ready
                server.deadline = .max
                self.checkIn(server)
            }
        case .question:
            self.questionAnswered(server, error)
        case .restoration:
            self.restored(server, error)
        case .undo:
            self.undone(server, error)
        case .healing:
            self.healed(server)
        case .connectQuery:
            if let error {
                self.logger.warning("\(server.prefix)connect_query failed: \(error.message)")
            }
            if server.session.isAtRest {
                self.serverReady(server)
            } else {
                self.serverLoginFailed(
                    server,
                    .refused,
                    error ?? ErrorFields(.fatal, .connectionFailure, "connect_query failed")
                )
            }
        }
    }

    /// The server may spell a value in another way than the client did; from now on both know it
    /// so, as the client of PostgreSQL would from the start.
    func adoptSpellings(_ client: ClientConnection, _ server: ServerConnection) {
        guard client.parameters != server.parameters else { return }
        let asked = self.parameters.values(of: client.parameters)
        let actual = self.parameters.values(of: server.parameters)
        for place in server.pool.spellings.learn(asked, became: actual) {
            guard let value = actual[place],
                self.parameters.values(of: client.loginParameters)[place] == asked[place]
            else { continue }
            client.loginParameters = self.parameters.replace(
                client.loginParameters,
                at: place,
                with: value
            )
        }
        self.tellParameters(client, server)
    }

    /// Tells a client what its server has reported and it has not been told.
    func tellParameters(_ client: ClientConnection, _ server: ServerConnection) {
        guard client.parameters != server.parameters else { return }
        let told = self.parameters.values(of: client.parameters)
        let actual = self.parameters.values(of: server.parameters)
        self.writer.removeAll()
        for (place, value) in actual.enumerated() {
            guard let value, let told = told[place], told != value else { continue }
            self.writer.parameterStatus(self.parameters.names[place], value)
        }
        self.send(self.writer.bytes, to: client.socket)
        self.parameters.retain(server.parameters)
        self.parameters.release(client.parameters)
        client.parameters = server.parameters
    }

    /// Gives a client's server back, clean as it is or to be cleaned.
    func release(_ client: ClientConnection, _ server: ServerConnection) {
        // COPY data that come late are no part of any answer, so the server can be free in the
        // middle of such a message.
        self.finishMessage(server, of: client)
        if client.sharesStatements, server.exchange.isInUse || !client.statements.isUnused {
            self.statementsReleased(server, client)
        }
        client.isDiscarding = client.reader.remaining > 0
        client.server = nil
        server.client = nil
        server.isPassing = false
        client.session.unlinked()
        client.session.mode = client.policy.mode
        self.giveBack(server)
        // What the client has sent behind its transaction needs a server again, maybe another one.
        if !client.stash.isEmpty {
            self.readyClients.append(client.id)
        } else if client.isPipelineFull || self.loop.isCongested(server.socket) {
            // It was not read from on the server's account, and the server has others now.
            self.resumeReading(client)
        }
    }

    /// A server is free, or will be.
    func giveBack(_ server: ServerConnection) {
        server.statements.clear(forgettingNames: true)
        if !server.isMidMessage, server.session.standing() == .ready,
            server.wishes == .none || !self.wishes.endsIdleServers(server.wishes)
        {
            self.checkIn(server)
        } else {
            self.pools.recoveryStarted(server.id, now: self.loop.now)
            server.phase = .recovering
            self.recover(server)
        }
    }

    /// Offers a clean server to who waits.
    ///
    /// - Parameter mayYield: whether another worker may get it. One that has just come from there
    ///   stays.
    func checkIn(_ server: ServerConnection, mayYield: Bool = true) {
        self.touch(server.pool)
        if self.owesServers, self.isPaidBack(server) { return }
        if self.hasPeers, mayYield, self.yields(server) { return }
        let living = server.pool.board.living
        switch self.pools.checkIn(server.id, living: living, now: self.loop.now) {
        case .serve(let client, let since):
            self.assignments.append((client, server.id, since))
        case .idle:
            break
        case .close(let reason):
            self.closeServer(server, reason)
        }
    }

    /// Gives idle servers to who waits: after a pause, a failed check, a lost hand-over.
    func serveWaiters(of pool: PoolEntry) {
        self.touch(pool)
        while let id = self.pools.nextTest(pool.id, now: self.loop.now) {
            self.startCheck(self.server(id))
        }
        while let served = self.pools.nextServed(pool.id, now: self.loop.now) {
            self.assignments.append((served.client, served.server, served.since))
        }
    }

    /// Does what this turn's events have decided, until nothing more follows.
    func settle() {
        while true {
            if let assignment = self.assignments.popLast() {
                self.assign(assignment.client, assignment.server, since: assignment.since)
            } else if let id = self.readyClients.popLast() {
                guard let client = self.clients[id.index, id.generation] else { continue }
                self.relayStash(client)
                if client.isCancelPending { self.cancelWaiting(client) }
                self.resumeReading(client)
            } else {
                break
            }
        }
        if !self.departures.isEmpty { self.beginDepartures() }
        if !self.pendingControls.isEmpty || !self.orders.isEmpty || self.ending != .none {
            self.checkControls()
        }
    }

    private func assign(_ id: ClientID, _ serverID: ServerID, since: Instant) {
        guard let server = self.servers[serverID.index, serverID.generation],
            self.pools.place(of: serverID) == .active
        else { return self.requeue(id, since: since) }
        guard let client = self.clients[id.index, id.generation], client.session.state == .waiting
        else {
            // It has gone in the meantime; the server is as clean as it was.
            self.checkIn(server)
            return
        }
        if client.isCancelPending {
            self.checkIn(server)
            return self.refuseCanceled(client)
        }
        if self.link(client, server, since: since) { self.relayStash(client) }
        self.resumeReading(client)
    }

    /// The server that a client was promised has gone in the meantime.
    private func requeue(_ id: ClientID, since: Instant) {
        guard let client = self.clients[id.index, id.generation], client.session.state == .waiting,
            let pool = client.pool
        else { return }
        if client.isCancelPending { return self.refuseCanceled(client) }
        client.ticket = self.pools.waitAgain(pool.id, client: id, since: since)
        self.openServers(in: pool)
    }

    /// Checks a server that has been idle for long, before a client gets it.
    func startCheck(_ server: ServerConnection) {
        server.phase = .recovering
        server.deadline = self.connectDeadline
        let query = self.settings.global.serverCheckQuery
        self.ask(server, query == "<empty>" ? "" : query, for: .check)
    }

    /// Keeps a Bind from meeting a statement that another client has left.
    func closeForeignUnnamed(_ server: ServerConnection) {
        self.writer.removeAll()
        self.writer.closeStatement("")
        self.send(self.writer.bytes, to: server.socket)
        server.session.sent(.close, for: .pooler)
        server.session.unnamedClosed()
    }
}
