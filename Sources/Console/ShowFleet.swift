import Pooling

/// SHOW FLEET: the processes that share the budget of a PostgreSQL server, as the board was last
/// read. PgBouncer has no such table.
extension Table {
    static func fleet(_ snapshot: Snapshot) -> Table {
        let rows = snapshot.budgets.flatMap { budget in
            (budget.fleet?.members ?? []).map { (server: budget.server, member: $0) }
        }
        return Table(
            rows,
            [
                .text("server") { $0.server },
                .text("process") { $0.member.node },
                .text("own") { $0.member.isOwn ? "yes" : "no" },
                .text("address") { $0.member.address },
                .text("version") { $0.member.version },
                .int4("held") { $0.member.entry.held },
                .int4("used") { $0.member.entry.used },
                .int4("waiting") { $0.member.entry.waiting },
                .int8("oldest_wait_ms") { $0.member.entry.oldestWait / 1_000_000 },
                .int8("last_seen_ms") { $0.member.silence.map { max(0, $0) / 1_000_000 } },
            ]
        )
    }
}
