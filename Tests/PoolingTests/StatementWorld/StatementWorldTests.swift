import TestSupport
import Testing

/// Prepared statements of many clients on few servers, in worlds drawn by lot. `WEIR_SEED` begins
/// with the world that a failure names; `scripts/simulate` runs it for long, from any seed. Here
/// the same few worlds are run each time.
struct StatementWorldTests {
    private static let messages = TestRun.rounds(debug: 15_000, release: 2_000_000)

    @Test func `every client hears what a PostgreSQL of its own would have said`() {
        let total = TestRun.messages ?? Self.messages
        var arrived = 0
        var heard = 0
        var round = 0
        var differences: [AllowedDifference: Int] = [:]
        while arrived < total {
            let random = Self.random(round)
            if TestRun.messages != nil { print("world \(random.seed)") }
            let world = StatementWorld(random: random)
            if let fault = world.run(messages: StatementWorld.messagesPerRun) {
                return Self.report(fault, random)
            }
            arrived += world.arrived
            heard += world.heard
            differences.merge(world.differences, uniquingKeysWith: +)
            round += 1
        }
        print("\(arrived) messages in \(round) worlds, \(heard) answers heard")
        for (difference, count) in differences.sorted(by: { $0.value > $1.value }) {
            print("allowed: \(difference) \(count)")
        }
        // Differences must stay the exception.
        let all = differences.values.reduce(0, +)
        #expect(all * 10 < heard, "\(all) of \(heard) answers differ: \(differences)")
        #expect(heard > arrived / 3, "only \(heard) answers to \(arrived) messages")
    }

    private static func random(_ round: Int) -> SeededRandom {
        TestRun.isSeeded
            ? TestRun.random(round: round) : SeededRandom(seed: 100_000 &+ UInt64(round))
    }

    private static func report(_ fault: String, _ random: SeededRandom) {
        let again = StatementWorld(random: random, isTraced: true)
        let repeated = again.run(messages: StatementWorld.messagesPerRun) ?? "not repeatable"
        let trace = again.trace.suffix(TestRun.traceLength).joined(separator: "\n")
        Issue.record("\(fault); WEIR_SEED=\(random.seed)\n\(again.mix)\n\(trace)\n\(repeated)")
    }
}
