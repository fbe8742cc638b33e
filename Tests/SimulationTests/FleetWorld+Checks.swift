import TestSupport

@testable import Pooling

/// What must be true when all is quiet again.
extension FleetWorld {
    /// Fails unless everybody has what it is sure of.
    func checkNobodyStarves() {
        for (number, process) in self.processes.enumerated() where process.isAlive {
            let sure = min(process.machine.limits.minimum, process.demand)
            if process.open.count < sure { self.fail("member \(number) starves: \(self.summary)") }
        }
    }

    /// Fails unless all slots are in use as far as they are wanted, and nearly as is fair.
    func checkShares() {
        let living = self.processes.filter(\.isAlive)
        let entries = living.map { process in
            var entry = BoardEntry(
                member: process.machine.member,
                weight: 1,
                minimum: process.machine.limits.minimum
            )
            entry.waiting = process.demand
            return entry
        }
        let parts = Sharing.division(of: self.shape.budget, among: entries)
        let shares = parts.map(\.share)
        let used = living.reduce(0) { $0 + $1.used }
        let wanted = shares.reduce(0, +)
        // A slot may be on its way from one to another.
        if used * 100 < wanted * 97 - 100 {
            self.fail("\(used) of \(wanted) slots are used: \(self.summary)")
        }
        var far = 0
        for (process, part) in zip(living, parts) {
            let (least, most) = (part.bounds.lowerBound, part.bounds.upperBound)
            let slack = most / 10
            if process.used < least - slack || process.used > most + slack { far += 1 }
        }
        if far > living.count / 50 {
            self.fail("\(far) members are far from their shares: \(self.summary) \(shares)")
        }
    }

    var summary: String {
        let living = self.processes.enumerated().filter(\.element.isAlive)
        return living.prefix(8).map {
            "\($0.offset): \($0.element.open.count), \($0.element.used) of \($0.element.demand)"
        }.joined(separator: "; ") + " \(self.engineSummary)"
    }

    /// What the engine knows.
    var engineSummary: String {
        let board = self.readBoard()
        let held = board.entries.reduce(0) { $0 + $1.held }
        let ending = board.entries.reduce(0) { $0 + $1.ending }
        return """
            listed \(self.listed), held \(held), ending \(ending), free \(board.free), \
            orphans \(board.orphans), waiting \(board.waiting), in the gate \
            \(self.holder.map { "\($0.process)" } ?? "nobody"), queue \(self.queue.count)
            """
    }
}
