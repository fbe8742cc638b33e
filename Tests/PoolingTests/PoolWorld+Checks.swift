import Pooling
import TestSupport

/// What must hold after every event, when all that was to be done is done.
extension PoolWorld {
    mutating func check() throws(PoolWorldViolation) {
        try self.checkPlaces()
        try self.checkCaps()
        try self.checkOwn()
        for pool in self.pools.indices { try self.checkWaiting(pool) }
    }

    private mutating func checkPlaces() throws(PoolWorldViolation) {
        for server in self.servers {
            guard let place = self.set.place(of: server.id) else {
                throw .slotFreedBeforeClosed(server.id)
            }
            guard place == server.place else {
                throw .serverInAnotherPlace(server.id, "\(place), not \(server.place)")
            }
        }
        for (index, pool) in self.set.pools.enumerated() {
            for place in ServerPlace.allCases where pool.count(place) != self.count(index, place) {
                throw .slotsMiscounted("pool \(index): \(pool.count(place)) \(place)")
            }
            guard pool.waiters.count == self.queues[index].count else {
                throw .waiterCountWrong(pool: index, "\(pool.waiters.count)")
            }
            guard
                pool.waiters.oldest
                    == self.queues[index].first.flatMap({ self.clients[$0].state.since })
            else { throw .waiterCountWrong(pool: index, "oldest") }
        }
    }

    func checkCaps() throws(PoolWorldViolation) {
        func check(
            _ cap: Cap,
            _ name: String,
            _ isMember: (Server) -> Bool
        ) throws(PoolWorldViolation) {
            let used = self.servers.reduce(0) { $0 + (isMember($1) ? 1 : 0) }
            let closing = self.servers.reduce(0) {
                $0 + (isMember($1) && $1.place == .closing ? 1 : 0)
            }
            guard cap.used == used, cap.closing == closing else {
                throw .slotsMiscounted("\(name): \(cap) instead of \(used), \(closing)")
            }
            guard cap.limit == 0 || used <= cap.limit || self.isLowered else {
                throw .capExceeded("\(name): \(cap)")
            }
        }
        try check(self.set.shared.process, "process") { _ in true }
        for (index, cap) in self.set.shared.databases.enumerated() {
            try check(cap, "database \(index)") { self.set.pools[$0.pool].database == index }
        }
        for (index, cap) in self.set.shared.users.enumerated() {
            try check(cap, "user \(index)") { self.set.pools[$0.pool].user == index }
        }
        for (index, cap) in self.set.shared.servers.enumerated() {
            try check(cap, "PostgreSQL server \(index)") { $0.host == index }
        }
        for (index, limits) in self.limits.enumerated() where limits.size > 0 && !self.isLowered {
            let used = self.servers.reduce(0) { $0 + ($1.pool == index ? 1 : 0) }
            if used > limits.size + limits.reserveSize { throw .capExceeded("pool \(index)") }
        }
    }

    private func checkWaiting(_ pool: Int) throws(PoolWorldViolation) {
        let waiting = self.queues[pool].count
        guard waiting > 0, !self.pausedPools.contains(pool) else { return }
        let idle = self.servers.contains { $0.pool == pool && $0.place == .idle && !$0.isObsolete }
        if idle, waiting > self.count(pool, .testing) { throw .idleWhileSomebodyWaits(pool: pool) }
        // Somebody waits and this pool has nothing that could end the wait: a slot must be missing,
        // or a pause be due.
        let hasServers = self.servers.contains { $0.pool == pool }
        guard !hasServers, self.retryAt[pool] <= self.now else { return }
        let wanted = self.set.pools[pool]
        let caps = [
            self.set.shared.databases[wanted.database], self.set.shared.users[wanted.user],
            self.set.shared.process,
        ]
        let hosts = wanted.hosts.map { self.set.shared.servers[$0] }
        let areHostsFull = !hosts.isEmpty && hosts.allSatisfy { !$0.hasRoom }
        let isBlocked = areHostsFull || caps.contains { !$0.hasRoom }
        guard isBlocked else { throw .waiterLost(pool: pool, "nothing is under way") }
        // One of the caps that are full must hold nothing but servers in use, or one that is on its
        // way out.
        for (number, cap) in caps.enumerated() where !cap.hasRoom {
            let members = self.servers.filter {
                number == 0
                    ? self.set.pools[$0.pool].database == wanted.database
                    : number == 1 ? self.set.pools[$0.pool].user == wanted.user : true
            }
            if cap.closing > 0 || !members.contains(where: { $0.place == .idle }) { return }
        }
        if areHostsFull {
            let isIdle = self.servers.contains {
                $0.place == .idle && ($0.host.map { wanted.hosts.contains($0) } ?? false)
            }
            if !isIdle || hosts.contains(where: { $0.closing > 0 }) { return }
        }
        throw .starvedByIdle(pool: pool)
    }
}
