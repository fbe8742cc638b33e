import Pooling

/// SHOW DATABASES and USERS.
extension Table {
    /// SHOW DATABASES, by name, the console's own among them.
    static func databases(_ snapshot: Snapshot) -> Table {
        let rows = (snapshot.databases + [ConsoleDatabase.row(snapshot)])
            .sorted { $0.name < $1.name }
        return Table(
            rows,
            [
                .text("name") { $0.name },
                .text("host") { $0.host },
                .int4("port") { $0.port },
                .text("database") { $0.serverDatabase },
                .text("force_user") { $0.forcedUser },
                .int4("pool_size") { $0.poolSize },
                .int4("min_pool_size") { $0.minPoolSize },
                .int4("reserve_pool_size") { $0.reservePoolSize },
                .int4("server_lifetime") { $0.serverLifetimeSeconds },
                .text("pool_mode") { $0.poolMode },
                .text("load_balance_hosts") { $0.loadBalanceHosts },
                .int4("max_connections") { $0.maxConnections },
                .int4("current_connections") { $0.currentConnections },
                .int4("max_client_connections") { $0.maxClientConnections },
                .int4("current_client_connections") { $0.currentClientConnections },
                .flag("paused") { $0.paused },
                .flag("disabled") { $0.disabled },
            ]
        )
    }

    /// SHOW USERS, by name. The two sizes are text, as PgBouncer has them, but neither padded nor
    /// carried into other rows.
    static func users(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.users.sorted { $0.name < $1.name },
            [
                .text("name") { $0.name },
                .text("pool_size") { user in user.poolSize.map { "\($0)" } },
                .text("reserve_pool_size") { user in user.reservePoolSize.map { "\($0)" } },
                .text("pool_mode") { $0.poolMode },
                .int4("max_user_connections") { $0.maxConnections },
                .int4("current_connections") { $0.currentConnections },
                .int4("max_user_client_connections") { $0.maxClientConnections },
                .int4("current_client_connections") { $0.currentClientConnections },
            ]
        )
    }
}
