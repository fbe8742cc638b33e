import Pooling
import TestSupport
import Testing

/// Every order of events over three clients and two servers, against books that are kept apart.
struct PoolSetExhaustionTests {
    private static let second: Nanoseconds = 1_000_000_000

    /// A kind of world to exhaust.
    enum Setting: String, CaseIterable, CustomTestStringConvertible {
        case onePool, checked, roundRobin, reserve, twoPools, twoUsers
        var testDescription: String { self.rawValue }
    }

    private static func limits(_ setting: Setting) -> PoolLimits {
        var limits = PoolLimits()
        limits.size = setting == .reserve ? 1 : 2
        limits.lifetime = 100 * Self.second
        limits.idleTimeout = 50 * Self.second
        limits.waitTimeout = 30 * Self.second
        limits.downTimeout = 5 * Self.second
        limits.isRoundRobin = setting == .roundRobin
        if setting == .checked { limits.checkDelay = 0 }
        if setting == .reserve {
            limits.reserveSize = 1
            limits.reserveTimeout = 2 * Self.second
        }
        return limits
    }

    private static func world(_ setting: Setting) -> PoolWorld {
        var set = PoolSet()
        let limits = Self.limits(setting)
        let database = set.addDatabase(limit: 0)
        let user = set.addUser(limit: 0)
        let first = set.addPool(database: database, user: user, limits: limits)
        switch setting {
        case .onePool, .checked, .roundRobin, .reserve:
            return PoolWorld(set, pools: [(first, limits)], clientsPerPool: 3)
        case .twoPools:
            set.shared.setProcessLimit(2)
            let other = set.addPool(database: database, user: set.addUser(limit: 0), limits: limits)
            return PoolWorld(set, pools: [(first, limits), (other, limits)], clientsPerPool: 2)
        case .twoUsers:
            set.shared.setDatabaseLimit(1, of: database)
            set.shared.setUserLimit(1, of: user)
            let database2 = set.addDatabase(limit: 0)
            let user2 = set.addUser(limit: 0)
            let sameDatabase = set.addPool(database: database, user: user2, limits: limits)
            let sameUser = set.addPool(database: database2, user: user, limits: limits)
            return PoolWorld(
                set,
                pools: [(first, limits), (sameDatabase, limits), (sameUser, limits)],
                clientsPerPool: 1
            )
        }
    }

    /// A world after `count` clients have been served and, if so wished, have given their servers
    /// back.
    private static func started(
        _ setting: Setting,
        served count: Int,
        isIdle: Bool
    ) throws -> PoolWorld {
        var world = Self.world(setting)
        let clients = setting == .twoUsers ? [1, 2] : Array(world.clients.indices)
        for client in clients.prefix(count) {
            try world.happen(.want(client))
            while let index = world.servers.firstIndex(where: { $0.place == .opening }) {
                try world.happen(.loginSucceeds(index))
            }
        }
        while isIdle, let index = world.servers.firstIndex(where: { $0.place == .active }) {
            try world.happen(.release(index))
        }
        return world
    }

    @Test(arguments: Setting.allCases, [(0, false), (2, true), (3, false)])
    func `no order of events breaks a pool`(
        setting: Setting,
        start: (served: Int, isIdle: Bool)
    ) throws {
        let world = try Self.started(setting, served: start.served, isIdle: start.isIdle)
        var count = 0
        let isLarge = setting == .onePool || setting == .twoPools
        let depth = TestRun.rounds(debug: isLarge ? 5 : 4, release: isLarge ? 6 : 5)
        if let (fault, path) = Self.exhaust(world, depth, &count) {
            Issue.record("\(fault) after \(path)")
        }
        #expect(count > 1_000)
    }

    /// Tries every event in every order; returns the first violation and the way to it.
    private static func exhaust(
        _ world: PoolWorld,
        _ depth: Int,
        _ count: inout Int
    ) -> (PoolWorldViolation, [PoolWorld.Event])? {
        guard depth > 0 else { return nil }
        for event in world.events(passing: [3 * Self.second, 40 * Self.second]) {
            var next = world
            count += 1
            do throws(PoolWorldViolation) {
                try next.happen(event)
            } catch {
                return (error, [event])
            }
            if let (fault, path) = Self.exhaust(next, depth - 1, &count) {
                return (fault, [event] + path)
            }
        }
        return nil
    }
}
