import Pooling
import TestSupport

/// Clients that want servers of their own.
extension PoolWorld {
    struct Owner: Equatable {
        var id: ClientID
        var ticket: WaitQueue.Ticket
        var since: Instant
    }

    mutating func wantOwn(_ pool: Int) {
        self.lastOwner += 1
        let id = ClientID(index: self.lastOwner, generation: 1)
        let ticket = self.set.awaitDedicated(self.pools[pool], client: id, now: self.now)
        self.ownQueues[pool].append(Owner(id: id, ticket: ticket, since: self.now))
    }

    mutating func leaveOwn(_ pool: Int) throws(PoolWorldViolation) {
        guard let owner = self.ownQueues[pool].popLast() else { return }
        guard
            self.set.leaveDedicated(self.pools[pool], client: owner.id, ticket: owner.ticket),
            !self.set.leaveDedicated(self.pools[pool], client: owner.id, ticket: owner.ticket)
        else { throw .waiterLost(pool: pool, "an owner leaves in vain") }
    }

    mutating func expireOwn(_ id: ClientID) throws(PoolWorldViolation) {
        guard let pool = self.ownQueues.firstIndex(where: { $0.first?.id == id }) else {
            throw .expiredTooEarly(id)
        }
        let owner = self.ownQueues[pool].removeFirst()
        let limits = self.limits[pool]
        guard self.now - owner.since >= min(limits.waitTimeout, limits.downTimeout) else {
            throw .expiredTooEarly(id)
        }
    }

    /// Opens what is wanted, and frees what holds the slots for it, as `Proxy` does.
    mutating func settleOwn() throws(PoolWorldViolation) {
        for (index, pool) in self.pools.enumerated() {
            while let id = self.set.nextDedicated(in: pool, now: self.now) {
                guard let owner = self.ownQueues[index].first, owner.id == id else {
                    throw .servedOutOfOrder(id)
                }
                guard !self.pausedPools.contains(index) else {
                    throw .openedWhilePaused(pool: index)
                }
                self.ownQueues[index].removeFirst()
                let server = self.newServer()
                self.servers.append(Server(id: server, pool: index, place: .dedicated))
                self.set.openedDedicated(server, in: pool, now: self.now)
                try self.checkCaps()
            }
            let demand = self.ownQueues[index].count
            guard demand > 0,
                let id = self.set.evictForDedicated(pool, demand: demand, now: self.now)
            else { continue }
            let evicted = self.server(id)
            guard evicted >= 0, self.servers[evicted].place == .idle else {
                throw .evictedWhatIsUsed(id)
            }
            self.servers[evicted].place = .closing
        }
    }

    func checkOwn() throws(PoolWorldViolation) {
        for (index, pool) in self.set.shared.pools.enumerated() {
            guard pool.dedicated == self.count(index, .dedicated) else {
                throw .ownerMiscounted(pool: index, "\(pool.dedicated) are dedicated")
            }
            guard pool.dedicatedWanted == self.ownQueues[index].count else {
                throw .ownerMiscounted(pool: index, "\(pool.dedicatedWanted) are wanted")
            }
            guard pool.streaming <= pool.dedicated, pool.streaming >= 0 else {
                throw .ownerMiscounted(pool: index, "\(pool.streaming) stream")
            }
        }
    }

    /// Where an owner waits because its pool is full, no server of the pool stays idle for long.
    func checkRoomForOwn() throws(PoolWorldViolation) {
        for pool in self.pools.indices where !self.ownQueues[pool].isEmpty {
            let size = self.limits[pool].size
            let living = self.servers.count { $0.pool == pool && $0.place != .closing }
            guard size > 0, living + self.ownQueues[pool].count > size,
                !self.pausedPools.contains(pool)
            else { continue }
            if self.count(pool, .idle) > 0 { throw .noRoomForOwner(pool: pool) }
        }
    }
}
