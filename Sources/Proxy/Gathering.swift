import Pooling
import Telemetry

/// Reports that all workers have been asked for, until all are there.
struct Gathering {
    /// What the reports are for.
    enum Purpose {
        /// A query of a client of the console.
        case console(ClientID, query: String, ConsoleAccess)
        /// The end of a statistics period.
        case statistics
    }

    let ticket: Int
    let parts: Snapshot.Parts
    let purpose: Purpose
    /// Workers that have not reported.
    var missing: Int
    /// What has been reported.
    var reports: [WorkerReport] = []
}

/// One view of all workers.
extension Worker {
    /// Whether a client of the console waits for other workers' reports.
    func awaitsReport(_ client: ClientConnection) -> Bool {
        self.gatherings.contains {
            if case .console(client.id, _, _) = $0.purpose { true } else { false }
        }
    }

    /// Asks all workers for a copy of their state; what it is for is done when all have answered.
    func gather(_ parts: Snapshot.Parts, for purpose: Gathering.Purpose) {
        self.lastTicket += 1
        let gathering = Gathering(
            ticket: self.lastTicket,
            parts: parts,
            purpose: purpose,
            missing: max(0, self.mailboxes.count - 1)
        )
        if gathering.missing == 0 { return self.gathered(gathering) }
        self.gatherings.append(gathering)
        self.tellPeers(.report(ticket: gathering.ticket, parts))
    }

    /// A copy of this worker's state.
    func report(_ parts: Snapshot.Parts) -> WorkerReport {
        WorkerReport(
            snapshot: self.snapshot(parts),
            counters: parts.contains(.statistics) ? self.databaseCounters() : [:]
        )
    }

    /// Another worker has reported.
    func reported(_ ticket: Int, _ report: WorkerReport) {
        guard let index = self.gatherings.firstIndex(where: { $0.ticket == ticket }) else { return }
        self.gatherings[index].reports.append(report)
        self.gatherings[index].missing -= 1
        guard self.gatherings[index].missing == 0 else { return }
        self.gathered(self.gatherings.remove(at: index))
    }

    private func gathered(_ gathering: Gathering) {
        var sum = self.report(gathering.parts)
        for report in gathering.reports {
            sum.snapshot.merge(report.snapshot)
            sum.counters.merge(report.counters) { first, second in
                var both = first
                both += second
                return both
            }
        }
        switch gathering.purpose {
        case .console(let id, let query, let access):
            guard let client = self.clients[id.index, id.generation] else { return }
            self.answer(query, access, for: client, sum.snapshot)
            if gathering.missing == 0, !gathering.reports.isEmpty { self.readConsole(client) }
        case .statistics:
            self.endPeriod(sum.counters)
        }
    }
}
