import Pooling
import TestSupport

/// What can happen to clients and servers.
extension PoolWorld {
    enum Event: Equatable {
        case want(Int)
        case leave(Int)
        case loginSucceeds(Int)
        case loginFails(Int, PoolSet.LoginFailure)
        case release(Int)
        case releaseDirty(Int)
        case ready(Int)
        case checkFails(Int)
        case dies(Int)
        case closed(Int)
        case loseBeforeUse(Int)
        case obsolete(Int)
        case depart(Int)
        case arrive(Int)
        case stay(Int)
        case wantOwn(Int)
        case leaveOwn(Int)
        case stream(Int, Bool)
        case pause
        case resume
        case pass(Nanoseconds)
    }

    /// Every event that can happen now; servers are named by their place in `servers`. Clients of a
    /// pool that want nothing are all alike, so only the first of them is named.
    func events(passing: [Nanoseconds]) -> [Event] {
        var events: [Event] = []
        var wanting: Set<Int> = []
        for (index, client) in self.clients.enumerated() {
            switch client.state {
            case .away: if wanting.insert(client.pool).inserted { events.append(.want(index)) }
            case .waiting, .served: events.append(.leave(index))
            }
        }
        var departing: Set<Int> = []
        for (index, server) in self.servers.enumerated() {
            switch server.place {
            case .opening:
                events += [.loginSucceeds(index), .loginFails(index, .busy)]
                events += [.loginFails(index, .refused), .loginFails(index, .unreachable)]
            case .idle:
                events += [.dies(index), .obsolete(index)]
                if departing.insert(server.pool).inserted { events.append(.depart(server.pool)) }
            case .leaving: events += [.arrive(index), .stay(index), .dies(index)]
            case .active:
                events += [.release(index), .releaseDirty(index), .dies(index), .obsolete(index)]
                events.append(.loseBeforeUse(index))
            case .recovering: events += [.ready(index), .dies(index)]
            case .testing: events += [.ready(index), .checkFails(index)]
            case .dedicated: events += [.dies(index), .stream(index, true), .stream(index, false)]
            case .closing: events.append(.closed(index))
            }
        }
        if self.hasOwners {
            for pool in self.pools.indices {
                events.append(self.ownQueues[pool].count < 2 ? .wantOwn(pool) : .leaveOwn(pool))
            }
        }
        events.append(self.pausedPools.isEmpty ? .pause : .resume)
        return events + passing.map { .pass($0) }
    }

    /// Lets an event happen, does what follows from it, and compares the books.
    mutating func happen(_ event: Event) throws(PoolWorldViolation) {
        switch event {
        case .want(let client): try self.want(client)
        case .leave(let client): try self.leave(client)
        case .loginSucceeds(let index):
            self.set.loginSucceeded(self.servers[index].id, now: self.now)
            self.retryAt[self.servers[index].pool] = .min
            try self.offer(index)
        case .loginFails(let index, let failure): try self.failLogin(index, failure)
        case .release(let index):
            self.unlink(index)
            try self.offer(index)
        case .releaseDirty(let index):
            self.unlink(index)
            self.recover(index)
        case .ready(let index): try self.offer(index)
        case .dies(let index):
            self.unlink(index)
            self.close(index)
        case .checkFails(let index):
            self.close(index)
            try self.reunite()
        case .closed(let index): self.ended(index)
        case .loseBeforeUse(let index):
            self.loseBeforeUse(index)
            try self.reunite()
        case .obsolete(let index):
            self.set.setCloseNeeded(self.servers[index].id)
            self.servers[index].isObsolete = true
        case .depart(let pool): try self.depart(pool)
        case .arrive(let index): try self.arrive(index)
        case .stay(let index): try self.offer(index)
        case .wantOwn(let pool): self.wantOwn(pool)
        case .leaveOwn(let pool): try self.leaveOwn(pool)
        case .stream(let index, let streams):
            self.set.setStreaming(streams, self.servers[index].id)
        case .pause:
            self.set.setPaused(true, database: nil)
            self.pausedPools = Set(self.pools.indices)
        case .resume:
            self.set.setPaused(false, database: nil)
            self.pausedPools = []
            try self.reunite()
        case .pass(let time): try self.pass(time)
        }
        try self.settle()
    }

    /// An idle server leaves for another worker.
    private mutating func depart(_ pool: Int) throws(PoolWorldViolation) {
        guard let departure = self.set.nextDeparture(from: self.pools[pool], now: self.now) else {
            return
        }
        let index = self.server(departure.server)
        guard index >= 0, self.servers[index].place == .idle, !self.servers[index].isObsolete,
            self.servers[index].pool == pool, self.queues[pool].isEmpty
        else { throw .serverInAnotherPlace(departure.server, "sent away") }
        self.servers[index].place = .leaving
    }

    /// A server that has left comes back from the other worker, under another number.
    private mutating func arrive(_ index: Int) throws(PoolWorldViolation) {
        let connectedAt = self.set.departed(self.servers[index].id)
        guard self.set.place(of: self.servers[index].id) == nil else {
            throw .serverInAnotherPlace(self.servers[index].id, "still here")
        }
        let pool = self.pools[self.servers[index].pool]
        self.servers[index].id.generation += 1_000
        let id = self.servers[index].id
        let host = self.servers[index].host
        self.set.arrived(id, in: pool, host: host, connectedAt: connectedAt, needsCheck: false)
        self.servers[index].place = .recovering
        try self.offer(index)
    }

    private mutating func leave(_ client: Int) throws(PoolWorldViolation) {
        switch self.clients[client].state {
        case .away: break
        case .waiting(let ticket, _):
            let pool = self.clients[client].pool
            let id = self.clients[client].id
            guard self.set.leave(self.pools[pool], client: id, ticket: ticket) else {
                throw .waiterLost(pool: pool, "leaves in vain")
            }
            self.queues[pool].removeAll { $0 == client }
            self.clients[client].state = .away
        case .served(let id):
            let index = self.server(id)
            self.unlink(index)
            self.recover(index)
        }
    }

    private mutating func failLogin(
        _ index: Int,
        _ failure: PoolSet.LoginFailure
    ) throws(PoolWorldViolation) {
        let server = self.servers[index]
        let others = self.servers.contains {
            $0.pool == server.pool && ![.closing, .opening, .dedicated].contains($0.place)
        }
        let isTold = self.set.loginFailed(server.id, failure, now: self.now)
        self.servers[index].place = .closing
        self.retryAt[server.pool] = self.set.shared.pools[server.pool].retryAt
        guard isTold == (failure == .refused && !others) else {
            throw .waiterLost(pool: server.pool, "told \(isTold)")
        }
        guard self.retryAt[server.pool] > self.now else { throw .openedTooEarly(pool: server.pool) }
        guard isTold else { return }
        while let refused = self.set.nextRefused(self.pools[server.pool]) {
            guard self.queues[server.pool].first == Int(refused.index) else {
                throw .servedOutOfOrder(refused)
            }
            self.clients[self.queues[server.pool].removeFirst()].state = .away
        }
    }

    private mutating func unlink(_ index: Int) {
        guard let client = self.servers[index].client else { return }
        self.clients[client].state = .away
        self.servers[index].client = nil
    }

    private mutating func recover(_ index: Int) {
        self.set.recoveryStarted(self.servers[index].id, now: self.now)
        self.servers[index].place = .recovering
    }

    mutating func close(_ index: Int) {
        self.set.closeStarted(self.servers[index].id, now: self.now)
        self.servers[index].place = .closing
    }

    private mutating func ended(_ index: Int) {
        self.set.closed(self.servers[index].id)
        self.servers.remove(at: index)
    }

    /// A server breaks after its client was promised it and before it was used: the client waits
    /// where it waited.
    private mutating func loseBeforeUse(_ index: Int) {
        guard let client = self.servers[index].client else { return }
        self.unlink(index)
        self.close(index)
        let pool = self.clients[client].pool
        let id = self.clients[client].id
        // It was in front of all who wait, and is so again.
        let first = self.queues[pool].first.flatMap { self.clients[$0].state.since }
        let since = first.map { $0 - 1 } ?? self.now
        let ticket = self.set.waitAgain(self.pools[pool], client: id, since: since)
        self.clients[client].state = .waiting(ticket, since: since)
        self.queues[pool].insert(client, at: 0)
    }

    private mutating func pass(_ time: Nanoseconds) throws(PoolWorldViolation) {
        self.now += time
        var due: [PoolSet.Due] = []
        self.set.upkeep(now: self.now, &due)
        for item in due {
            switch item {
            case .expired(let id, let since, _):
                let client = Int(id.index)
                let limits = self.limits[self.clients[client].pool]
                guard self.queues[self.clients[client].pool].first == client,
                    self.clients[client].state.since == since,
                    self.now - since >= min(limits.waitTimeout, limits.downTimeout)
                else { throw .expiredTooEarly(id) }
                self.queues[self.clients[client].pool].removeFirst()
                self.clients[client].state = .away
            case .greetingExpired(let id, _): try self.expireOwn(id)
            case .notify: break
            case .close(let id, _):
                let index = self.server(id)
                guard index >= 0, self.servers[index].place == .idle else {
                    throw .evictedWhatIsUsed(id)
                }
                self.servers[index].place = .closing
            }
        }
        for client in self.clients {
            guard let since = client.state.since else { continue }
            let limit = self.limits[client.pool].waitTimeout
            if limit > 0, self.now - since >= limit { throw .notExpired(client.id) }
        }
        try self.checkRoomForOwn()
    }
}
