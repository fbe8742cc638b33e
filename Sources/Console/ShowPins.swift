import Pooling

/// SHOW PINS: what keeps clients at their servers. PgBouncer has no such table.
extension Table {
    static func pins(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.pins,
            [
                .text("database") { $0.database },
                .text("user") { $0.user },
                .text("reason") { $0.reason },
                .int4("current") { $0.current },
                .int8("total") { Int64(clamping: $0.counts.started) },
                .int8("refused") { Int64(clamping: $0.counts.refused) },
                .int8("reset") { Int64(clamping: $0.counts.reset) },
                .int8("timed_out") { Int64(clamping: $0.counts.timedOut) },
            ]
        )
    }
}
