import Auth
import Logging
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// Replication connections: a server connection for each client, opened with its startup
/// parameters when it logs in, its alone, and closed with it.
///
/// ## Overview
/// The client's login waits (`.greeting`) until there is a slot (`PoolSet+Dedicated`) and the
/// server has logged in; then it is greeted with what its own server has said. From there on the
/// relay treats the two as a client in session pooling that never lets go. What PostgreSQL refuses,
/// this client is told in PostgreSQL's words, and nobody else.
extension Worker {
    // MARK: The login

    /// A replication client has shown who it is: it waits for its server.
    func joinForReplication(_ client: ClientConnection, _ pool: PoolEntry) {
        if let login = client.login { self.addHost(to: login, of: client) }
        client.phase = .greeting
        client.ticket = self.withShared {
            let ticket = self.pools.awaitDedicated(pool.id, client: client.id, now: self.loop.now)
            self.noteLiving(of: pool)
            return ticket
        }
        self.touch(pool)
        self.openServers(in: pool)
        // What is idle and over the pool's size now, here.
        if self.pools.awaitsDedicated(pool.id) { self.performDue() }
    }

    /// Opens what the pool's replication clients wait for, as far as there are slots, and has slots
    /// freed for the others.
    func openDedicated(in pool: PoolEntry) {
        guard self.pools.awaitsDedicated(pool.id) else { return }
        while let server = self.withShared({ self.beginDedicated(pool) }) { self.resolve(server) }
        let demand = self.pools.pools[pool.id.index].dedicated.count
        guard demand > 0 else { return }
        self.evictForDedicated(pool.id, demand: demand, asksOthers: true)
    }

    private func beginDedicated(_ pool: PoolEntry) -> ServerConnection? {
        while let id = self.pools.nextDedicated(in: pool.id, now: self.loop.now) {
            if let client = self.clients[id.index, id.generation] {
                client.ticket = .none
                return self.begin(pool, for: client)
            }
        }
        return nil
    }

    /// Closes an idle server that holds a slot which a replication client needs.
    func evictForDedicated(_ pool: PoolID, demand: Int, asksOthers: Bool) {
        let evicted = self.withShared {
            self.pools.evictForDedicated(pool, demand: demand, now: self.loop.now)
        }
        if let evicted {
            self.closeServer(self.server(evicted), .evicted)
        } else if asksOthers, self.hasPeers {
            self.tellPeers(.evictForDedicated(pool, demand: demand))
        }
    }

    /// The startup parameters of a replication client's server: the client's, over those of the
    /// database entry. They cannot be set later, since a physical one knows no SET.
    func replicationParameters(of server: ServerConnection) -> [(name: String, value: String)] {
        var parameters: [(name: String, value: String)] = []
        guard let client = server.owner, let login = client.login,
            let mode = server.replication.startupValue
        else { return parameters }
        parameters.append(("replication", mode))
        for (place, name) in self.parameters.names.enumerated() {
            if let value = login.wanted[place] { parameters.append((name, value)) }
        }
        if let options = login.options { parameters.append(("options", options)) }
        return parameters
    }

    /// The server waits for its client's first command.
    func dedicatedReady(_ server: ServerConnection, _ login: ServerLogin) {
        guard let client = server.owner, client.phase == .greeting else {
            return self.closeServer(server, .ownerGone)
        }
        server.owner = nil
        client.dedicated = nil
        server.login = nil
        server.phase = .ready
        server.deadline = .max
        server.reader = FrameReader()
        server.pool.counters.serverLoginCount += 1
        server.client = client
        client.server = server
        client.login = nil
        self.writer.removeAll()
        self.writer.authentication(code: AuthenticationRequest.ok.code)
        var greeting = Greeting(login.reported, following: self.parameters)
        let asReported = [String?](repeating: nil, count: self.parameters.names.count)
        let values = greeting.write(to: &self.writer, wanted: asReported)
        server.parameters = self.parameters.hold(values)
        client.parameters = self.parameters.hold(values)
        self.enterPool(client, server.pool)
        client.session.linked()
        self.readyClients.append(client.id)
        self.resumeReplies(server)
    }

    /// A replication client's server could not be opened, or PostgreSQL lets it not in.
    func dedicatedFailed(
        _ server: ServerConnection,
        _ reason: CloseReason,
        _ fields: ErrorFields,
        peerClosed: Bool
    ) {
        var fields = fields
        fields.severity = .fatal
        let client = server.owner
        server.owner = nil
        client?.dedicated = nil
        self.closeServer(server, reason, peerClosed: peerClosed)
        if let client { self.closeClient(client, .loginFailed, fields) }
    }

    // MARK: The end

    /// A replication client that has not been greeted yet goes.
    func leaveReplication(_ client: ClientConnection, _ pool: PoolEntry) {
        if let server = client.dedicated {
            client.dedicated = nil
            server.owner = nil
            self.closeServer(server, .ownerGone)
        } else {
            self.withShared {
                self.pools.leaveDedicated(pool.id, client: client.id, ticket: client.ticket)
                self.noteLiving(of: pool)
            }
        }
    }

    // MARK: Streams

    /// The server has begun to stream in both directions, which only replication does.
    func streamStarted(_ server: ServerConnection) {
        guard server.isDedicated else { return self.closeServer(server, .serverViolation) }
        self.setStreaming(true, server)
    }

    /// Notes whether a server streams.
    func setStreaming(_ isStreaming: Bool, _ server: ServerConnection) {
        guard server.isStreaming != isStreaming else { return }
        server.isStreaming = isStreaming
        self.streamCount += isStreaming ? 1 : -1
        self.withShared { self.pools.setStreaming(isStreaming, server.id) }
    }

    /// Ends the streams of paused databases that have nothing else under way: a stream does not
    /// end by itself, and its client comes back by itself. Those beside a base backup stay until
    /// that is done.
    func endStreamsOfPaused() {
        guard self.streamCount > 0 else { return }
        for server in self.servers.all where server.isStreaming {
            let pool = server.pool
            guard self.pools.isPaused(pool.id),
                self.withShared({ self.pools.onlyStreams(inDatabase: pool.database.cap) })
            else { continue }
            self.closeServer(server, .streamEnded)
        }
    }
}
