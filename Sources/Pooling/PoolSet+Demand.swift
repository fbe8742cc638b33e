/// What a process tells its fleet that it uses and wants at one PostgreSQL server.
///
/// Each worker tells for itself, and what all tell is added up; but limits and minimums are the
/// process's. So a worker keeps among the shared counts what it has told of each pool (`Told`), and
/// tells what the process uses and wants *beyond what the others have told*. Added up, that is not
/// less than what the process wants. It may be more until those have spoken again who told before
/// something changed: a tick.
///
/// A limit that pools at several PostgreSQL servers share (of a user, of the process) is applied at
/// each by itself: where its fleet has no slot, the others may still have one.
extension PoolSet {
    /// Connections that clients use, and clients that wait.
    public struct Demand: Equatable, Sendable {
        /// Connections that clients use or that fill a pool's minimum.
        public var used = 0
        /// Connections that waiters and minimum sizes want, as far as the process's own limits go.
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

    /// What a worker has told of a pool.
    struct Told: Equatable, Sendable {
        /// Servers in use, and idle ones that fill the pool's minimum.
        var used = 0
        /// Servers that its clients wait for and that are not on their way.
        var asked = 0
        /// Servers that it is opening and that the fleet does not count as open.
        var opening = 0
        /// What it has told to be wanted, of all that the process asks and opens.
        var waiting = 0

        static func += (sum: inout Told, told: Told) {
            sum.used += told.used
            sum.asked += told.asked
            sum.opening += told.opening
            sum.waiting += told.waiting
        }

        static func -= (sum: inout Told, told: Told) {
            sum.used -= told.used
            sum.asked -= told.asked
            sum.opening -= told.opening
            sum.waiting -= told.waiting
        }
    }

    /// What the process uses and wants at a PostgreSQL server beyond what its other workers have
    /// told.
    ///
    /// A pool that may go to several servers wants an equal part at each.
    public mutating func demand(at server: Int, now: Instant) -> Demand {
        var demand = Demand()
        for record in self.records where record.isTaken && record.host == server {
            switch record.place {
            case .active, .recovering, .testing, .leaving: demand.used += 1
            case .opening: demand.used += record.isInFleet ? 1 : 0
            case .idle, .dedicated, .closing: break
            }
        }
        self.tellUse(at: server)
        var room = self.room(at: server)
        for index in self.pools.indices where self.pools[index].hosts.contains(server) {
            demand.used += self.kept(index, at: server)
            self.tellWants(index, &room, now: now)
            let pool = self.pools[index]
            let wanted = pool.told.waiting
            demand.waiting += (wanted + pool.hosts.count - 1) / pool.hosts.count
            // Another worker may have told what clients here ask for.
            let asked = pool.told.asked + pool.told.opening
            guard wanted > 0 || (asked > 0 && self.shared.pools[index].told.waiting > 0)
            else { continue }
            demand.oldestSince = min(demand.oldestSince, pool.oldestWait ?? now)
        }
        return demand
    }

    // MARK: Use

    /// Keeps what this worker uses of the pools that go to a PostgreSQL server, idle connections
    /// that fill a minimum included: if they were not wanted, others would get them, and what is
    /// then missing would be wanted again.
    mutating func tellUse(at server: Int) {
        for index in self.pools.indices where self.pools[index].hosts.contains(server) {
            let pool = self.pools[index]
            let shared = self.shared.pools[index]
            let busy =
                pool.count(.active) + pool.count(.recovering) + pool.count(.testing)
                + pool.count(.leaving)
            let others = shared.told.used - pool.told.used
            let kept = min(pool.idle.count, max(0, pool.minimum(shared) - busy - others))
            self.pools[index].told.used = busy + kept
            self.shared.pools[index].told.used = others + busy + kept
            if shared.hosts != pool.hosts { self.shared.pools[index].hosts = pool.hosts }
        }
    }

    /// Idle servers at a PostgreSQL server that are told as used.
    private func kept(_ index: Int, at server: Int) -> Int {
        let pool = self.pools[index]
        let busy =
            pool.count(.active) + pool.count(.recovering) + pool.count(.testing)
            + pool.count(.leaving)
        var kept = 0
        for idle in pool.idle.suffix(pool.told.used - busy)
        where self.records[Int(idle.server.index)].host == server {
            kept += 1
        }
        return kept
    }

    // MARK: Wants

    /// Connections that pools may still want at one PostgreSQL server, by the limits that they
    /// share.
    private struct Room {
        /// Of those alone that have a limit.
        private var databases: [Int: Int] = [:]
        private var users: [Int: Int] = [:]
        private var process: Int?

        init(for pools: [SharedCounts.PoolCounts], in shared: SharedCounts) {
            func room(_ cap: Cap) -> Int? { cap.limit > 0 ? cap.limit - cap.used : nil }
            for pool in pools {
                self.databases[pool.database] = room(shared.databases[pool.database])
                self.users[pool.user] = room(shared.users[pool.user])
            }
            self.process = room(shared.process)
        }

        mutating func take(_ count: Int, for pool: SharedCounts.PoolCounts) {
            self.databases[pool.database]? -= count
            self.users[pool.user]? -= count
            self.process? -= count
        }

        func left(for pool: SharedCounts.PoolCounts) -> Int {
            min(
                self.databases[pool.database] ?? .max,
                self.users[pool.user] ?? .max,
                self.process ?? .max
            )
        }
    }

    /// What the shared limits leave beside what the other workers have told. Connections that are
    /// being opened have their slots, and are wanted.
    private func room(at server: Int) -> Room {
        let indices = self.shared.pools.indices.filter { self.hosts(of: $0).contains(server) }
        var room = Room(for: indices.map { self.shared.pools[$0] }, in: self.shared)
        for index in indices {
            let shared = self.shared.pools[index]
            let own = index < self.pools.count ? self.pools[index].told.waiting : 0
            room.take(shared.told.waiting - own - (shared.opening - shared.inFleet), for: shared)
        }
        return room
    }

    /// The PostgreSQL servers that a pool's connections may go to, though this worker has it not.
    func hosts(of index: Int) -> [Int] {
        if index < self.pools.count, !self.pools[index].hosts.isEmpty {
            return self.pools[index].hosts
        }
        return self.shared.pools[index].hosts
    }

    /// Keeps what this worker tells of a pool: connections that the process wants beside those that
    /// serve, those that it is opening included, those that it must not open left out.
    private mutating func tellWants(_ index: Int, _ room: inout Room, now: Instant) {
        let id = PoolID(index: index)
        let pool = self.pools[index]
        self.shared.pools[index].told -= pool.told
        let shared = self.shared.pools[index]
        var told = Told()
        told.used = pool.told.used
        if pool.hasCredentials, shared.retryAt <= now, !self.isPaused(id),
            !self.shared.isPaused(id)
        {
            told.asked = max(0, pool.demand)
            told.opening = pool.count(.opening) - pool.inFleet
            let asked = max(shared.told.asked + told.asked, pool.shortfall(shared))
            let wanted = asked + shared.told.opening + told.opening - shared.told.waiting
            var left = room.left(for: shared)
            if pool.limits.size > 0 {
                let opening = shared.opening - shared.inFleet
                let size = self.sizeLeft(pool, shared, now: now)
                left = min(left, size + opening - shared.told.waiting)
            }
            told.waiting = max(0, min(wanted, left))
        }
        room.take(told.waiting, for: shared)
        self.pools[index].told = told
        self.shared.pools[index].told += told
    }

    /// Connections that a pool's own limits still allow.
    private func sizeLeft(
        _ pool: Pool,
        _ shared: SharedCounts.PoolCounts,
        now: Instant
    ) -> Int {
        let taken = shared.used + shared.dedicatedWanted
        if taken >= pool.limits.size,
            pool.hasRoom(beside: taken, oldest: pool.oldestWait, now: now)
        {
            return pool.limits.size + pool.limits.reserveSize - taken
        }
        return max(0, pool.limits.size - taken)
    }
}
