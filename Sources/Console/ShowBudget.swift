import Pooling

/// SHOW BUDGET: who may have how many connections to which PostgreSQL server. PgBouncer has no such
/// table.
extension Table {
    static func budget(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.budgets,
            [
                .text("server") { $0.server },
                .text("ledger") { $0.ledger },
                .text("state") { $0.fleet.map { Self.word(for: $0.state) } },
                .int4("budget") { $0.slots == 0 ? nil : $0.slots },
                .int4("held") { $0.held },
                .int4("used") { $0.used },
                .int4("wanted") { $0.used + $0.waiting },
                .int4("share") { $0.fleet?.share },
                .int4("counted") { $0.fleet?.counted },
                .int4("orphans") { $0.fleet?.orphans },
            ]
        )
    }

    private static func word(for state: FleetStanding.State) -> String {
        switch state {
        case .open: "open"
        case .short: "short"
        case .lost: "lost"
        }
    }
}
