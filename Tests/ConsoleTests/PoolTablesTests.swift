import Console
import Pooling
import Testing

struct PoolTablesTests {
    static let database = Snapshot.Database(
        name: "sales",
        host: "db1,db2",
        port: 5433,
        serverDatabase: "sales_v2",
        forcedUser: "app",
        poolSize: 20,
        minPoolSize: 1,
        reservePoolSize: 2,
        serverLifetimeSeconds: 3600,
        poolMode: "session",
        loadBalanceHosts: "disable",
        maxConnections: 30,
        currentConnections: 4,
        maxClientConnections: 50,
        currentClientConnections: 6,
        paused: true,
        disabled: false
    )

    static let user = Snapshot.User(
        name: "alice",
        poolSize: 12,
        reservePoolSize: 3,
        poolMode: "statement",
        maxConnections: 4,
        currentConnections: 5,
        maxClientConnections: 6,
        currentClientConnections: 7
    )

    @Test func `every count of a pin stands in its own column`() throws {
        var pin = Snapshot.Pin(database: "app", user: "alice", reason: "listen")
        pin.current = 1
        pin.counts.started = 2
        pin.counts.refused = 3
        pin.counts.reset = 4
        pin.counts.timedOut = 5
        let reply = try AdminConsole.ask("SHOW PINS", .with { $0.pins = [pin] })
        #expect(reply.rows == [["app", "alice", "listen", "1", "2", "3", "4", "5"]])
    }

    @Test func `a budget says what is taken of it, used and wanted`() throws {
        var limited = Snapshot.Budget(server: "main", slots: 9, held: 5)
        limited.used = 4
        limited.waiting = 3
        let other = Snapshot.Budget(server: "127.0.0.1:5432", slots: 0, held: 1)
        let reply = try AdminConsole.ask("SHOW BUDGET", .with { $0.budgets = [limited, other] })
        #expect(
            reply.rows == [
                ["main", "local", nil, "9", "5", "4", "7", nil, nil, nil],
                ["127.0.0.1:5432", "local", nil, nil, "1", "0", "0", nil, nil, nil],
            ]
        )
    }

    @Test func `a fleet says who holds what, and how the budget is shared`() throws {
        var entry = BoardEntry(member: 7, weight: 1, minimum: 1)
        (entry.held, entry.used, entry.waiting) = (3, 2, 1)
        entry.oldestWait = 1_500_000_000
        var shared = Snapshot.Budget(server: "main", slots: 9, held: 5)
        shared.ledger = "postgres"
        shared.fleet = Snapshot.FleetOverview(
            members: [
                Snapshot.FleetMember(
                    node: "web-1",
                    address: "10.0.0.1:6432",
                    version: "1.0",
                    entry: entry,
                    silence: 20_000_000,
                    isOwn: false
                )
            ],
            share: 4,
            counted: 8,
            orphans: 1,
            state: .short
        )
        let snapshot = Snapshot.with { $0.budgets = [shared] }
        #expect(
            try AdminConsole.ask("SHOW FLEET", snapshot).rows == [
                ["main", "web-1", "no", "10.0.0.1:6432", "1.0", "3", "2", "1", "1500", "20"]
            ]
        )
        #expect(
            try AdminConsole.ask("SHOW BUDGET", snapshot).rows == [
                ["main", "postgres", "short", "9", "5", "0", "0", "4", "8", "1"]
            ]
        )
    }

    @Test func `every count of a pool stands in its own column, and the console has a pool`() throws
    {
        var pool = Snapshot.Pool(
            database: "app",
            user: "alice",
            poolMode: "transaction",
            loadBalanceHosts: "round-robin"
        )
        pool.clientsActive = 1
        pool.clientsWaiting = 2
        pool.clientsActiveCancel = 3
        pool.clientsWaitingCancel = 4
        pool.serversActive = 5
        pool.serversActiveCancel = 6
        pool.serversBeingCanceled = 7
        pool.serversIdle = 8
        pool.serversUsed = 9
        pool.serversTested = 10
        pool.serversLogin = 11
        pool.oldestWait = 12_000_013
        var other = pool
        other.user = "Bob"
        other.loadBalanceHosts = nil
        var last = pool
        last.database = "zoo"
        let snapshot = Snapshot.with { $0.pools = [last, pool, other] }
        let reply = try AdminConsole.ask("SHOW POOLS", snapshot)
        #expect(reply["database"] == ["app", "app", "pgbouncer", "zoo"])
        #expect(reply["user"] == ["Bob", "alice", "pgbouncer", "alice"])
        #expect(reply["load_balance_hosts"] == [nil, "round-robin", nil, "round-robin"])
        #expect(
            reply.rows[1] == [
                "app", "alice", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13",
                "transaction", "round-robin",
            ]
        )
        #expect(
            reply.rows[2] == [
                "pgbouncer", "pgbouncer", "1", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0",
                "0", "0", "statement", nil,
            ]
        )
    }

    @Test func `every value of a database stands in its own column, and the console is one`() throws
    {
        let database = Self.database
        var plain = database
        plain.name = "a"
        plain.host = nil
        plain.forcedUser = nil
        plain.poolMode = nil
        plain.loadBalanceHosts = nil
        plain.paused = false
        plain.disabled = true
        let reply = try AdminConsole.ask(
            "SHOW DATABASES",
            .with { $0.databases = [database, plain] }
        )
        #expect(
            reply.rows == [
                [
                    "a", nil, "5433", "sales_v2", nil, "20", "1", "2", "3600", nil, nil, "30", "4",
                    "50", "6", "0", "1",
                ],
                [
                    "pgbouncer", nil, "6432", "pgbouncer", "pgbouncer", "2", "0", "0", "0",
                    "statement", nil, "0", "0", "0", "1", "0", "0",
                ],
                [
                    "sales", "db1,db2", "5433", "sales_v2", "app", "20", "1", "2", "3600",
                    "session", "disable", "30", "4", "50", "6", "1", "0",
                ],
            ]
        )
    }

    @Test func `a user without sizes has NULL, not another user's`() throws {
        let alice = Self.user
        var bob = alice
        bob.name = "bob"
        bob.poolSize = nil
        bob.reservePoolSize = nil
        bob.poolMode = nil
        let reply = try AdminConsole.ask("SHOW USERS", .with { $0.users = [bob, alice] })
        #expect(
            reply.rows == [
                ["alice", "12", "3", "statement", "4", "5", "6", "7"],
                ["bob", nil, nil, nil, "4", "5", "6", "7"],
            ]
        )
    }

    @Test func `peers are listed by ID`() throws {
        let snapshot = Snapshot.with { snapshot in
            snapshot.peers = [
                .init(id: 10, host: nil, port: 6433, poolSize: 5),
                .init(id: 9, host: "h", port: 6432, poolSize: 4),
            ]
            snapshot.peerPools = [
                .init(
                    peerID: 9,
                    clientsActiveCancel: 1,
                    clientsWaitingCancel: 2,
                    serversActiveCancel: 3,
                    serversLogin: 4
                )
            ]
        }
        let peers = try AdminConsole.ask("SHOW PEERS", snapshot)
        #expect(peers.rows == [["9", "h", "6432", "4"], ["10", nil, "6433", "5"]])
        let pools = try AdminConsole.ask("SHOW PEER_POOLS", snapshot)
        #expect(pools.rows == [["9", "1", "2", "3", "4"]])
    }
}
