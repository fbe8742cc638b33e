import Testing

@testable import Settings

struct SettingsLookupTests {
    @Test func `a server is found by each of its addresses, and others by their own`() throws {
        let settings = try load(
            """
            [weir]
            server_budget = 40
            [databases]
            a = host=h,i port=6000
            [servers]
            main = host=h,i,/run port=6000 reserve=3
            other = host=o budget=7 reserve=2
            """
        )
        func slots(_ host: String, _ port: Int) -> (String, Int?) {
            let server = settings.server(host: host, port: port)
            return (server.name, server.slots(of: nil))
        }
        #expect(slots("h", 6_000) == ("main", 37))
        #expect(slots("/run", 6_000) == ("main", 37))
        #expect(slots("o", 5_432) == ("other", 5))
        #expect(slots("h", 5_432) == ("h:5432", 40))
    }

    private let settings: Settings

    init() throws {
        self.settings = try load(
            """
            [weir]
            pool_mode = transaction
            min_pool_size = 4
            query_timeout = 9
            max_user_connections = 8
            max_db_connections = 70
            reserve_pool_size = 1
            [databases]
            a = pool_size=3 pool_mode=session reserve_pool_size=2 slow_query_threshold=1
            b = max_db_connections=0 server_lifetime=60 max_db_client_connections=5
            * = pool_size=6 host=f
            [users]
            u = pool_size=0 pool_mode=statement query_timeout=2 slow_query_threshold=off
            v = reserve_pool_size=9 max_user_connections=0 max_user_client_connections=2 \
            transaction_timeout=3 idle_transaction_timeout=4 client_idle_timeout=5
            """
        )
    }

    @Test func `the user comes before the database and that before the global value`() {
        #expect(self.settings.poolMode(database: "a", user: "u") == .statement)
        #expect(self.settings.poolMode(database: "a", user: "v") == .session)
        #expect(self.settings.poolMode(database: "b", user: "v") == .transaction)
        #expect(self.settings.poolSize(database: "a", user: "u") == 0)
        #expect(self.settings.poolSize(database: "a", user: "x") == 3)
        #expect(self.settings.poolSize(database: "b", user: "x") == 20)
        #expect(self.settings.reservePoolSize(database: "a", user: "v") == 9)
        #expect(self.settings.reservePoolSize(database: "a", user: "x") == 2)
        #expect(self.settings.reservePoolSize(database: "b", user: "x") == 1)
        #expect(self.settings.slowQueryThreshold(database: "a", user: "u") == .off)
        #expect(
            self.settings.slowQueryThreshold(database: "a", user: "x") == .atLeast(.seconds(1))
        )
        #expect(
            self.settings.slowQueryThreshold(database: "b", user: "x")
                == .atLeast(.milliseconds(100))
        )
    }

    @Test func `what may be pinned is all but one of the pool's size, or what is said`() throws {
        #expect(self.settings.maxPinned(database: "a", user: "x") == 2)
        #expect(self.settings.maxPinned(database: "a", user: "u") == nil)
        let said = try load(
            """
            [weir]
            max_pinned = 7
            pin_timeout = 9
            prepare_anonymous = 5
            [databases]
            a = pool_size=1 max_pinned=-1 session_state=reset
            b = max_pinned=0 pin_timeout=0 prepare_anonymous=0
            [users]
            u = max_pinned=3 session_state=reject prepare_anonymous=7
            """
        )
        #expect(said.maxPinned(database: "a", user: "x") == 1)
        #expect(said.maxPinned(database: "b", user: "x") == 0)
        #expect(said.maxPinned(database: "c", user: "x") == 7)
        #expect(said.maxPinned(database: "b", user: "u") == 3)
        #expect(said.pinTimeout(database: "a", user: "x") == .seconds(9))
        #expect(said.pinTimeout(database: "b", user: "x") == .zero)
        #expect(said.prepareAnonymous(database: "a", user: "x") == 5)
        #expect(said.prepareAnonymous(database: "b", user: "x") == 0)
        #expect(said.prepareAnonymous(database: "b", user: "u") == 7)
        #expect(said.sessionState(database: "a", user: "u") == .reject)
        #expect(said.sessionState(database: "a", user: "x") == .reset)
        #expect(said.sessionState(database: "b", user: "x") == .pin)
    }

    @Test func `a minimum never exceeds the pool's size`() {
        #expect(self.settings.minPoolSize(database: "a", user: "x") == 3)
        #expect(self.settings.minPoolSize(database: "a", user: "u") == 4)
        #expect(self.settings.minPoolSize(database: "b", user: "x") == 4)
    }

    @Test func `limits and times of databases and users replace the global ones`() {
        #expect(self.settings.maxDbConnections(database: "a") == 70)
        #expect(self.settings.maxDbConnections(database: "b") == 0)
        #expect(self.settings.maxDbClientConnections(database: "a") == 0)
        #expect(self.settings.maxDbClientConnections(database: "b") == 5)
        #expect(self.settings.serverLifetime(database: "a") == .seconds(3_600))
        #expect(self.settings.serverLifetime(database: "b") == .seconds(60))
        #expect(self.settings.maxUserConnections(user: "u") == 8)
        #expect(self.settings.maxUserConnections(user: "v") == 0)
        #expect(self.settings.maxUserClientConnections(user: "v") == 2)
        #expect(self.settings.maxUserClientConnections(user: "u") == 0)
        #expect(self.settings.queryTimeout(user: "u") == .seconds(2))
        #expect(self.settings.queryTimeout(user: "v") == .seconds(9))
        #expect(self.settings.transactionTimeout(user: "v") == .seconds(3))
        #expect(self.settings.idleTransactionTimeout(user: "v") == .seconds(4))
        #expect(self.settings.clientIdleTimeout(user: "v") == .seconds(5))
        // One user's limit is nobody else's.
        #expect(self.settings.clientIdleTimeout(user: "u") == .zero)
    }

    @Test func `a name without an entry takes the fallback's under its own name`() throws {
        let database = try #require(self.settings.database(named: "new"))
        #expect(database.name == "new")
        #expect(database.hosts == ["f"])
        #expect(self.settings.poolSize(database: "new", user: "x") == 6)
        #expect(self.settings.database(named: "a")?.name == "a")
        #expect(self.settings.database(named: String(repeating: "n", count: 64)) == nil)
        let without = try load("[databases]\na =")
        #expect(without.database(named: "new") == nil)
    }
}
