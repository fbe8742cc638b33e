import Pooling
import TestSupport

/// Everything around a `PoolSet` that `Proxy` is in production: clients that want servers, servers
/// that come and go. It keeps books of its own in the plainest way, and throws a named violation as
/// soon as the two disagree.
struct PoolWorld {
    struct Server: Equatable {
        var id: ServerID
        var pool: Int
        var place: ServerPlace
        /// The PostgreSQL server that it goes to; nil where none counts it.
        var host: Int?
        var client: Int?
        var isObsolete = false
        var idleSince: Instant = 0
    }

    struct Client: Equatable {
        enum State: Equatable {
            case away
            case waiting(WaitQueue.Ticket, since: Instant)
            case served(ServerID)
        }
        var id: ClientID
        var pool: Int
        var state: State = .away
    }

    var set: PoolSet
    var now: Instant = 1_000_000_000_000
    var pools: [PoolID] = []
    var limits: [PoolLimits] = []
    var clients: [Client] = []
    var servers: [Server] = []
    /// Who waits, by pool, first come first.
    var queues: [[Int]] = []
    /// Who waits for a server of its own, by pool, first come first.
    var ownQueues: [[Owner]] = []
    /// Whether there are such clients.
    var hasOwners = false
    var lastOwner: UInt32 = 1_000_000
    var pausedPools: Set<Int> = []
    /// No login before, by pool.
    var retryAt: [Instant] = []
    /// Whether limits were lowered, so that what exists may be over them for a while.
    var isLowered = false
    private var generation: UInt32 = 0

    /// A number for a new server.
    mutating func newServer() -> ServerID {
        self.generation += 1
        let used = Set(self.servers.map(\.id.index))
        var slot: UInt32 = 0
        while used.contains(slot) { slot += 1 }
        return ServerID(index: slot, generation: self.generation)
    }

    init(_ set: PoolSet, pools: [(PoolID, PoolLimits)], clientsPerPool: Int) {
        self.set = set
        for (index, (pool, limits)) in pools.enumerated() {
            self.pools.append(pool)
            self.limits.append(limits)
            self.queues.append([])
            self.ownQueues.append([])
            self.retryAt.append(.min)
            for _ in 0..<clientsPerPool {
                let id = ClientID(index: UInt32(self.clients.count), generation: 1)
                self.clients.append(Client(id: id, pool: index))
                self.set.clientJoined(pool)
            }
        }
    }

    func server(_ id: ServerID) -> Int { self.servers.firstIndex { $0.id == id } ?? -1 }

    func count(_ pool: Int, _ place: ServerPlace) -> Int {
        self.servers.reduce(0) { $0 + ($1.pool == pool && $1.place == place ? 1 : 0) }
    }

    // MARK: What the pools decide

    /// A client wants a server.
    mutating func want(_ client: Int) throws(PoolWorldViolation) {
        let pool = self.clients[client].pool
        switch self.set.checkOut(self.pools[pool], client: self.clients[client].id, now: self.now) {
        case .use(let id):
            guard self.queues[pool].isEmpty else {
                throw .servedOutOfOrder(self.clients[client].id)
            }
            try self.give(id, to: client, from: [.idle])
        case .test(let id, let ticket):
            let index = self.server(id)
            guard index >= 0, self.servers[index].place == .idle, self.servers[index].pool == pool
            else { throw .serverInAnotherPlace(id, "tested though not idle") }
            self.servers[index].place = .testing
            self.enqueue(client, ticket)
        case .wait(let ticket):
            self.enqueue(client, ticket)
        }
    }

    private mutating func enqueue(_ client: Int, _ ticket: WaitQueue.Ticket) {
        self.clients[client].state = .waiting(ticket, since: self.now)
        self.queues[self.clients[client].pool].append(client)
    }

    private mutating func give(
        _ id: ServerID,
        to client: Int,
        from places: [ServerPlace]
    ) throws(PoolWorldViolation) {
        let index = self.server(id)
        guard index >= 0 else { throw .closingServerGiven(id) }
        let server = self.servers[index]
        guard server.client == nil else { throw .serverGivenTwice(id) }
        guard server.pool == self.clients[client].pool else { throw .serverOfAnotherPool(id) }
        guard server.place != .closing else { throw .closingServerGiven(id) }
        guard places.contains(server.place) else {
            throw .serverInAnotherPlace(id, "given while \(server.place)")
        }
        guard !server.isObsolete else { throw .obsoleteServerGiven(id) }
        guard !self.pausedPools.contains(server.pool) else {
            throw .servedWhilePaused(self.clients[client].id)
        }
        self.servers[index].place = .active
        self.servers[index].client = client
        self.clients[client].state = .served(id)
    }

    /// A server is free: by a login, a release, a recovery or a check.
    mutating func offer(_ index: Int) throws(PoolWorldViolation) {
        let server = self.servers[index]
        self.servers[index].client = nil
        switch self.set.checkIn(server.id, now: self.now) {
        case .serve(let id, let since):
            let client = Int(id.index)
            guard self.queues[server.pool].first == client else { throw .servedOutOfOrder(id) }
            guard self.clients[client].state.since == since else {
                throw .waiterLost(pool: server.pool, "since")
            }
            self.queues[server.pool].removeFirst()
            try self.give(server.id, to: client, from: [server.place])
        case .idle:
            self.servers[index].place = .idle
            self.servers[index].idleSince = self.now
            guard self.queues[server.pool].isEmpty else {
                throw .idleWhileSomebodyWaits(pool: server.pool)
            }
        case .close:
            self.servers[index].place = .closing
        }
    }

    /// Brings idle servers and those who wait together, where only a pause, a failed check or a
    /// lost server can part them.
    mutating func reunite() throws(PoolWorldViolation) {
        for pool in self.pools.indices {
            while let id = self.set.nextTest(self.pools[pool], now: self.now) {
                let index = self.server(id)
                guard index >= 0, self.servers[index].place == .idle else {
                    throw .serverInAnotherPlace(id, "tested though not idle")
                }
                self.servers[index].place = .testing
            }
            while let served = self.set.nextServed(self.pools[pool], now: self.now) {
                guard let client = self.queues[pool].first, self.clients[client].id == served.client
                else { throw .servedOutOfOrder(served.client) }
                self.queues[pool].removeFirst()
                try self.give(served.server, to: client, from: [.idle])
            }
        }
    }

    /// Asks for everything that is to be opened now, as `Proxy` does at the end of each turn.
    mutating func settle() throws(PoolWorldViolation) {
        try self.settleOwn()
        for _ in 0..<1_000 {
            guard let opening = self.set.nextOpening(now: self.now) else { return try self.check() }
            switch opening {
            case .open(let pool): try self.open(pool.index)
            case .evict(let id): try self.evict(id)
            }
        }
        throw .settlesNever
    }

    private mutating func open(_ pool: Int) throws(PoolWorldViolation) {
        guard !self.pausedPools.contains(pool) else { throw .openedWhilePaused(pool: pool) }
        guard self.retryAt[pool] <= self.now else { throw .openedTooEarly(pool: pool) }
        let living = self.servers.reduce(0) {
            $0 + ($1.pool == pool && $1.place != .closing && $1.place != .dedicated ? 1 : 0)
        }
        let underWay = self.count(pool, .opening) + self.count(pool, .testing)
        guard self.queues[pool].count > underWay || living < self.limits[pool].minimumSize else {
            throw .openedWithoutDemand(pool: pool)
        }
        let id = self.newServer()
        let turn = self.set.nextHost(of: self.pools[pool], from: Int(id.generation))
        let hosts = self.set.pools[pool].hosts
        guard turn != nil || hosts.isEmpty else { throw .capExceeded("hosts of pool \(pool)") }
        let host = turn.map { hosts[$0] }
        self.servers.append(Server(id: id, pool: pool, place: .opening, host: host))
        self.set.opened(id, in: self.pools[pool], host: host, now: self.now)
        try self.checkCaps()
    }

    private mutating func evict(_ id: ServerID) throws(PoolWorldViolation) {
        let index = self.server(id)
        guard index >= 0, self.servers[index].place == .idle else { throw .evictedWhatIsUsed(id) }
        let wanting = self.queues.indices.contains {
            $0 != self.servers[index].pool && !self.queues[$0].isEmpty
        }
        guard wanting else { throw .evictedInVain(id) }
        self.servers[index].place = .closing
    }
}

extension PoolWorld.Client.State {
    var since: Instant? {
        if case .waiting(_, let since) = self { since } else { nil }
    }
}
