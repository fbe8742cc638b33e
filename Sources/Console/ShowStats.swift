import Pooling

/// SHOW STATS, STATS_TOTALS, STATS_AVERAGES and TOTALS.
extension Table {
    /// A database's counters and their averages over the window.
    private struct Row: Sendable {
        let database: String
        let totals: SnapshotStatistics
        let averages: SnapshotStatistics
    }

    /// SHOW STATS.
    static func stats(_ snapshot: Snapshot) -> Table {
        let names = [
            "server_assignment_count", "xact_count", "query_count", "received", "sent",
            "xact_time", "query_time", "wait_time",
            "client_parse_count", "server_parse_count", "bind_count",
        ]
        let averageNames = names.map { $0 == "received" ? "recv" : $0 }
        return Table(
            Self.rows(snapshot),
            [.text("database") { $0.database }]
                + Self.fields(names.map { "total_" + $0 }, \.totals)
                + Self.fields(averageNames.map { "avg_" + $0 }, \.averages)
        )
    }

    /// SHOW STATS_TOTALS: the names lack the prefix that SHOW STATS gives them.
    static func statsTotals(_ snapshot: Snapshot) -> Table {
        let names = Self.shortNames + ["client_parse_count", "server_parse_count", "bind_count"]
        return Table(
            Self.rows(snapshot),
            [.text("database") { $0.database }] + Self.fields(names, \.totals)
        )
    }

    /// SHOW STATS_AVERAGES: only the last three names have a prefix.
    static func statsAverages(_ snapshot: Snapshot) -> Table {
        let names =
            Self.shortNames
            + ["avg_client_parse_count", "avg_server_parse_count", "avg_bind_count"]
        return Table(
            Self.rows(snapshot),
            [.text("database") { $0.database }] + Self.fields(names, \.averages)
        )
    }

    /// SHOW TOTALS: over all databases, turned on its side. Averages come from the sums, so that a
    /// time is weighted by events.
    static func totals(_ snapshot: Snapshot) -> Table {
        var totals = SnapshotStatistics()
        var previous = SnapshotStatistics()
        for database in snapshot.statistics {
            totals.add(database.totals)
            previous.add(database.previous)
        }
        let averages = totals.averages(since: previous, over: snapshot.statisticsWindow)
        let names = [
            "server_assignment_count", "xact_count", "query_count", "client_bytes", "server_bytes",
            "xact_time", "query_time", "wait_time",
            "ps_client_parse_count", "ps_server_parse_count", "ps_bind_count",
        ]
        let rows =
            zip(names.map { "total_" + $0 }, totals.values).map { (name: $0, value: $1) }
            + zip(names.map { "avg_" + $0 }, averages.values).map { (name: $0, value: $1) }
        return Table(rows, [.text("name") { $0.name }, .numeric("value") { $0.value }])
    }

    private static var shortNames: [String] {
        [
            "server_assignment_count", "xact_count", "query_count",
            "bytes_received", "bytes_sent", "xact_time", "query_time", "wait_time",
        ]
    }

    private static func fields(
        _ names: [String],
        _ statistics: any KeyPath<Row, SnapshotStatistics> & Sendable
    ) -> [Field<Row>] {
        names.enumerated().map { index, name in
            .numeric(name) { $0[keyPath: statistics].values[index] }
        }
    }

    /// By database, the console's own among them: it counts nothing, but monitors expect its row.
    private static func rows(_ snapshot: Snapshot) -> [Row] {
        let console = Row(
            database: ConsoleDatabase.name,
            totals: SnapshotStatistics(),
            averages: SnapshotStatistics()
        )
        let others = snapshot.statistics.map { database in
            Row(
                database: database.database,
                totals: database.totals,
                averages: database.totals.averages(
                    since: database.previous,
                    over: snapshot.statisticsWindow
                )
            )
        }
        return (others + [console]).sorted { $0.database < $1.database }
    }
}
