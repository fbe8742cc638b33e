import Pooling
import TestSupport
import Testing

/// Servers that are one client's own, one rule at a time; `PoolSetRandomTests` tries all together.
struct PoolSetDedicatedTests {
    private let now: Instant = 1_000_000_000_000

    private func world(
        size: Int = 2,
        database: Int = 0,
        process: Int = 0
    ) -> (set: PoolSet, pool: PoolID) {
        var set = PoolSet()
        var limits = PoolLimits()
        limits.size = size
        limits.lifetime = 3_600_000_000_000
        limits.waitTimeout = 5_000_000_000
        let entry = set.addDatabase(limit: database)
        let pool = set.addPool(database: entry, user: set.addUser(limit: 0), limits: limits)
        set.shared.setProcessLimit(process)
        return (set, pool)
    }

    private func client(_ number: UInt32) -> ClientID { ClientID(index: number, generation: 1) }
    private func server(_ number: UInt32) -> ServerID { ServerID(index: number, generation: 1) }

    private func addIdle(_ number: UInt32, _ pool: PoolID, to set: inout PoolSet) {
        set.opened(self.server(number), in: pool, now: self.now)
        set.loginSucceeded(self.server(number), now: self.now)
        _ = set.checkIn(self.server(number), now: self.now)
    }

    @Test func `it takes a slot at every level, and gives it back when it is closed`() {
        var (set, pool) = self.world(size: 1, database: 1, process: 1)
        _ = set.awaitDedicated(pool, client: self.client(1), now: self.now)
        let first = set.nextDedicated(in: pool, now: self.now)
        #expect(first == self.client(1))
        set.openedDedicated(self.server(1), in: pool, now: self.now)
        #expect(set.shared.process.used == 1 && set.shared.databases[0].used == 1)
        _ = set.awaitDedicated(pool, client: self.client(2), now: self.now)
        let second = set.nextDedicated(in: pool, now: self.now)
        #expect(second == nil)
        set.closeStarted(self.server(1), now: self.now)
        let early = set.nextDedicated(in: pool, now: self.now)
        #expect(early == nil, "the slot is free when PostgreSQL has closed the connection")
        set.closed(self.server(1))
        let third = set.nextDedicated(in: pool, now: self.now)
        #expect(third == self.client(2))
    }

    @Test func `nobody else is given one, and it is no part of the minimum`() {
        var (set, pool) = self.world()
        set.openedDedicated(self.server(1), in: pool, now: self.now)
        let checkOut = set.checkOut(pool, client: self.client(1), now: self.now)
        guard case .wait = checkOut else {
            Issue.record("given \(checkOut)")
            return
        }
        let opening = set.nextOpening(now: self.now)
        #expect(opening == .open(pool), "what one client has is not on its way to another")
        #expect(set.shared.pools[0].serving == 0)
    }

    @Test func `a wish makes the pool over its size, so that an idle server goes`() {
        var (set, pool) = self.world(size: 2)
        self.addIdle(1, pool, to: &set)
        self.addIdle(2, pool, to: &set)
        _ = set.awaitDedicated(pool, client: self.client(9), now: self.now)
        let evicted = set.evictForDedicated(pool, demand: 1, now: self.now)
        #expect(evicted == nil, "the pool's own size is kept by closing what is over it")
        var due: [PoolSet.Due] = []
        set.upkeep(now: self.now, &due)
        #expect(due == [.close(self.server(1), .tooManyServers)], "one, and the longest idle")
    }

    @Test func `a wish has the next server that comes free closed, whoever waits`() {
        var (set, pool) = self.world(size: 1)
        self.addIdle(1, pool, to: &set)
        _ = set.checkOut(pool, client: self.client(1), now: self.now)
        _ = set.checkOut(pool, client: self.client(2), now: self.now)
        _ = set.awaitDedicated(pool, client: self.client(9), now: self.now)
        let checkIn = set.checkIn(self.server(1), now: self.now)
        #expect(checkIn == .close(.tooManyServers))
        set.closed(self.server(1))
        let opening = set.nextOpening(now: self.now)
        #expect(opening == nil, "the slot is the wish's")
        let client = set.nextDedicated(in: pool, now: self.now)
        #expect(client == self.client(9))
    }

    @Test func `where a shared cap is full an idle server of any pool goes`() {
        var (set, pool) = self.world(size: 5, process: 1)
        self.addIdle(1, pool, to: &set)
        _ = set.awaitDedicated(pool, client: self.client(9), now: self.now)
        let evicted = set.evictForDedicated(pool, demand: 1, now: self.now)
        #expect(evicted == self.server(1))
        let again = set.evictForDedicated(pool, demand: 1, now: self.now)
        #expect(again == nil)
    }

    @Test func `who waits too long, or leaves, wants nothing any more`() {
        var (set, pool) = self.world(size: 1)
        self.addIdle(1, pool, to: &set)
        let ticket = set.awaitDedicated(pool, client: self.client(8), now: self.now)
        _ = set.awaitDedicated(pool, client: self.client(9), now: self.now)
        let hasLeft = set.leaveDedicated(pool, client: self.client(8), ticket: ticket)
        let again = set.leaveDedicated(pool, client: self.client(8), ticket: ticket)
        #expect(hasLeft && !again)
        var due: [PoolSet.Due] = []
        set.upkeep(now: self.now + 5_000_000_000, &due)
        #expect(due.contains(.greetingExpired(self.client(9), .timeout)))
        #expect(set.shared.pools[0].dedicatedWanted == 0 && !set.awaitsDedicated(pool))
    }

    @Test func `a paused database opens none`() {
        var (set, pool) = self.world()
        set.setPaused(true, database: nil)
        _ = set.awaitDedicated(pool, client: self.client(1), now: self.now)
        let paused = set.nextDedicated(in: pool, now: self.now)
        set.setPaused(false, database: nil)
        let resumed = set.nextDedicated(in: pool, now: self.now)
        #expect(paused == nil && resumed == self.client(1))
    }

    @Test func `it is known whether nothing but streams is left`() {
        var (set, pool) = self.world(size: 5)
        set.openedDedicated(self.server(1), in: pool, now: self.now)
        set.openedDedicated(self.server(2), in: pool, now: self.now)
        set.setStreaming(true, self.server(1))
        #expect(!set.onlyStreams(inDatabase: 0))
        set.closeStarted(self.server(2), now: self.now)
        #expect(set.onlyStreams(inDatabase: 0), "what is being closed keeps nothing up")
        set.closeStarted(self.server(1), now: self.now)
        #expect(set.shared.pools[0].streaming == 0)
    }
}
