import Pooling

/// SHOW LISTS, CONFIG, MEM, STATE, VERSION and FDS: the process itself.
extension Table {
    /// SHOW LISTS: two columns for ever, since exporters count them.
    static func lists(_ snapshot: Snapshot) -> Table {
        let counts = snapshot.counts
        let rows: [(name: String, items: Int)] = [
            ("databases", snapshot.databases.count + 1),
            ("users", snapshot.users.count),
            ("peers", snapshot.peers.count),
            ("pools", snapshot.pools.count + 1),
            ("peer_pools", snapshot.peerPools.count),
            ("free_clients", counts.freeClients),
            ("used_clients", counts.usedClients),
            ("login_clients", counts.loginClients),
            ("free_servers", counts.freeServers),
            ("used_servers", counts.usedServers),
            ("dns_names", counts.dnsNames),
            ("dns_zones", counts.dnsZones),
            ("dns_queries", counts.dnsQueries),
            ("dns_pending", counts.dnsPending),
        ]
        return Table(rows, [.text("list") { $0.name }, .int4("items") { $0.items }])
    }

    /// SHOW CONFIG.
    static func config(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.configuration,
            [
                .text("key") { $0.key },
                .text("value") { $0.value },
                .text("default") { $0.defaultValue },
                .text("changeable") { $0.changeable ? "yes" : "no" },
            ]
        )
    }

    /// SHOW MEM: PgBouncer's rows first, at 0 where Weir has no such cache, then those that only
    /// Weir has.
    static func memory(_ snapshot: Snapshot) -> Table {
        let names = [
            "user_cache", "credentials_cache", "db_cache", "peer_cache", "peer_pool_cache",
            "pool_cache", "outstanding_request_cache", "server_cache", "client_cache",
            "iobuf_cache", "var_list_cache", "server_prepared_statement_cache",
        ]
        let known = names.map { name in
            snapshot.memory.first { $0.name == name }
                ?? Snapshot.MemoryUse(name: name, entrySize: 0, used: 0, free: 0, totalBytes: 0)
        }
        return Table(
            known + snapshot.memory.filter { !names.contains($0.name) },
            [
                .text("name") { $0.name },
                .int4("size") { $0.entrySize },
                .int4("used") { $0.used },
                .int4("free") { $0.free },
                .int4("memtotal") { $0.totalBytes },
            ]
        )
    }

    /// SHOW STATE: PgBouncer's three rows, and the event engine, which has no place of its own
    /// elsewhere.
    static func state(_ snapshot: Snapshot) -> Table {
        let rows =
            Snapshot.RunState.allCases.map { state in
                (key: state.rawValue, value: snapshot.state == state ? "yes" : "no")
            } + [(key: "event_engine", value: snapshot.eventEngine)]
        return Table(rows, [.text("key") { $0.key }, .text("value") { $0.value }])
    }

    /// SHOW VERSION.
    static func version(_ text: String) -> Table {
        Table([text], [.text("version") { $0 }])
    }

    /// SHOW FDS. Passwords and keys stay NULL and the cancel key 0: the console shows no secret to
    /// anybody.
    static func descriptors(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.descriptors,
            [
                .int4("fd") { $0.fd },
                .text("task") { $0.task.rawValue },
                .text("user") { $0.user },
                .text("database") { $0.database },
                .text("addr") { $0.address },
                .int4("port") { $0.port },
                .int8("cancel") { _ in 0 },
                .int4("link") { $0.link ?? 0 },
                .text("client_encoding") { $0.clientEncoding },
                .text("std_strings") { $0.standardConformingStrings },
                .text("datestyle") { $0.dateStyle },
                .text("timezone") { $0.timeZone },
                .null("password", .text),
                .null("scram_client_key", .bytea),
                .null("scram_server_key", .bytea),
            ]
        )
    }
}
