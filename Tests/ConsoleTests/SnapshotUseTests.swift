import Console
import Pooling
import Testing

struct SnapshotUseTests {
    static let needs: [(String, Snapshot.Parts?)] = [
        ("SHOW CLIENTS", .clients),
        ("SHOW SERVERS", .servers),
        ("SHOW PINS", .pins),
        ("SHOW BUDGET", .budgets), ("SHOW FLEET", .budgets),
        ("SHOW SOCKETS", [.clients, .servers]),
        ("show active_sockets;", [.clients, .servers]),
        ("SHOW POOLS", .pools),
        ("SHOW PEERS", .peers),
        ("SHOW PEER_POOLS", .peers),
        ("SHOW DATABASES", .databases),
        ("SHOW USERS", .users),
        ("SHOW LISTS", [.databases, .users, .pools, .peers, .counts]),
        ("SHOW STATS", .statistics),
        ("SHOW STATS_TOTALS", .statistics),
        ("SHOW STATS_AVERAGES", .statistics),
        ("SHOW TOTALS", .statistics),
        ("SHOW CONFIG", .configuration),
        ("SHOW MEM", .memory),
        ("SHOW DNS_HOSTS", .dns),
        ("SHOW DNS_ZONES", .dns),
        ("SHOW FDS", .descriptors),
        ("SHOW STATE", .process),
        ("SHOW VERSION", nil),
        ("SHOW HELP", nil),
        ("SHOW timezone", nil),
        ("PAUSE", nil),
        ("nonsense", nil),
        ("", nil),
    ]

    @Test(arguments: Self.needs)
    func `a snapshot is taken once where it is needed, and never else`(
        query: String,
        parts: Snapshot.Parts?
    ) {
        #expect(AdminConsole.tested.parts(neededFor: query, access: .admin) == parts)
        var taken = 0
        _ = AdminConsole.tested.answer(query, access: .admin) {
            taken += 1
            return .quiet
        }
        #expect(taken == (parts == nil ? 0 : 1))
    }

    @Test func `nothing is collected for who may not see it`() {
        #expect(AdminConsole.tested.parts(neededFor: "SHOW FDS", access: .statistics) == nil)
    }

    @Test func `the parts named are all that a table shows`() throws {
        let full = Snapshot.with { snapshot in
            snapshot.databases = [PoolTablesTests.database]
            snapshot.users = [PoolTablesTests.user]
            snapshot.pools = [
                .init(database: "d", user: "u", poolMode: "session", loadBalanceHosts: nil)
            ]
            snapshot.peers = [.init(id: 1, host: "h", port: 1, poolSize: 1)]
            snapshot.clients = [ConnectionTablesTests.connection(.client(.active))]
            snapshot.servers = [ConnectionTablesTests.connection(.server(.active))]
            snapshot.statistics = StatisticsTests.busy.statistics
            snapshot.counts.freeClients = 3
            snapshot.dnsHosts = [.init(name: "h", secondsToLive: 1, addresses: [])]
            snapshot.memory = [.init(name: "m", entrySize: 1, used: 1, free: 1, totalBytes: 1)]
            snapshot.configuration = [
                .init(key: "k", value: "v", defaultValue: nil, changeable: true)
            ]
        }
        for (query, parts) in Self.needs {
            guard let parts else { continue }
            let whole = try AdminConsole.ask(query, full)
            let some = try AdminConsole.ask(query, full.keeping(parts))
            #expect(whole == some, "\(query) shows more than it says")
        }
    }
}

extension Snapshot {
    /// A copy in which everything but `parts` is empty.
    fileprivate func keeping(_ parts: Parts) -> Snapshot {
        Snapshot.with { copy in
            if parts.contains(.databases) { copy.databases = self.databases }
            if parts.contains(.users) { copy.users = self.users }
            if parts.contains(.pools) { copy.pools = self.pools }
            if parts.contains(.peers) { copy.peers = self.peers }
            if parts.contains(.clients) { copy.clients = self.clients }
            if parts.contains(.servers) { copy.servers = self.servers }
            if parts.contains(.statistics) {
                copy.statistics = self.statistics
                copy.statisticsWindow = self.statisticsWindow
            }
            if parts.contains(.counts) { copy.counts = self.counts }
            if parts.contains(.dns) { copy.dnsHosts = self.dnsHosts }
            if parts.contains(.memory) { copy.memory = self.memory }
            if parts.contains(.configuration) { copy.configuration = self.configuration }
            if parts.contains(.descriptors) { copy.descriptors = self.descriptors }
        }
    }
}
