import TestSupport
import Testing

@testable import Pooling

/// How many servers clients may keep.
struct PoolSetPinsTests {
    @Test("as many as the limit, and again when one lets go")
    func limit() {
        var pools = PoolSet()
        let database = pools.addDatabase(limit: 0)
        let user = pools.addUser(limit: 0)
        var limits = PoolLimits()
        limits.pinnedMax = 2
        let pool = pools.addPool(database: database, user: user, limits: limits)
        let other = pools.addPool(database: database, user: user, limits: PoolLimits())
        let taken = (0..<3).map { _ in pools.pinStarted(pool) }
        #expect(taken == [true, true, false])
        #expect(pools.shared.pools[pool.index].pinned == 2)
        pools.pinEnded(pool)
        let again = pools.pinStarted(pool)
        #expect(again)
        let unlimited = (0..<100).map { _ in pools.pinStarted(other) }
        #expect(unlimited.allSatisfy { $0 })
        limits.pinnedMax = 0
        pools.setLimits(limits, of: pool)
        pools.pinEnded(pool)
        pools.pinEnded(pool)
        let none = pools.pinStarted(pool)
        #expect(!none && pools.shared.pools[pool.index].pinned == 0)
    }
}
