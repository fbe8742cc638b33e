import TestSupport

/// Runs worlds of prepared statements for long: `scripts/simulate` builds and calls this, outside
/// of the package as optimised builds of its tests take a quarter of an hour.
@main
struct StatementSimulation {
    static func main() {
        let total = TestRun.messages ?? 10_000_000
        let clock = ContinuousClock()
        let start = clock.now
        var arrived = 0
        var heard = 0
        var round = 0
        var differences: [AllowedDifference: Int] = [:]
        while arrived < total {
            let random = TestRun.random(round: round)
            // In case that the world ends all at once.
            print("world \(random.seed)")
            let world = StatementWorld(random: random)
            if let fault = world.run(messages: StatementWorld.messagesPerRun) {
                return Self.report(fault, random)
            }
            arrived += world.arrived
            heard += world.heard
            differences.merge(world.differences, uniquingKeysWith: +)
            round += 1
        }
        let milliseconds = (clock.now - start) / .milliseconds(1)
        let speed = Int(Double(arrived) / max(1, milliseconds) * 1_000)
        for (difference, count) in differences.sorted(by: { $0.value > $1.value }) {
            print("allowed: \(difference) \(count)")
        }
        print(
            "passed: \(arrived) messages in \(round) worlds, \(heard) answers, \(speed) messages/s"
        )
    }

    private static func report(_ fault: String, _ random: SeededRandom) {
        let again = StatementWorld(random: random, isTraced: true)
        let repeated = again.run(messages: StatementWorld.messagesPerRun) ?? "not repeatable"
        for line in again.trace.suffix(TestRun.traceLength) { print(line) }
        print(again.mix)
        print("failed: \(repeated == fault ? fault : "\(fault), then \(repeated)")")
        print("seed: \(random.seed)")
    }
}
