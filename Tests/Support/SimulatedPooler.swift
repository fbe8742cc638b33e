import Pooling
import Wire

/// A small shell around the decisions of `Pooling`, as `Proxy` is a large one: it forwards,
/// acquires, holds, links, releases and recovers what it is told to, over byte strings instead of
/// sockets.
final class SimulatedPooler {
    /// What is to be done outside.
    enum Output {
        case toClient(ClientID, [UInt8])
        case toServer(ServerID, [UInt8])
        case closeClient(ClientID)
        case connect(ServerID, PoolID)
        /// Terminate was sent; the server ends soon.
        case end(ServerID)
        case cancel(ServerID)
    }

    final class Client {
        let id: ClientID
        let pool: PoolID
        var session: ClientSession
        var reader = FrameReader()
        var stash: [UInt8] = []
        var passingKind: UInt8 = 0
        var isDiscarding = false
        var server: Server?
        var ticket = WaitQueue.Ticket.none
        var parameters: TrackedParameters.Combination
        /// All its statements are alike, so one name does for all of them.
        var unnamed: UnnamedStatement { UnnamedStatement(number: UInt64(self.id.index) + 1) }

        init(
            _ id: ClientID,
            _ pool: PoolID,
            _ mode: PoolMode,
            _ parameters: TrackedParameters.Combination
        ) {
            self.id = id
            self.pool = pool
            self.session = ClientSession(mode: mode)
            self.parameters = parameters
        }
    }

    final class Server {
        enum Phase { case connecting, ready, recovering, closing }
        enum Own: Equatable {
            case none, parameters, check
            case recovery(ServerSession.Recovery)
        }

        let id: ServerID
        let pool: PoolID
        var phase = Phase.connecting
        var session = ServerSession()
        var reader = FrameReader()
        var stash: [UInt8] = []
        var isPassing = false
        var isMidMessage = false
        var own = Own.none
        var ownFailed = false
        var client: Client?
        var parameters = TrackedParameters.Combination.unknown

        init(_ id: ServerID, _ pool: PoolID) {
            self.id = id
            self.pool = pool
        }
    }

    var pools: PoolSet
    var parameters = TrackedParameters(extra: [])
    var now: Instant = 0
    var outputs: [Output] = []
    var clients: [ClientID: Client] = [:]
    var servers: [ServerID: Server] = [:]
    var assignments: [(ClientID, ServerID)] = []
    var readyClients: [ClientID] = []
    private var generation: UInt32 = 0

    init(pools: PoolSet) { self.pools = pools }

    func values(name: String) -> [String?] {
        self.parameters.names.map { $0 == "application_name" ? name : "on" }
    }

    // MARK: Clients

    func clientJoined(_ id: ClientID, _ pool: PoolID, _ mode: PoolMode, name: String) {
        let combination = self.parameters.hold(self.values(name: name))
        self.clients[id] = Client(id, pool, mode, combination)
        self.pools.clientJoined(pool)
    }

    func clientSent(_ id: ClientID, _ bytes: [UInt8]) {
        guard let client = self.clients[id] else { return }
        client.stash += bytes
        self.relayRequests(client)
        self.settle()
    }

    func clientGone(_ id: ClientID) {
        guard let client = self.clients[id] else { return }
        self.close(client, vanished: true)
        self.settle()
    }

    /// Ends a client, and lets its server be cleaned.
    func close(_ client: Client, vanished: Bool, reason: CloseReason? = nil) {
        guard self.clients.removeValue(forKey: client.id) != nil else { return }
        if let reason {
            var writer = MessageWriter()
            writer.error(reason.fields)
            self.outputs.append(.toClient(client.id, writer.bytes))
        }
        self.outputs.append(.closeClient(client.id))
        self.parameters.release(client.parameters)
        if client.session.state == .waiting {
            _ = self.pools.leave(client.pool, client: client.id, ticket: client.ticket)
        }
        self.pools.clientLeft(client.pool)
        guard let server = client.server else { return }
        let isBusy = !server.session.ledger.isSettled
        self.part(client, server)
        self.pools.recoveryStarted(server.id, now: self.now)
        server.phase = .recovering
        if vanished, isBusy {
            server.session.cancelStarted()
            self.outputs.append(.cancel(server.id))
        }
        self.recover(server)
    }

    /// A client and its server part, maybe in the middle of a message.
    func part(_ client: Client, _ server: Server) {
        let missing = client.reader.remaining
        if missing > 0, !client.isDiscarding {
            if client.passingKind == FrontendKind.copyData.rawValue {
                self.outputs.append(.toServer(server.id, [UInt8](repeating: 0, count: missing)))
            } else {
                server.isMidMessage = true
            }
        }
        client.isDiscarding = client.reader.remaining > 0
        client.server = nil
        server.client = nil
    }

    // MARK: Turns

    /// Does what has been decided until nothing more follows, then opens what is wanted.
    func settle() {
        while true {
            if !self.assignments.isEmpty {
                let (client, server) = self.assignments.removeFirst()
                self.assign(client, server)
            } else if !self.readyClients.isEmpty {
                let id = self.readyClients.removeFirst()
                if let client = self.clients[id] { self.relayRequests(client) }
            } else {
                guard let opening = self.pools.nextOpening(now: self.now) else { return }
                self.perform(opening)
            }
        }
    }

    private func perform(_ opening: PoolSet.Opening) {
        switch opening {
        case .open(let pool):
            self.generation += 1
            var slot: UInt32 = 0
            while self.servers.keys.contains(where: { $0.index == slot }) { slot += 1 }
            let id = ServerID(index: slot, generation: self.generation)
            self.servers[id] = Server(id, pool)
            self.pools.opened(id, in: pool, now: self.now)
            self.outputs.append(.connect(id, pool))
        case .evict(let id):
            if let server = self.servers[id] { self.close(server, .evicted) }
        }
    }

    func tick() {
        var due: [PoolSet.Due] = []
        self.pools.upkeep(now: self.now, &due)
        for item in due {
            switch item {
            case .close(let id, let reason):
                if let server = self.servers[id] { self.close(server, reason) }
            case .expired(let id, _, _):
                if let client = self.clients[id] {
                    client.session.refused(extended: false)
                    self.close(client, vanished: false, reason: .serverLoginFailed)
                }
            case .greetingExpired, .notify: break
            }
        }
        self.settle()
    }

    func setPaused(_ isPaused: Bool) {
        self.pools.setPaused(isPaused, database: nil)
        if !isPaused { self.reunite() }
        self.settle()
    }

    func reunite() {
        for index in self.pools.pools.indices {
            let pool = PoolID(index: index)
            while let id = self.pools.nextTest(pool, now: self.now) { self.startCheck(id) }
            while let served = self.pools.nextServed(pool, now: self.now) {
                self.assignments.append((served.client, served.server))
            }
        }
    }
}
