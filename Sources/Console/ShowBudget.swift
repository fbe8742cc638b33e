import Pooling

/// SHOW BUDGET: who may have how many connections to which PostgreSQL server. PgBouncer has no such
/// table.
extension Table {
    static func budget(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.budgets,
            [
                .text("server") { $0.server },
                .text("ledger") { _ in "local" },
                .int4("budget") { $0.slots == 0 ? nil : $0.slots },
                .int4("held") { $0.held },
                .int4("used") { $0.used },
                .int4("wanted") { $0.used + $0.waiting },
            ]
        )
    }
}
