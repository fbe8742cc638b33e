import Pooling

/// The console's own database, which exists on no server.
enum ConsoleDatabase {
    /// The name under which it is listed, as in PgBouncer.
    static let name = "pgbouncer"
    /// Every name that reaches it.
    static let names: Set<String> = [Self.name, "weir"]

    /// Its row in SHOW DATABASES, with PgBouncer's constants.
    static func row(_ snapshot: Snapshot) -> Snapshot.Database {
        Snapshot.Database(
            name: Self.name,
            host: nil,
            port: snapshot.listenPort,
            serverDatabase: Self.name,
            forcedUser: Self.name,
            poolSize: 2,
            minPoolSize: 0,
            reservePoolSize: 0,
            serverLifetimeSeconds: 0,
            poolMode: "statement",
            loadBalanceHosts: nil,
            maxConnections: 0,
            currentConnections: 0,
            maxClientConnections: 0,
            currentClientConnections: snapshot.consoleClients,
            paused: false,
            disabled: false
        )
    }

    /// Its row in SHOW POOLS.
    static func pool(_ snapshot: Snapshot) -> Snapshot.Pool {
        var pool = Snapshot.Pool(
            database: Self.name,
            user: Self.name,
            poolMode: "statement",
            loadBalanceHosts: nil
        )
        pool.clientsActive = snapshot.consoleClients
        return pool
    }
}
