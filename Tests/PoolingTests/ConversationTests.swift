import Pooling
import TestSupport
import Testing

/// `ReplyLedger` and `ServerSession` against the model of a backend that shares no rule with them.
///
/// 200,000 random conversations each; `WEIR_SEED` begins with the one that a failure names.
struct ConversationTests {
    private static let rounds = TestRun.rounds(debug: 200_000, release: 2_000_000)

    @Test func `the ledger never says settled too early, nor too late, nor mistakes who asked`() {
        var doubtful = 0
        for round in 0..<Self.rounds {
            var run = ConversationRun(random: TestRun.random(round: round))
            if Self.talk(&run) != nil {
                var again = ConversationRun(random: TestRun.random(round: round), isRecorded: true)
                Self.report(Self.talk(&again), again, round)
                return
            }
            if run.session.ledger.isDoubtful { doubtful += 1 }
        }
        // Doubt costs a connection, so it must stay the exception even among clients as wild as
        // these.
        #expect(doubtful * 10 < Self.rounds, "\(doubtful) of \(Self.rounds) were doubtful")
    }

    @Test func `a client may vanish anywhere and its server is at rest or closed`() {
        for round in 0..<Self.rounds {
            var run = ConversationRun(random: TestRun.random(round: round))
            if Self.vanish(&run) != nil {
                var again = ConversationRun(random: TestRun.random(round: round), isRecorded: true)
                Self.report(Self.vanish(&again), again, round)
                return
            }
        }
    }

    private static func talk(_ run: inout ConversationRun) -> String? {
        for _ in 0..<(4 + run.random.below(24)) where !run.isOver {
            if let fault = run.step() { return fault }
        }
        return nil
    }

    private static func vanish(_ run: inout ConversationRun) -> String? {
        for _ in 0..<(1 + run.random.below(12)) where !run.isOver { _ = run.step() }
        return run.model.isClosed ? nil : run.recover()
    }

    private static func report(_ fault: String?, _ run: ConversationRun, _ round: Int) {
        let seed = TestRun.random(round: round).seed
        let lines = run.transcript.joined(separator: "\n")
        Issue.record("\(fault ?? "not repeatable"); WEIR_SEED=\(seed)\n\(lines)")
    }
}
