import TestSupport
import Testing

/// The whole pooler but its sockets, in worlds drawn by lot. `WEIR_SEED` begins with the world that
/// a failure names.
struct WholePoolerTests {
    private static let rounds = TestRun.rounds(debug: 1_000, release: 50_000)

    @Test func `in a gentle world every client hears what a server of its own would have said`() {
        let heard = Self.run(isGentle: true)
        #expect(heard > Self.rounds * 50, "clients heard only \(heard) replies")
    }

    @Test func `in a harsh world nobody hears another's replies, waits for ever or holds a slot`() {
        let heard = Self.run(isGentle: false)
        #expect(heard > Self.rounds * 20, "clients heard only \(heard) replies")
    }

    /// Runs worlds until one fails; returns how many replies were heard and found right.
    private static func run(isGentle: Bool) -> Int {
        var heard = 0
        for round in 0..<Self.rounds {
            let random = TestRun.random(round: round)
            let world = SimulatedWorld(random: random, isGentle: isGentle)
            if let fault = world.run() {
                let again = SimulatedWorld(random: random, isGentle: isGentle, isTraced: true)
                _ = again.run()
                let trace = again.trace.suffix(120).joined(separator: "\n")
                Issue.record("\(fault); WEIR_SEED=\(random.seed)\n\(trace)")
                return heard
            }
            heard += world.heard
        }
        return heard
    }
}
