import Pooling
import TestSupport
import Testing

/// Long runs of everything at once: pools that share caps of databases, users, PostgreSQL servers
/// and the process, with reserves, minimum sizes, lifetimes and checks drawn by lot. `WEIR_SEED`
/// begins with the run that a failure names.
struct PoolSetRandomTests {
    private static let second: Nanoseconds = 1_000_000_000

    private static func limits(_ random: inout SeededRandom) -> PoolLimits {
        var limits = PoolLimits()
        limits.size = random.below(4)
        limits.minimumSize = random.below(3)
        limits.reserveSize = random.below(2)
        limits.reserveTimeout = Nanoseconds(random.below(4)) * Self.second
        limits.loginParallelism = 1 + random.below(4)
        limits.lifetime = random.chance(10) ? 0 : Nanoseconds(20 + random.below(100)) * Self.second
        limits.idleTimeout = Nanoseconds(random.below(30)) * Self.second
        limits.checkDelay = random.chance(40) ? Nanoseconds(random.below(10)) * Self.second : nil
        limits.isRoundRobin = random.chance(30)
        limits.waitTimeout = Nanoseconds(20 + random.below(60)) * Self.second
        limits.downTimeout = Nanoseconds(1 + random.below(10)) * Self.second
        limits.notifyAfter = Nanoseconds(random.below(5)) * Self.second
        limits.retryDelayMax = Nanoseconds(1 + random.below(15)) * Self.second
        return limits
    }

    private static func world(_ random: inout SeededRandom) -> PoolWorld {
        var set = PoolSet()
        func cap() -> Int { random.chance(40) ? 0 : 1 + random.below(5) }
        let databases = [set.addDatabase(limit: cap()), set.addDatabase(limit: cap())]
        let users = [set.addUser(limit: cap()), set.addUser(limit: cap())]
        set.shared.setProcessLimit(cap())
        let hosts = (0..<random.below(4)).map { _ in set.shared.addServer(limit: cap()) }
        var pools: [(PoolID, PoolLimits)] = []
        for database in databases {
            for user in users where pools.isEmpty || random.chance(75) {
                let limits = Self.limits(&random)
                let pool = set.addPool(database: database, user: user, limits: limits)
                set.setHosts(hosts.filter { _ in random.chance(60) }, of: pool)
                pools.append((pool, limits))
            }
        }
        var world = PoolWorld(set, pools: pools, clientsPerPool: 1 + random.below(5))
        world.hasOwners = random.chance(60)
        return world
    }

    private static func run(_ round: Int) -> (PoolWorldViolation, [PoolWorld.Event])? {
        var random = TestRun.random(round: round)
        var world = Self.world(&random)
        var path: [PoolWorld.Event] = []
        for _ in 0..<(50 + random.below(250)) {
            let times = [1, Self.second / 3, Self.second, 7 * Self.second]
            let event = random.pick(world.events(passing: times))
            path.append(event)
            do throws(PoolWorldViolation) { try world.happen(event) } catch { return (error, path) }
        }
        return Self.end(&world).map { ($0, path) }
    }

    /// Everybody leaves and every server goes: nothing may be left over.
    private static func end(_ world: inout PoolWorld) -> PoolWorldViolation? {
        do throws(PoolWorldViolation) {
            try world.happen(.resume)
            for client in world.clients.indices {
                if world.clients[client].state != .away { try world.happen(.leave(client)) }
            }
            for pool in world.pools.indices {
                while !world.ownQueues[pool].isEmpty { try world.happen(.leaveOwn(pool)) }
                world.limits[pool].minimumSize = 0
                world.set.setLimits(world.limits[pool], of: world.pools[pool])
            }
            while !world.servers.isEmpty {
                let server = world.servers[0]
                try world.happen(server.place == .closing ? .closed(0) : .dies(0))
            }
        } catch { return error }
        guard world.set.slots(ofDatabase: nil) == 0, world.set.slots(ofDatabase: 0) == 0,
            world.set.onlyStreams(inDatabase: 0)
        else {
            return .slotsMiscounted("at the end")
        }
        return nil
    }

    @Test func `no long run breaks pools that share caps`() {
        for round in 0..<TestRun.rounds(debug: 300, release: 20_000) {
            guard let (fault, path) = Self.run(round) else { continue }
            let seed = TestRun.random(round: round).seed
            Issue.record("\(fault); WEIR_SEED=\(seed) after \(path.count): \(path.suffix(12))")
            return
        }
    }
}
