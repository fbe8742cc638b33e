import Console
import Pooling
import Testing
import Wire

struct ProcessTablesTests {
    @Test func `SHOW LISTS has PgBouncer's fourteen rows and counts the console`() throws {
        let snapshot = Snapshot.with { snapshot in
            snapshot.pools = [
                .init(database: "d", user: "u", poolMode: "session", loadBalanceHosts: nil)
            ]
            snapshot.peers = [.init(id: 1, host: nil, port: 1, poolSize: 1)]
            snapshot.counts.freeClients = 21
            snapshot.counts.usedClients = 22
            snapshot.counts.loginClients = 23
            snapshot.counts.freeServers = 24
            snapshot.counts.usedServers = 25
            snapshot.counts.dnsNames = 26
            snapshot.counts.dnsZones = 27
            snapshot.counts.dnsQueries = 28
            snapshot.counts.dnsPending = 29
        }
        let reply = try AdminConsole.ask("SHOW LISTS", snapshot)
        #expect(
            reply.rows == [
                ["databases", "1"], ["users", "0"], ["peers", "1"], ["pools", "2"],
                ["peer_pools", "0"], ["free_clients", "21"], ["used_clients", "22"],
                ["login_clients", "23"], ["free_servers", "24"], ["used_servers", "25"],
                ["dns_names", "26"], ["dns_zones", "27"], ["dns_queries", "28"],
                ["dns_pending", "29"],
            ]
        )
    }

    @Test func `SHOW CONFIG keeps the order and tells NULL from empty`() throws {
        let snapshot = Snapshot.with { snapshot in
            snapshot.configuration = [
                .init(key: "z", value: "", defaultValue: nil, changeable: true),
                .init(key: "a", value: nil, defaultValue: "", changeable: false),
            ]
        }
        let reply = try AdminConsole.ask("SHOW CONFIG", snapshot)
        #expect(reply.rows == [["z", "", nil, "yes"], ["a", nil, "", "no"]])
    }

    @Test func `SHOW MEM has PgBouncer's rows first, then Weir's own`() throws {
        let snapshot = Snapshot.with { snapshot in
            snapshot.memory = [
                .init(name: "buffer_ring", entrySize: 1, used: 2, free: 3, totalBytes: 4),
                .init(
                    name: "client_cache",
                    entrySize: 500,
                    used: 6,
                    free: 7,
                    totalBytes: 8_000_000_000
                ),
            ]
        }
        let reply = try AdminConsole.ask("SHOW MEM", snapshot)
        #expect(
            reply["name"] == [
                "user_cache", "credentials_cache", "db_cache", "peer_cache", "peer_pool_cache",
                "pool_cache", "outstanding_request_cache", "server_cache", "client_cache",
                "iobuf_cache", "var_list_cache", "server_prepared_statement_cache", "buffer_ring",
            ]
        )
        #expect(reply.rows[8] == ["client_cache", "500", "6", "7", "2147483647"])
        #expect(reply.rows[0] == ["user_cache", "0", "0", "0", "0"])
        #expect(reply.rows[12] == ["buffer_ring", "1", "2", "3", "4"])
    }

    @Test func `SHOW STATE says which of the three it is, and the engine`() throws {
        let expected: [Snapshot.RunState: [String?]] = [
            .active: ["yes", "no", "no", "io_uring"],
            .paused: ["no", "yes", "no", "io_uring"],
            .suspended: ["no", "no", "yes", "io_uring"],
        ]
        for (state, values) in expected {
            let reply = try AdminConsole.ask(
                "SHOW STATE",
                .with {
                    $0.state = state
                    $0.eventEngine = "io_uring"
                }
            )
            #expect(reply["key"] == ["active", "paused", "suspended", "event_engine"])
            #expect(reply["value"] == values)
        }
    }

    @Test func `the first x.y.z of SHOW VERSION is PgBouncer's`() throws {
        let reply = try AdminConsole.ask("SHOW VERSION")
        #expect(reply.rows.count == 1)
        let text = try #require(reply.rows[0][0])
        #expect(text == "PgBouncer 1.25.2 (Weir 0.1.0)")
        let match = try #require(text.firstMatch(of: /\d+.\d+.\d+/))
        #expect(match.output == "1.25.2")
    }

    @Test func `DNS names and zones are listed by name`() throws {
        let snapshot = Snapshot.with { snapshot in
            snapshot.dnsHosts = [
                .init(name: "z", secondsToLive: 15, addresses: ["10.0.0.1:0", "10.0.0.2:0"]),
                .init(name: "a", secondsToLive: 5_000_000_000, addresses: []),
            ]
            snapshot.dnsZones = [.init(name: "example.org", serial: 4_000_000_000, hostCount: 3)]
        }
        let hosts = try AdminConsole.ask("SHOW DNS_HOSTS", snapshot)
        #expect(
            hosts.rows == [["a", "5000000000", ""], ["z", "15", "10.0.0.1:0,10.0.0.2:0"]]
        )
        let zones = try AdminConsole.ask("SHOW DNS_ZONES", snapshot)
        #expect(zones.rows == [["example.org", "4000000000", "3"]])
    }

    @Test func `SHOW FDS shows no secret`() throws {
        var client = Snapshot.Descriptor(
            fd: 9,
            task: .client,
            user: "u",
            database: "d",
            address: "10.0.0.2",
            port: 999,
            link: 10
        )
        client.clientEncoding = "UTF8"
        client.standardConformingStrings = "on"
        client.dateStyle = "ISO"
        client.timeZone = "UTC"
        let listener = Snapshot.Descriptor(
            fd: 7,
            task: .pooler,
            user: nil,
            database: nil,
            address: "unix",
            port: 6432,
            link: nil
        )
        let reply = try AdminConsole.ask("SHOW FDS", .with { $0.descriptors = [listener, client] })
        #expect(
            reply.rows == [
                [
                    "7", "pooler", nil, nil, "unix", "6432", "0", "0", nil, nil, nil, nil, nil, nil,
                    nil,
                ],
                [
                    "9", "client", "u", "d", "10.0.0.2", "999", "0", "10", "UTF8", "on", "ISO",
                    "UTC", nil, nil, nil,
                ],
            ]
        )
    }

    @Test func `SHOW HELP is a notice that names every command`() throws {
        let reply = try AdminConsole.ask("show help")
        #expect(reply.kinds == "NCZ")
        #expect(reply.tags == ["SHOW"])
        let notice = try #require(reply.notices.first)
        #expect(notice.severity == .notice)
        #expect(notice.sqlState.code == "00000")
        #expect(notice.message == "Console usage")
        let detail = try #require(notice.detail)
        for word in [
            "STATS_AVERAGES", "ACTIVE_SOCKETS", "VERSION", "SET ", "RELOAD", "PAUSE", "RESUME",
            "SUSPEND", "DISABLE", "ENABLE", "RECONNECT", "WAIT_CLOSE", "KILL", "KILL_CLIENT",
            "SHUTDOWN",
        ] {
            #expect(detail.contains(word))
        }
    }
}
