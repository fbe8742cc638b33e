/// What a process tells its fleet about one PostgreSQL server, and what it gives back there.
extension PoolSet {
    /// Connections that clients use, and clients that wait.
    public struct Demand: Equatable, Sendable {
        /// Connections that are neither idle nor being opened or closed.
        public var used = 0
        /// Connections that waiters and minimum sizes want, as far as the pools' own limits go.
        public var waiting = 0
        /// Since when the oldest of the waiters waits; `Instant.max` where none does.
        public var oldestSince = Instant.max

        /// Creates the demand of nobody.
        public init() {}

        /// Adds what another worker says.
        public mutating func add(_ other: Demand) {
            self.used += other.used
            self.waiting += other.waiting
            self.oldestSince = min(self.oldestSince, other.oldestSince)
        }
    }

    /// What this worker's clients use and want at a PostgreSQL server.
    ///
    /// A pool that may go to several servers wants an equal part at each.
    public func demand(at server: Int, now: Instant) -> Demand {
        var demand = Demand()
        for record in self.records where record.isTaken && record.host == server {
            switch record.place {
            case .active, .recovering, .testing, .leaving: demand.used += 1
            case .opening, .idle, .dedicated, .closing: break
            }
        }
        for (index, pool) in self.pools.enumerated() where pool.hosts.contains(server) {
            let wanted = self.wanted(by: pool, PoolID(index: index), now: now)
            guard wanted > 0 else { continue }
            demand.waiting += (wanted + pool.hosts.count - 1) / pool.hosts.count
            demand.oldestSince = min(demand.oldestSince, pool.oldestWait ?? now)
        }
        return demand
    }

    /// Connections that a pool wants beside those that serve: those that it is opening included,
    /// those that it must not open left out.
    private func wanted(by pool: Pool, _ id: PoolID, now: Instant) -> Int {
        let shared = self.shared.pools[id.index]
        guard pool.hasCredentials, shared.retryAt <= now, !self.isPaused(id),
            !self.shared.isPaused(id)
        else { return 0 }
        let opening = pool.count(.opening)
        let wanted = max(pool.demand, pool.shortfall(shared))
        var room = Int.max
        if pool.limits.size > 0 {
            room = max(0, pool.limits.size - shared.used - shared.dedicatedWanted)
            if room == 0, pool.hasRoom(beside: shared.used, oldest: pool.oldestWait, now: now) {
                room = pool.limits.reserveSize
            }
        }
        return max(0, min(wanted, room)) + opening
    }

    // MARK: Opening

    /// A connection's startup message goes out, and takes the fleet's permit for it; or it never
    /// will, since the connection is being closed.
    public mutating func startupSent(_ server: ServerID) {
        if self.record(server).isReserved { self.endReservation(server) }
    }

    private mutating func endReservation(_ server: ServerID) {
        self.records[Int(server.index)].isReserved = false
        guard let host = self.record(server).host else { return }
        self.shared.servers[host].reserved -= 1
    }

    // MARK: Giving back

    /// Whether a server that has come back from its client goes to the fleet. One a call; the
    /// caller closes it.
    public mutating func paysBack(_ server: ServerID) -> Bool {
        guard let host = self.record(server).host else { return false }
        let cap = self.shared.servers[host]
        guard cap.owedInUse > 0, cap.isOwing else { return false }
        self.shared.servers[host].owedInUse -= 1
        return true
    }

    /// Whether any PostgreSQL server's connections are wanted back from clients.
    public var owesServersInUse: Bool { self.shared.servers.contains { $0.owedInUse > 0 } }
}
