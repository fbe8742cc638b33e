import Pooling
import TestSupport
import Testing

/// What the workers of one process tell their fleet together: their words are added up.
struct PoolSetDemandTests {
    private static let second: Nanoseconds = 1_000_000_000
    private let start: Instant = 1_000 * Self.second

    /// Workers whose pools are of one database and go to one PostgreSQL server.
    private struct Workers {
        var shared = SharedCounts()
        var sets: [PoolSet]
        var pools: [PoolID] = []
        var told: [PoolSet.Demand]
        let server: Int
        let database: Int
        let user: Int
        let now: Instant

        init(_ workers: Int, pools: Int = 1, minimum: Int = 0, now: Instant) {
            self.sets = [PoolSet](repeating: PoolSet(), count: workers)
            self.told = [PoolSet.Demand](repeating: PoolSet.Demand(), count: workers)
            self.now = now
            self.server = self.shared.addServer(limit: 100)
            self.database = self.shared.addDatabase(limit: 0)
            self.user = self.shared.addUser(limit: 0)
            var limits = PoolLimits()
            limits.minimumSize = minimum
            limits.lifetime = 3_600 * 1_000_000_000
            for number in 0..<pools {
                let user = number == 0 ? self.user : self.shared.addUser(limit: 0)
                let pool = self.shared.addPool(database: self.database, user: user)
                self.pools.append(pool)
                for worker in self.sets.indices {
                    self.sets[worker].addShare(database: self.database, user: user, limits: limits)
                    self.sets[worker].setHosts([self.server], of: pool)
                    self.sets[worker].setFilling(of: pool, always: true, hasCredentials: true)
                }
            }
            self.setStanding(FleetStanding())
        }

        mutating func setStanding(_ standing: FleetStanding) {
            self.shared.setStanding(standing, inUse: 0, of: self.server)
        }

        /// Does something as one worker, which has the shared counts meanwhile.
        mutating func at<Result>(_ worker: Int, _ body: (inout PoolSet) -> Result) -> Result {
            swap(&self.shared, &self.sets[worker].shared)
            defer { swap(&self.shared, &self.sets[worker].shared) }
            return body(&self.sets[worker])
        }

        /// So many clients wait at a worker.
        mutating func wait(_ clients: Int, at worker: Int = 0, in pool: Int = 0) {
            let (id, now) = (self.pools[pool], self.now)
            for client in 0..<clients {
                let client = ClientID(index: UInt32(client), generation: 1)
                _ = self.at(worker) { $0.checkOut(id, client: client, now: now) }
            }
        }

        /// A worker's connections, numbered from 0, that begin to be opened.
        mutating func begin(_ servers: Range<UInt32>, at worker: Int = 0, in pool: Int = 0) {
            let (id, host, now) = (self.pools[pool], self.server, self.now)
            for server in servers {
                let server = ServerID(index: server, generation: 1)
                self.at(worker) { $0.opened(server, in: id, host: host, now: now) }
            }
        }

        /// Connections that are opened, and idle unless somebody waits.
        mutating func open(_ servers: Range<UInt32>, at worker: Int = 0, in pool: Int = 0) {
            self.begin(servers, at: worker, in: pool)
            let now = self.now
            for server in servers {
                let server = ServerID(index: server, generation: 1)
                self.at(worker) {
                    $0.startupSent(server)
                    $0.loginSucceeded(server, now: now)
                    _ = $0.checkIn(server, now: now)
                }
            }
        }

        /// What these workers, or all, say now, and what the process says with that.
        mutating func tell(_ workers: Int...) -> PoolSet.Demand {
            let (server, now) = (self.server, self.now)
            for worker in workers.isEmpty ? Array(self.sets.indices) : workers {
                self.told[worker] = self.at(worker) { $0.demand(at: server, now: now) }
            }
            var sum = PoolSet.Demand()
            for demand in self.told { sum.add(demand) }
            return sum
        }

        /// What the process uses and wants, by all that there is of it.
        var wanted: PoolSet.Demand {
            var demand = PoolSet.Demand()
            let cap = self.shared.databases[self.database]
            var room = cap.limit > 0 ? cap.limit - cap.used : 1_000
            for pool in self.pools {
                let shares = self.sets.map { $0.pools[pool.index] }
                let counts = self.shared.pools[pool.index]
                let asked = shares.reduce(0) {
                    $0 + max(0, $1.waiters.count - $1.count(.opening))
                }
                let limits = shares[0].limits
                let living = counts.living
                let wanted = max(asked, limits.minimumSize - living) + counts.opening
                room += counts.opening
                demand.waiting += min(wanted, limits.size - counts.used + counts.opening)
                let busy = shares.reduce(0) { $0 + $1.count(.active) }
                let idle = shares.reduce(0) { $0 + $1.count(.idle) }
                demand.used += busy + min(idle, max(0, limits.minimumSize - busy))
            }
            demand.waiting = max(0, min(demand.waiting, room))
            return demand
        }

        /// Connections that a worker closes for the fleet.
        mutating func givenBack(by worker: Int = 0) -> [UInt32] {
            var due: [PoolSet.Due] = []
            let now = self.now
            self.at(worker) { $0.upkeep(now: now, &due) }
            return due.map {
                guard case .close(let server, .givenBack) = $0 else { return .max }
                return server.index
            }
        }
    }

    private func owed(_ count: Int) -> FleetStanding {
        var standing = FleetStanding()
        (standing.state, standing.owed) = (.open, count)
        return standing
    }

    // MARK: Limits that pools share

    enum Shared: CaseIterable { case database, user, process }

    @Test(arguments: Shared.allCases)
    func `no more is wanted than a limit allows that pools share`(_ shared: Shared) {
        var workers = Workers(1, now: self.start)
        switch shared {
        case .database: workers.shared.setDatabaseLimit(5, of: workers.database)
        case .user: workers.shared.setUserLimit(5, of: workers.user)
        case .process: workers.shared.setProcessLimit(5)
        }
        workers.wait(50)
        #expect(workers.tell().waiting == 5)
        // What is being opened has a slot, and is wanted still.
        workers.begin(0..<2)
        #expect(workers.tell().waiting == 5)
        workers.begin(2..<5)
        #expect(workers.tell().waiting == 5)
        var other = Workers(1, now: self.start)
        other.shared.setDatabaseLimit(5, of: other.database)
        other.wait(50)
        other.open(0..<5)
        let demand = other.tell()
        #expect(demand.used == 5)
        #expect(demand.waiting == 0, "its limit, not the fleet, is in the way")
    }

    @Test func `pools that share a limit do not want it twice`() {
        var workers = Workers(1, pools: 2, now: self.start)
        workers.shared.setDatabaseLimit(5, of: workers.database)
        workers.wait(3, in: 0)
        workers.wait(50, in: 1)
        workers.begin(0..<1, in: 1)
        #expect(workers.tell().waiting == 5)
    }

    @Test func `workers that share a limit do not want it twice`() {
        var workers = Workers(3, pools: 2, now: self.start)
        workers.shared.setDatabaseLimit(5, of: workers.database)
        workers.wait(50, at: 0)
        workers.wait(50, at: 1)
        workers.wait(50, at: 2, in: 1)
        #expect(workers.tell().waiting == 5)
        workers.begin(0..<2, at: 1)
        #expect(workers.tell().waiting == 5)
        workers.open(2..<4, at: 1)
        let demand = workers.tell()
        #expect(demand.used == 2)
        #expect(demand.waiting == 3)
    }

    @Test func `workers share the size of a pool, too`() {
        var workers = Workers(2, now: self.start)
        workers.wait(50, at: 0)
        workers.wait(50, at: 1)
        #expect(workers.tell().waiting == 20)
    }

    @Test func `what one worker has left out for another it says when that one is gone`() {
        var workers = Workers(2, now: self.start)
        workers.shared.setDatabaseLimit(1, of: workers.database)
        workers.wait(1, at: 0)
        workers.wait(1, at: 1)
        #expect(workers.tell().waiting == 1)
        let pool = workers.pools[0]
        #expect(workers.at(0) { $0.nextRefused(pool) } != nil)
        #expect(workers.tell(0).waiting == 1, "the other still waits, and has not spoken yet")
        #expect(workers.tell(1).waiting == 1)
        #expect(workers.at(1) { $0.nextRefused(pool) } != nil)
        _ = workers.tell()
        #expect(workers.tell().waiting == 0)
    }

    @Test func `where no limit is in the way, each worker wants what its clients do`() {
        var workers = Workers(2, pools: 2, now: self.start)
        workers.wait(2, at: 0)
        workers.wait(3, at: 1)
        workers.wait(4, at: 1, in: 1)
        #expect(workers.tell().waiting == 9)
        #expect(workers.told.map(\.waiting) == [2, 7])
        #expect(workers.told.map(\.oldestSince) == [self.start, self.start])
    }

    @Test func `whatever happens, what workers tell adds up to what the process wants`() {
        for seed in UInt64(1)...200 {
            var random = SeededRandom(seed: seed)
            let minimum = random.below(4)
            var workers = Workers(1 + random.below(3), pools: 3, minimum: minimum, now: self.start)
            var servers: UInt32 = 0
            for _ in 0..<30 {
                let worker = random.below(workers.sets.count)
                let pool = random.below(3)
                switch random.below(6) {
                case 0: workers.wait(random.below(4), at: worker, in: pool)
                case 1:
                    let id = workers.pools[pool]
                    _ = workers.at(worker) { $0.nextRefused(id) }
                case 2: workers.begin(servers..<(servers + 1), at: worker, in: pool)
                case 3: workers.open(servers..<(servers + 1), at: worker, in: pool)
                case 4: workers.shared.setDatabaseLimit(random.below(12), of: workers.database)
                default: break
                }
                servers += 1
                if random.chance(70) {
                    _ = workers.tell(worker)
                    continue
                }
                let wanted = workers.wanted
                _ = workers.tell()
                let told = workers.tell()
                #expect(told.waiting == wanted.waiting, "seed \(seed)")
                #expect(told.used == wanted.used, "seed \(seed)")
            }
        }
    }

    // MARK: Openings that the fleet counts

    @Test func `a connection that has logged in is used, whatever it does before it serves`() {
        var workers = Workers(2, now: self.start)
        workers.shared.setDatabaseLimit(3, of: workers.database)
        workers.wait(5, at: 0)
        workers.begin(0..<2)
        let (now, server) = (self.start, ServerID(index: 0, generation: 1))
        workers.at(0) { $0.startupSent(server) }
        workers.at(0) { $0.enteredFleet(server) }
        let opening = workers.tell()
        #expect(opening.used == 1)
        #expect(opening.waiting == 2)
        workers.at(0) { $0.loginSucceeded(server, now: now) }
        workers.at(0) { _ = $0.checkIn(server, now: now) }
        let serving = workers.tell()
        #expect(serving.used == 1)
        #expect(serving.waiting == 2)
        // One whose connect_query fails is neither used nor being opened.
        let other = ServerID(index: 1, generation: 1)
        workers.at(0) { $0.enteredFleet(other) }
        #expect(workers.tell().used == 2)
        workers.at(0) { _ = $0.loginFailed(other, .unreachable, now: now) }
        workers.at(0) { $0.closed(other) }
        let failed = workers.at(0) {
            $0.demand(at: 0, now: now + PoolLimits.retryDelayMin)
        }
        #expect(failed.used == 1)
        #expect(failed.waiting == 2)
    }

    // MARK: Minimums

    @Test func `what a pool lacks of its minimum is wanted once`() {
        var workers = Workers(8, minimum: 10, now: self.start)
        #expect(workers.tell().waiting == 10)
        workers.begin(0..<4, at: 3)
        #expect(workers.tell().waiting == 10)
        workers.open(4..<7, at: 5)
        let demand = workers.tell()
        #expect(demand.used + demand.waiting == 10)
    }

    @Test func `an idle connection that fills a minimum is wanted as it is`() {
        var workers = Workers(2, minimum: 3, now: self.start)
        workers.open(0..<2, at: 0)
        workers.open(0..<4, at: 1)
        let idle = workers.tell()
        #expect(idle.used == 3)
        #expect(idle.waiting == 0)
        workers.wait(2, at: 1)
        _ = workers.tell()
        #expect(workers.tell().used == 3, "two of them in use")
        workers.wait(2, at: 0)
        #expect(workers.tell().used == 4)
    }

    @Test func `the fleet gets first what fills no minimum`() {
        var workers = Workers(1, pools: 2, minimum: 2, now: self.start)
        workers.open(0..<2, in: 0)
        workers.open(2..<5, in: 1)
        #expect(workers.tell().used == 4)
        workers.setStanding(self.owed(1))
        #expect(workers.givenBack() == [2])
        // It asks for what counts as used only where its slots are too few for all minimums.
        workers.setStanding(self.owed(2))
        #expect(workers.givenBack() == [0])
    }

    @Test func `another worker's idle connection goes rather than one of a minimum`() {
        var workers = Workers(2, pools: 2, minimum: 2, now: self.start)
        workers.open(0..<2, at: 0, in: 0)
        workers.open(0..<3, at: 1, in: 1)
        #expect(workers.tell().used == 4)
        workers.setStanding(self.owed(1))
        #expect(workers.givenBack(by: 0) == [])
        #expect(workers.givenBack(by: 1) == [0])
    }
}
