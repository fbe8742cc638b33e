import Console
import Pooling
import Testing

struct StatisticsTests {
    /// Counters whose values all differ.
    static func counters(_ start: UInt64, step: UInt64 = 1) -> SnapshotStatistics {
        var counters = SnapshotStatistics()
        counters.serverAssignments = start
        counters.transactions = start + step
        counters.queries = start + 2 * step
        counters.received = start + 3 * step
        counters.sent = start + 4 * step
        counters.transactionTime = start + 5 * step
        counters.queryTime = start + 6 * step
        counters.waitTime = start + 7 * step
        counters.clientParses = start + 8 * step
        counters.serverParses = start + 9 * step
        counters.binds = start + 10 * step
        return counters
    }

    static let busy = Snapshot.with { snapshot in
        snapshot.statisticsWindow = 2_000_000
        snapshot.statistics = [
            Snapshot.DatabaseStatistics(
                database: "zoo",
                totals: Self.counters(100),
                previous: SnapshotStatistics()
            ),
            Snapshot.DatabaseStatistics(
                database: "app",
                totals: Self.counters(1000, step: 100),
                previous: Self.counters(100, step: 10)
            ),
        ]
    }

    @Test func `a counter stands in its own column, totals before averages`() throws {
        let reply = try AdminConsole.ask("SHOW STATS", Self.busy)
        #expect(reply["database"] == ["app", "pgbouncer", "zoo"])
        // 900…1,800 more in 2 s; times are divided by their own events' growth.
        #expect(
            reply.rows[0] == [
                "app", "1000", "1100", "1200", "1300", "1400", "1500", "1600", "1700", "1800",
                "1900", "2000",
                "450", "495", "540", "585", "630", "1", "1", "1", "810", "855", "900",
            ]
        )
        #expect(
            reply.rows[2] == [
                "zoo", "100", "101", "102", "103", "104", "105", "106", "107", "108", "109", "110",
                "50", "50", "51", "51", "52", "1", "1", "1", "54", "54", "55",
            ]
        )
        #expect(reply.rows[1] == ["pgbouncer"] + Array(repeating: "0", count: 22))
    }

    @Test func `totals and averages apart show the same numbers`() throws {
        let both = try AdminConsole.ask("SHOW STATS", Self.busy)
        let totals = try AdminConsole.ask("SHOW STATS_TOTALS", Self.busy)
        let averages = try AdminConsole.ask("SHOW STATS_AVERAGES", Self.busy)
        for row in both.rows.indices {
            #expect(totals.rows[row] == Array(both.rows[row][0...11]))
            #expect(averages.rows[row] == [both.rows[row][0]] + Array(both.rows[row][12...22]))
        }
    }

    @Test func `SHOW TOTALS sums over databases, and weights times by their events`() throws {
        let reply = try AdminConsole.ask("SHOW TOTALS", Self.busy)
        #expect(
            reply["name"] == [
                "total_server_assignment_count", "total_xact_count", "total_query_count",
                "total_client_bytes", "total_server_bytes", "total_xact_time", "total_query_time",
                "total_wait_time", "total_ps_client_parse_count", "total_ps_server_parse_count",
                "total_ps_bind_count",
                "avg_server_assignment_count", "avg_xact_count", "avg_query_count",
                "avg_client_bytes", "avg_server_bytes", "avg_xact_time", "avg_query_time",
                "avg_wait_time", "avg_ps_client_parse_count", "avg_ps_server_parse_count",
                "avg_ps_bind_count",
            ]
        )
        #expect(reply["value"].prefix(3) == ["1100", "1201", "1302"])
        #expect(reply["value"][11] == "500")

        let uneven = Snapshot.with { snapshot in
            snapshot.statisticsWindow = 1_000_000
            var many = SnapshotStatistics()
            many.transactions = 99
            many.transactionTime = 99 * 10
            var one = SnapshotStatistics()
            one.transactions = 1
            one.transactionTime = 1_010
            snapshot.statistics = [many, one].map {
                .init(database: "d", totals: $0, previous: SnapshotStatistics())
            }
        }
        let average = try AdminConsole.ask("SHOW TOTALS", uneven)
        #expect(average["value"][16] == "20")
    }

    @Test func `counts and bytes are averaged over seconds, times over their own events`() {
        var earlier = SnapshotStatistics()
        earlier.serverAssignments = 3
        earlier.transactions = 5
        earlier.queries = 7
        earlier.waitTime = 11
        var now = earlier
        now.serverAssignments += 10
        now.transactions += 20
        now.queries += 40
        now.received += 3_000
        now.sent += 5_000
        now.transactionTime += 20 * 300 + 19
        now.queryTime += 40 * 100 + 39
        now.waitTime += 10 * 7 + 9
        now.clientParses += 60
        now.serverParses += 70
        now.binds += 80
        let averages = now.averages(since: earlier, over: 10_000_000)
        #expect(averages.values == [1, 2, 4, 300, 500, 300, 100, 7, 6, 7, 8])
    }

    @Test func `averages survive odd windows and counters that went backwards`() {
        let now = Self.counters(1000)
        let zero = SnapshotStatistics()
        #expect(now.averages(since: zero, over: 0) == zero)
        #expect(now.averages(since: zero, over: -5) == zero)
        #expect(now.averages(since: now, over: 1) == zero)
        #expect(zero.averages(since: now, over: 1_000_000) == zero)
        var huge = SnapshotStatistics()
        huge.received = .max
        #expect(huge.averages(since: zero, over: 1).received == .max)
        #expect(huge.averages(since: zero, over: 1_000_000).received == .max)
        #expect(huge.averages(since: zero, over: 2_000_000).received == UInt64.max / 2)
        huge.add(huge)
        #expect(huge.received == .max)
    }

    @Test func `the largest counter is shown whole`() throws {
        let snapshot = Snapshot.with { snapshot in
            var counters = SnapshotStatistics()
            counters.sent = .max
            snapshot.statistics = [
                .init(database: "a", totals: counters, previous: counters)
            ]
        }
        let reply = try AdminConsole.ask("SHOW STATS", snapshot)
        #expect(reply["total_sent"] == ["18446744073709551615", "0"])
    }
}
