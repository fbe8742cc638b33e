import Pooling
import TestSupport
import Testing

extension Transcript where Value == PoolSet {
    func server(_ number: UInt32) -> ServerID { ServerID(index: number, generation: 1) }
    func client(_ number: UInt32) -> ClientID { ClientID(index: number, generation: 1) }

    func checkOut(_ pool: PoolID, _ client: UInt32, at now: Instant) -> PoolSet.CheckOut {
        self.value.checkOut(pool, client: self.client(client), now: now)
    }

    func next(at now: Instant) -> PoolSet.Opening? { self.value.nextOpening(now: now) }

    /// Opens and logs in a server that is idle then, whoever waits.
    func open(
        _ number: UInt32,
        in pool: PoolID,
        host: Int? = nil,
        at now: Instant
    ) -> PoolSet.CheckIn {
        self.value.opened(self.server(number), in: pool, host: host, now: now)
        self.value.loginSucceeded(self.server(number), now: now)
        return self.value.checkIn(self.server(number), now: now)
    }

    func checkIn(_ number: UInt32, at now: Instant) -> PoolSet.CheckIn {
        self.value.checkIn(self.server(number), now: now)
    }

    func fail(_ number: UInt32, _ failure: PoolSet.LoginFailure, at now: Instant) -> Bool {
        self.value.loginFailed(self.server(number), failure, now: now)
    }

    func refuse(_ pool: PoolID) -> ClientID? { self.value.nextRefused(pool) }

    func test(_ pool: PoolID, at now: Instant) -> ServerID? {
        self.value.nextTest(pool, now: now)
    }

    func serves(_ pool: PoolID, at now: Instant) -> Bool {
        self.value.nextServed(pool, now: now) != nil
    }

    func due(at now: Instant) -> [PoolSet.Due] {
        var due: [PoolSet.Due] = []
        self.value.upkeep(now: now, &due)
        return due
    }
}

/// The rules of opening, waiting and closing, one at a time.
struct PoolSetTests {
    private static let second: Nanoseconds = 1_000_000_000
    private let start: Instant = 1_000 * Self.second

    private func at(_ seconds: Double) -> Instant {
        self.start + Nanoseconds(seconds * Double(Self.second))
    }

    private func limits(_ change: (inout PoolLimits) -> Void = { _ in }) -> PoolLimits {
        var limits = PoolLimits()
        limits.lifetime = 3_600 * Self.second
        change(&limits)
        return limits
    }

    /// One pool of its own database and user in `set`.
    private func add(_ set: Transcript<PoolSet>, _ limits: PoolLimits) -> PoolID {
        let database = set.value.addDatabase(limit: 0)
        return set.value.addPool(
            database: database,
            user: set.value.addUser(limit: 0),
            limits: limits
        )
    }

    private func isWaiting(_ result: PoolSet.CheckOut) -> Bool {
        if case .wait = result { true } else { false }
    }

    @Test func `the server used last is used first, or in turn`() {
        for (isRoundRobin, expected) in [(false, 1), (true, 0)] as [(Bool, UInt32)] {
            let set = Transcript(PoolSet())
            let pool = self.add(set, self.limits { $0.isRoundRobin = isRoundRobin })
            #expect(set.open(0, in: pool, at: self.at(0)) == .idle)
            #expect(set.open(1, in: pool, at: self.at(1)) == .idle)
            #expect(set.checkOut(pool, 1, at: self.at(2)) == .use(set.server(expected)))
        }
    }

    @Test func `logins are under way for those who wait and for no more`() {
        let set = Transcript(PoolSet())
        let pool = self.add(set, self.limits { $0.loginParallelism = 2 })
        for client in 0..<3 {
            #expect(self.isWaiting(set.checkOut(pool, UInt32(client), at: self.at(0))))
        }
        for number in 0..<2 {
            #expect(set.next(at: self.at(0)) == .open(pool))
            set.value.opened(set.server(UInt32(number)), in: pool, now: self.at(0))
        }
        #expect(set.next(at: self.at(0)) == nil)
        set.value.loginSucceeded(set.server(0), now: self.at(1))
        #expect(
            set.checkIn(0, at: self.at(1))
                == .serve(set.client(0), since: self.at(0))
        )
        #expect(set.next(at: self.at(1)) == .open(pool))
    }

    @Test func `failed logins back off by doubling up to the limit and begin anew after a success`()
    {
        let set = Transcript(PoolSet())
        let pool = self.add(set, self.limits { $0.retryDelayMax = Self.second })
        _ = set.checkOut(pool, 1, at: self.at(0))
        var now = self.at(0)
        for delay in [0.1, 0.2, 0.4, 0.8, 1, 1] {
            #expect(set.next(at: now) == .open(pool))
            set.value.opened(set.server(0), in: pool, now: now)
            #expect(set.next(at: now) == nil)
            #expect(!set.fail(0, .unreachable, at: now))
            set.value.closed(set.server(0))
            let wait = Nanoseconds(delay * Double(Self.second))
            #expect(set.next(at: now + wait - 1) == nil)
            now += wait
        }
        #expect(set.open(0, in: pool, at: now) == .serve(set.client(1), since: self.at(0)))
        #expect(set.shared.pools[0].failures == 0 && set.shared.pools[0].downSince == nil)
    }

    @Test func `logins that fail together back off once`() {
        let set = Transcript(PoolSet())
        let pool = self.add(set, self.limits { $0.retryDelayMax = 15 * Self.second })
        for number in 0..<3 { _ = set.checkOut(pool, UInt32(number), at: self.at(0)) }
        for number in 0..<3 {
            set.value.opened(set.server(UInt32(number)), in: pool, now: self.at(0))
        }
        for number in 0..<3 {
            _ = set.fail(UInt32(number), .unreachable, at: self.at(1))
            set.value.closed(set.server(UInt32(number)))
        }
        #expect(set.shared.pools[0].failures == 1)
        #expect(set.next(at: self.at(1.1)) == .open(pool))
    }

    @Test func `a refused login is told to all who wait unless other servers of the pool work`() {
        let set = Transcript(PoolSet())
        let pool = self.add(set, self.limits())
        _ = set.checkOut(pool, 1, at: self.at(0))
        set.value.opened(set.server(0), in: pool, now: self.at(0))
        #expect(set.fail(0, .refused, at: self.at(0)))
        #expect(set.refuse(pool) == set.client(1))
        #expect(set.refuse(pool) == nil)
        set.value.closed(set.server(0))
        #expect(set.open(1, in: pool, at: self.at(1)) == .idle)
        set.value.opened(set.server(0), in: pool, now: self.at(1))
        #expect(!set.fail(0, .refused, at: self.at(1)))
    }

    @Test func `who waits longer than it may gets an error, sooner while the server is down`() {
        let set = Transcript(PoolSet())
        let pool = self.add(
            set,
            self.limits {
                $0.waitTimeout = 15 * Self.second
                $0.downTimeout = 3 * Self.second
                $0.notifyAfter = Self.second
            }
        )
        _ = set.checkOut(pool, 1, at: self.at(0))
        _ = set.value.awaitGreeting(pool, client: set.client(2), now: self.at(2))
        #expect(set.due(at: self.at(0.9)) == [])
        #expect(set.due(at: self.at(1)) == [.notify(set.client(1))])
        #expect(set.due(at: self.at(4)) == [])
        set.value.opened(set.server(0), in: pool, now: self.at(4))
        _ = set.value.loginFailed(set.server(0), .unreachable, now: self.at(4))
        #expect(
            set.due(at: self.at(4)) == [.expired(set.client(1), since: self.at(0), .databaseDown)]
        )
        #expect(set.due(at: self.at(5)) == [.greetingExpired(set.client(2), .databaseDown)])
        _ = set.checkOut(pool, 3, at: self.at(6))
        set.value.closed(set.server(0))
        set.value.opened(set.server(0), in: pool, now: self.at(6))
        _ = set.value.loginFailed(set.server(0), .busy, now: self.at(6))
        #expect(set.due(at: self.at(20)).contains(.notify(set.client(3))))
        #expect(set.due(at: self.at(21)) == [.expired(set.client(3), since: self.at(6), .timeout)])
    }

    @Test func `the reserve opens for who has waited long enough, and closes behind them`() {
        let set = Transcript(PoolSet())
        let pool = self.add(
            set,
            self.limits {
                $0.size = 1
                $0.reserveSize = 1
                $0.reserveTimeout = 5 * Self.second
            }
        )
        #expect(set.open(0, in: pool, at: self.at(0)) == .idle)
        _ = set.checkOut(pool, 1, at: self.at(0))
        _ = set.checkOut(pool, 2, at: self.at(0))
        #expect(set.next(at: self.at(4.9)) == nil)
        #expect(set.next(at: self.at(5)) == .open(pool))
        #expect(set.open(1, in: pool, at: self.at(5)) == .serve(set.client(2), since: self.at(0)))
        #expect(set.checkIn(1, at: self.at(6)) == .close(.tooManyServers))
    }

    @Test func `what is closed takes its slot until PostgreSQL has closed it`() {
        let set = Transcript(PoolSet())
        let pool = self.add(set, self.limits { $0.size = 1 })
        #expect(set.open(0, in: pool, at: self.at(0)) == .idle)
        set.value.closeStarted(set.server(0), now: self.at(1))
        set.value.closeStarted(set.server(0), now: self.at(1))
        _ = set.checkOut(pool, 1, at: self.at(1))
        #expect(set.next(at: self.at(1)) == nil && set.value.slots(ofDatabase: nil) == 1)
        set.value.closed(set.server(0))
        #expect(set.value.place(of: set.server(0)) == nil)
        #expect(set.next(at: self.at(1)) == .open(pool))
    }

    @Test func `the longest idle server of another pool goes when a shared cap is full`() {
        let set = Transcript(PoolSet())
        let pools = (0..<3).map { _ in self.add(set, self.limits()) }
        set.value.shared.setProcessLimit(2)
        #expect(set.open(0, in: pools[0], at: self.at(1)) == .idle)
        #expect(set.open(1, in: pools[1], at: self.at(0)) == .idle)
        _ = set.checkOut(pools[2], 1, at: self.at(2))
        #expect(set.next(at: self.at(2)) == .evict(set.server(1)))
        // One slot comes back, and one is all that is needed.
        #expect(set.next(at: self.at(2)) == nil)
        set.value.closed(set.server(1))
        #expect(set.next(at: self.at(2)) == .open(pools[2]))
    }

    @Test func `a PostgreSQL server gets as many connections as its budget has, over all pools`() {
        let set = Transcript(PoolSet())
        let pools = (0..<3).map { _ in self.add(set, self.limits()) }
        let hosts = [1, 2, 0].map { set.value.shared.addServer(limit: $0) }
        set.value.setHosts([hosts[0], hosts[1]], of: pools[0])
        set.value.setHosts([hosts[1]], of: pools[1])
        set.value.setHosts([hosts[2]], of: pools[2])
        // From its turn on, the next host with room.
        #expect(set.value.nextHost(of: pools[0], from: 0) == 0)
        #expect(set.open(0, in: pools[0], host: hosts[0], at: self.at(3)) == .idle)
        #expect(set.value.nextHost(of: pools[0], from: 0) == 1)
        #expect(set.value.nextHost(of: pools[0], from: 2) == 1)
        #expect(set.open(1, in: pools[0], host: hosts[1], at: self.at(2)) == .idle)
        #expect(set.open(2, in: pools[2], host: hosts[2], at: self.at(0)) == .idle)
        #expect(set.open(3, in: pools[1], host: hosts[1], at: self.at(1)) == .idle)
        #expect(set.value.nextHost(of: pools[0], from: 0) == nil)
        #expect(set.value.nextHost(of: pools[2], from: 0) == 0)
        // What stands at the host that is full goes, though another one has been idle for longer.
        for client in 1..<3 { _ = set.checkOut(pools[1], UInt32(client), at: self.at(4)) }
        #expect(set.next(at: self.at(4)) == .evict(set.server(1)))
        #expect(set.value.shared.servers.map(\.closing) == [0, 1, 0])
        set.value.closed(set.server(1))
        #expect(set.next(at: self.at(4)) == .open(pools[1]))
        #expect(set.value.shared.servers.map(\.used) == [1, 1, 1])
    }

    @Test func `what is idle above a limit that has been lowered is closed`() {
        let set = Transcript(PoolSet())
        let pools = (0..<2).map { _ in self.add(set, self.limits()) }
        let host = set.value.shared.addServer(limit: 0)
        for (number, pool) in [0, 0, 1].enumerated() {
            let number = UInt32(number)
            #expect(set.open(number, in: pools[pool], host: host, at: self.at(0)) == .idle)
        }
        var due: [PoolSet.Due] = []
        set.value.upkeep(now: self.at(1), &due)
        #expect(due.isEmpty)
        set.value.shared.setServerLimit(1, of: host)
        set.value.upkeep(now: self.at(1), &due)
        #expect(
            due == [
                .close(set.server(0), .tooManyServers), .close(set.server(1), .tooManyServers),
            ]
        )
        set.value.upkeep(now: self.at(1), &due)
        #expect(due.count == 2)
    }

    @Test func `two full caps that no single server frees are freed one after the other`() {
        let set = Transcript(PoolSet())
        let databases = [set.value.addDatabase(limit: 1), set.value.addDatabase(limit: 0)]
        let users = [set.value.addUser(limit: 1), set.value.addUser(limit: 0)]
        func pool(_ database: Int, _ user: Int) -> PoolID {
            set.value.addPool(database: database, user: user, limits: self.limits())
        }
        let wanted = pool(databases[0], users[0])
        #expect(set.open(0, in: pool(databases[0], users[1]), at: self.at(0)) == .idle)
        #expect(set.open(1, in: pool(databases[1], users[0]), at: self.at(1)) == .idle)
        _ = set.checkOut(wanted, 1, at: self.at(2))
        #expect(set.next(at: self.at(2)) == .evict(set.server(0)))
        #expect(set.next(at: self.at(2)) == .evict(set.server(1)))
        #expect(set.next(at: self.at(2)) == nil)
        set.value.closed(set.server(0))
        #expect(set.next(at: self.at(2)) == nil)
        set.value.closed(set.server(1))
        #expect(set.next(at: self.at(2)) == .open(wanted))
    }

    @Test func `a check is under way for everybody who waits while servers are idle`() {
        let set = Transcript(PoolSet())
        let pool = self.add(set, self.limits { $0.checkDelay = 10 * Self.second })
        for number in 0..<3 { #expect(set.open(UInt32(number), in: pool, at: self.at(0)) == .idle) }
        for (client, server) in [(1, 2), (2, 1)] as [(UInt32, UInt32)] {
            guard case .test(let tested, _) = set.checkOut(pool, client, at: self.at(20)) else {
                Issue.record("not tested")
                return
            }
            #expect(tested == set.server(server))
        }
        #expect(set.next(at: self.at(20)) == nil)
        set.value.closeStarted(set.server(2), now: self.at(21))
        #expect(set.test(pool, at: self.at(21)) == set.server(0))
        #expect(set.test(pool, at: self.at(21)) == nil)
        #expect(!set.serves(pool, at: self.at(21)))
        #expect(
            set.checkIn(0, at: self.at(22))
                == .serve(set.client(1), since: self.at(20))
        )
    }

    @Test func `an obsolete server is used by nobody and closes at the next upkeep`() {
        let set = Transcript(PoolSet())
        let pool = self.add(set, self.limits { $0.size = 1 })
        #expect(set.open(0, in: pool, at: self.at(0)) == .idle)
        set.value.setCloseNeeded(set.server(0))
        #expect(self.isWaiting(set.checkOut(pool, 1, at: self.at(1))))
        #expect(set.due(at: self.at(1)) == [.close(set.server(0), .closeNeeded)])
        set.value.closed(set.server(0))
        #expect(set.next(at: self.at(1)) == .open(pool))
    }

    @Test func `connections of one age close in turns`() {
        let set = Transcript(PoolSet())
        let pool = self.add(
            set,
            self.limits {
                $0.size = 2
                $0.lifetime = 100 * Self.second
            }
        )
        for number in 0..<2 { #expect(set.open(UInt32(number), in: pool, at: self.at(0)) == .idle) }
        #expect(set.due(at: self.at(99)) == [])
        #expect(set.due(at: self.at(100)).count == 1)
        #expect(set.due(at: self.at(149)) == [])
        #expect(set.due(at: self.at(150)).count == 1)
    }

    @Test func `the minimum is kept while the pool has clients and evicts nobody`() {
        let set = Transcript(PoolSet())
        let pool = self.add(set, self.limits { $0.minimumSize = 1 })
        let other = self.add(set, self.limits())
        set.value.shared.setProcessLimit(1)
        #expect(set.next(at: self.at(0)) == nil)
        set.value.clientJoined(pool)
        #expect(set.next(at: self.at(0)) == .open(pool))
        #expect(set.open(0, in: other, at: self.at(0)) == .idle)
        #expect(set.next(at: self.at(0)) == nil)
        set.value.clientLeft(pool)
        set.value.closeStarted(set.server(0), now: self.at(1))
        set.value.closed(set.server(0))
        #expect(set.next(at: self.at(1)) == nil)
        set.value.setFilling(of: pool, always: true, hasCredentials: true)
        #expect(set.next(at: self.at(1)) == .open(pool))
        set.value.setFilling(of: pool, always: true, hasCredentials: false)
        #expect(set.next(at: self.at(1)) == nil)
    }

    @Test func `the pool whose waiter is oldest opens first`() {
        let set = Transcript(PoolSet())
        let pools = (0..<2).map { _ in self.add(set, self.limits()) }
        _ = set.checkOut(pools[1], 1, at: self.at(0))
        _ = set.checkOut(pools[0], 2, at: self.at(1))
        #expect(set.next(at: self.at(2)) == .open(pools[1]))
        set.value.setPaused(true, database: set.pools[1].database)
        #expect(set.next(at: self.at(2)) == .open(pools[0]))
    }
}
