import TestSupport
import Testing

/// The whole pooler but its sockets, in worlds drawn by lot. `WEIR_SEED` begins with the world that a failure names.
struct WholePoolerTests {
    private static let rounds = TestRun.rounds(debug: 1_500, release: 50_000)

    @Test func `in a gentle world every client hears what a server of its own would have said`() {
        var heard = 0
        for round in 0..<Self.rounds {
            let random = TestRun.random(round: round)
            let world = SimulatedWorld(random: random, isGentle: true)
            if let fault = world.run() {
                Issue.record("\(fault); WEIR_SEED=\(random.seed)")
                return
            }
            heard += world.heard
        }
        #expect(heard > Self.rounds * 50, "clients heard only \(heard) replies")
    }

    @Test func `in a harsh world nobody hears another's replies, waits for ever or holds a slot`() {
        for round in 0..<Self.rounds {
            let random = TestRun.random(round: round)
            let world = SimulatedWorld(random: random, isGentle: false)
            if let fault = world.run() {
                Issue.record("\(fault); WEIR_SEED=\(random.seed)")
                return
            }
        }
    }
}
