import Pooling
import Testing

struct SharedCountsTests {
    private typealias Limit = SharedCounts.ClientLimit

    private static func counts() -> SharedCounts {
        var counts = SharedCounts()
        for _ in 0..<2 {
            _ = counts.addDatabase(limit: 0)
            _ = counts.addUser(limit: 0)
        }
        return counts
    }

    @Test func `clients are counted for their database and their user`() {
        var counts = Self.counts()
        for (database, user) in [(0, 0), (0, 1), (1, 1)] {
            #expect(counts.admit(database: database, user: user, limits: (0, 0)) == nil)
        }
        #expect(counts.databases.map(\.clients) == [2, 1])
        #expect(counts.users.map(\.clients) == [1, 2])
        counts.dismiss(database: 0, user: 1)
        #expect(counts.databases.map(\.clients) == [1, 1])
        #expect(counts.users.map(\.clients) == [1, 1])
    }

    @Test func `a limit lets in so many, and one more for each that goes`() {
        var counts = Self.counts()
        for _ in 0..<3 { #expect(counts.admit(database: 0, user: 0, limits: (3, 0)) == nil) }
        #expect(counts.admit(database: 0, user: 1, limits: (3, 0)) == .database)
        #expect(counts.admit(database: 1, user: 0, limits: (0, 3)) == .user)
        counts.dismiss(database: 0, user: 0)
        #expect(counts.admit(database: 0, user: 0, limits: (3, 3)) == nil)
        #expect(counts.admit(database: 0, user: 0, limits: (3, 3)) == .database)
    }

    @Test func `who is refused is counted nowhere`() {
        var counts = Self.counts()
        #expect(counts.admit(database: 0, user: 0, limits: (5, 1)) == nil)
        let before = counts
        #expect(counts.admit(database: 0, user: 0, limits: (5, 1)) == .user)
        #expect(counts.admit(database: 0, user: 1, limits: (1, 5)) == .database)
        #expect(counts == before)
    }

    @Test func `a limit lowered below what is there refuses until enough have gone`() {
        var counts = Self.counts()
        for _ in 0..<4 { _ = counts.admit(database: 0, user: 0, limits: (0, 0)) }
        for _ in 0..<3 {
            #expect(counts.admit(database: 0, user: 0, limits: (2, 0)) == .database)
            counts.dismiss(database: 0, user: 0)
        }
        #expect(counts.admit(database: 0, user: 0, limits: (2, 0)) == nil)
    }

    @Test func `a limit that nobody knows lets nothing be opened and has nothing closed`() {
        var counts = SharedCounts()
        let server = counts.addServer(limit: 0)
        #expect(counts.servers[server].hasRoom)
        counts.setServerLimit(nil, of: server)
        #expect(counts.servers[server].isUnknown && !counts.servers[server].hasRoom)
        counts.setServerLimit(2, of: server)
        #expect(!counts.servers[server].isUnknown && counts.servers[server].hasRoom)
        counts.setServerLimit(0, of: server)
        #expect(counts.servers[server].hasRoom)
    }

    @Test func `places are given in turn and stay`() {
        var counts = Self.counts()
        let pools = [(0, 1), (1, 0), (0, 0)].map { counts.addPool(database: $0, user: $1) }
        #expect(pools.map(\.index) == [0, 1, 2])
        #expect(counts.pools.map(\.database) == [0, 1, 0])
        #expect(counts.pools.map(\.user) == [1, 0, 0])
        counts.setDatabaseLimit(4, of: 1)
        counts.setUserLimit(5, of: 0)
        counts.setProcessLimit(6)
        #expect(counts.databases.map(\.limit) == [0, 4] && counts.users.map(\.limit) == [5, 0])
        #expect(counts.process.limit == 6)
    }
}
