internal import FoundationEssentials
internal import Pooling

/// Gate and board as they were at one moment.
struct EtcdReading: Sendable {
    /// The members, with the budgets that they go by.
    var members: [(row: FleetRow, budget: Int)] = []
    /// What stands at each member.
    var values: [UInt64: Data] = [:]
    /// Whose pass is in the gate.
    var gate: GatePass?
    /// At which revision that place was taken.
    var gateRevision: Int64 = 0
    /// Sessions that no member had at the last count; nil where that has found none, or has been
    /// forgotten.
    var orphans: EtcdOrphans?
    /// Keys that no member of this version has written.
    var unknown = 0

    init(_ answer: EtcdTransaction.Answer, at moment: Instant) {
        let ranges = answer.ranges
        for key in ranges.first ?? [] {
            if let member = EtcdMember(key.value) {
                let row = member.row(lastSeen: moment)
                self.members.append((row, member.budget))
                self.values[row.entry.member] = key.value
            } else {
                self.unknown += 1
            }
        }
        if ranges.count > 2 { self.orphans = EtcdOrphans(ranges[2].first, at: moment) }
        guard ranges.count > 1, let first = ranges[1].first else { return }
        self.gate = EtcdPlace.pass(first.value)
        self.gateRevision = first.createRevision?.value ?? 0
    }

    /// What people see.
    var rows: [FleetRow] { self.members.map(\.row) }

    /// What the member goes by.
    ///
    /// - Parameters:
    ///   - budget: the member's own.
    ///   - sessions: the fleet's in PostgreSQL's list, if that was read.
    func board(budget: Int, sessions: Int?) -> Board {
        Board(
            entries: self.members.map(\.row.entry),
            // Who is at rest may be dead for long.
            budget: self.members.filter { !$0.row.entry.isAtRest }
                .reduce(budget) { min($0, $1.budget) },
            sessions: sessions,
            gate: self.gate
        )
    }
}
