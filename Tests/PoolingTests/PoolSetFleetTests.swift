import Pooling
import TestSupport
import Testing

/// What a fleet's permits and claims mean to the pools of one process.
struct PoolSetFleetTests {
    private static let second: Nanoseconds = 1_000_000_000
    private let start: Instant = 1_000 * Self.second

    /// Two pools, each with one waiter, at a PostgreSQL server that a fleet shares.
    private func makeSet(
        _ standing: FleetStanding
    ) -> (set: Transcript<PoolSet>, first: PoolID, second: PoolID, server: Int) {
        var set = PoolSet()
        let server = set.shared.addServer(limit: 10)
        var limits = PoolLimits()
        limits.lifetime = 3_600 * Self.second
        var pools: [PoolID] = []
        for _ in 0..<2 {
            let database = set.shared.addDatabase(limit: 0)
            let user = set.shared.addUser(limit: 0)
            pools.append(set.shared.addPool(database: database, user: user))
            set.addShare(database: database, user: user, limits: limits)
            set.setHosts([server], of: pools[pools.count - 1])
        }
        set.shared.setStanding(standing, inUse: 0, of: server)
        return (Transcript(set), pools[0], pools[1], server)
    }

    private func standing(
        permits: Int = 0,
        _ state: FleetStanding.State = .open,
        owed: Int = 0
    ) -> FleetStanding {
        var standing = FleetStanding()
        (standing.permits, standing.state, standing.owed) = (permits, state, owed)
        return standing
    }

    @Test func `nothing is begun without a permit, and no more than there are permits`() {
        let (set, first, _, server) = self.makeSet(self.standing())
        for client in 0..<3 { _ = set.checkOut(first, UInt32(client), at: self.start) }
        #expect(set.next(at: self.start) == nil)
        set.value.shared.setStanding(self.standing(permits: 2), inUse: 0, of: server)
        for number in 0..<2 {
            #expect(set.next(at: self.start) == .open(first))
            let id = set.server(UInt32(number))
            set.value.opened(id, in: first, host: server, now: self.start)
        }
        #expect(set.next(at: self.start) == nil)
    }

    @Test func `a permit is used up by the startup message, and comes back without one`() {
        let (set, first, _, server) = self.makeSet(self.standing(permits: 1))
        for client in 0..<3 { _ = set.checkOut(first, UInt32(client), at: self.start) }
        set.value.opened(set.server(0), in: first, host: server, now: self.start)
        #expect(set.next(at: self.start) == nil, "its reservation has the permit")
        set.value.closeStarted(set.server(0), now: self.start)
        #expect(set.next(at: self.start) == .open(first), "it was closed before it sent anything")
        set.value.opened(set.server(1), in: first, host: server, now: self.start)
        // The fleet has counted it, and has none left.
        set.value.shared.setStanding(self.standing(permits: 0), inUse: 0, of: server)
        set.value.startupSent(set.server(1))
        #expect(set.value.shared.servers[server].reserved == 0)
        #expect(set.next(at: self.start) == nil)
    }

    @Test func `an idle server makes room only when the fleet has no slot left`() {
        let (set, first, second, server) = self.makeSet(self.standing(permits: 1))
        #expect(set.open(0, in: first, host: server, at: self.start) == .idle)
        set.value.startupSent(set.server(0))
        set.value.shared.setStanding(self.standing(), inUse: 0, of: server)
        _ = set.checkOut(second, 1, at: self.start)
        #expect(set.next(at: self.start) == nil, "a permit may come")
        set.value.shared.setStanding(self.standing(.short), inUse: 0, of: server)
        #expect(set.next(at: self.start) == .evict(set.server(0)))
    }

    @Test func `idle servers go to the fleet, and used ones as they come back`() {
        let (set, first, _, server) = self.makeSet(self.standing(permits: 3))
        for number in 0..<3 {
            _ = set.open(UInt32(number), in: first, host: server, at: self.start)
            set.value.startupSent(set.server(UInt32(number)))
        }
        #expect(set.checkOut(first, 1, at: self.start) == .use(set.server(2)))
        #expect(set.checkOut(first, 2, at: self.start) == .use(set.server(1)))
        #expect(set.due(at: self.start) == [])
        // Two are wanted: the idle one, and one of those in use.
        set.value.shared.setStanding(self.standing(owed: 2), inUse: 1, of: server)
        #expect(set.due(at: self.start) == [.close(set.server(0), .givenBack)])
        #expect(set.value.owesServersInUse)
        #expect(set.value.paysBack(set.server(1)) == true)
        set.value.closeStarted(set.server(1), now: self.start)
        #expect(set.value.paysBack(set.server(2)) == false)
        #expect(!set.value.owesServersInUse)
    }

    @Test func `what is wanted counts as far as the pool may grow`() {
        let (set, first, second, server) = self.makeSet(self.standing())
        var limits = PoolLimits()
        limits.size = 2
        set.value.setLimits(limits, of: first)
        for client in 0..<5 {
            _ = set.checkOut(first, UInt32(client), at: self.start + Self.second)
        }
        _ = set.checkOut(second, 9, at: self.start)
        let demand = set.value.demand(at: server, now: self.start + 2 * Self.second)
        #expect(demand.used == 0)
        #expect(demand.waiting == 3)
        #expect(demand.oldestSince == self.start)
    }
}
