import CPerformance
import Glibc
import Reactor

/// Runs one scenario a given number of times and prints what it allocated.
///
/// ## Overview
/// `scripts/thresholds` runs this program twice under callgrind, with two counts: the difference is
/// what the repetitions cost, without the start. By itself it prints the allocations of the
/// measured repetitions, which come after a warm-up.
///
///     weir-perf SCENARIO COUNT [PORT [ENGINE]]
///     weir-perf --list
///
/// PORT is the first of two that the relay scenarios listen on, ENGINE `epoll` or `io_uring`.
/// Callgrind needs epoll, since valgrind does not know all of io_uring.
@main
struct WeirPerf {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments == ["--list"] {
            for scenario in Scenario.allCases { print(scenario.rawValue) }
            return
        }
        let words = arguments + ["26100", "epoll"].suffix(max(0, 4 - arguments.count))
        guard arguments.count >= 2, words.count == 4,
            let scenario = Scenario(rawValue: words[0]),
            let count = Int(words[1]), count > 0,
            let port = UInt16(words[2]), port < .max,
            let engine = self.engines[words[3]]
        else { self.fail("usage: weir-perf SCENARIO COUNT [PORT [ENGINE]] | --list") }
        let measurement = scenario.measure(count: count, port: port, engine: engine)
        self.checkCounter()
        let instructions = weir_perf_can_count_instructions() != 0
        print("allocations \(measurement.allocations)")
        print("instructions \(instructions ? "callgrind" : "unavailable")")
    }

    private static let engines: [String: EventEngine] = ["epoll": .epoll, "io_uring": .automatic]

    /// A counter that counts nothing would find no allocations, either.
    private static func checkCounter() {
        let before = weir_perf_allocation_count()
        unsafe UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16).deallocate()
        let made = weir_perf_allocation_count() - before
        if made != 1 { self.fail("one allocation was counted as \(made)") }
    }

    /// Ends the program: what it needs to measure is not there.
    static func fail(_ reason: String) -> Never {
        let line = Array("weir-perf: \(reason)\n".utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
        exit(2)
    }
}
