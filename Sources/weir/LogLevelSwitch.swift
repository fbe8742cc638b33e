import Logging
import Synchronization

/// How much is logged, for all loggers of the process at once: `verbose` can change while they run.
final class LogLevelSwitch: Sendable {
    private let verbosity: Atomic<Int>

    /// Starts at a verbosity: 0 is everyday, 1 and 2 are more.
    init(verbosity: Int) {
        self.verbosity = Atomic(verbosity)
    }

    /// The least severe level that is logged.
    var level: Logger.Level {
        switch self.verbosity.load(ordering: .relaxed) {
        case ...0: .info
        case 1: .debug
        default: .trace
        }
    }

    /// Changes how much is logged.
    func set(verbosity: Int) {
        self.verbosity.store(verbosity, ordering: .relaxed)
    }
}
