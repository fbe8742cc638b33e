import Glibc
import Locking
import Logging
import Settings
import Telemetry

/// The log and the slow-query log of the process.
final class PoolerLogs: Sendable {
    /// For everybody who logs.
    let logger: Logger
    /// For the worker.
    let slowQueries: SlowQueryLog

    private let writer: LineWriter
    private let levelSwitch: LogLevelSwitch
    private let extraVerbosity: Int
    private let state: Locked<State>

    private struct State {
        var usesStandardError: Bool
        /// The destinations that were last asked for, reached or not.
        var destinations: LogDestinations
    }

    /// How long the end of the process waits for a slow reader of its log.
    private static let closeTimeout: Duration = .seconds(2)

    /// Opens the logs; starts threads, so it comes after any fork.
    ///
    /// - Parameters:
    ///   - global: where they go and how much is logged.
    ///   - usesStandardError: false for `-q`.
    ///   - extraVerbosity: how many `-v` were given.
    init(
        _ global: GlobalSettings,
        usesStandardError: Bool,
        extraVerbosity: Int
    ) throws(LogTargetError) {
        let destinations = LogDestinations(global, usesStandardError: usesStandardError)
        let format = LogFormat(processID: getpid())
        let writer = try LineWriter(target: destinations.log, lossReport: format.lossReport)
        let levelSwitch = LogLevelSwitch(verbosity: global.verbose + extraVerbosity)
        self.slowQueries = try SlowQueryLog(target: destinations.slowQueries, sharing: writer)
        self.logger = Logger(label: "weir") { _ in
            AdjustableLogHandler(
                PoolerLogHandler(writer: writer, format: format),
                levelSwitch: levelSwitch
            )
        }
        self.writer = writer
        self.levelSwitch = levelSwitch
        self.extraVerbosity = extraVerbosity
        self.state = Locked(
            State(usesStandardError: usesStandardError, destinations: destinations)
        )
    }

    /// Whether slow-query records go nowhere.
    var dropsSlowQueries: Bool { self.state.withLock { $0.destinations.dropsSlowQueries } }

    /// Goes where these settings say, if that is elsewhere. What cannot be opened is reported once,
    /// and the old destination stays.
    func follow(_ global: GlobalSettings) {
        self.levelSwitch.set(verbosity: global.verbose + self.extraVerbosity)
        let change: LogDestinations? = self.state.withLock { state in
            let wanted = LogDestinations(global, usesStandardError: state.usesStandardError)
            guard wanted != state.destinations else { return nil }
            state.destinations = wanted
            return wanted
        }
        if let change { self.move(to: change) }
    }

    /// Writes to standard error no more.
    func leaveStandardError(_ global: GlobalSettings) {
        self.writer.flush(timeout: Self.closeTimeout)
        self.state.withLock { $0.usesStandardError = false }
        self.follow(global)
    }

    /// Opens the files anew, after they were moved away.
    func reopen() {
        self.attempt { () throws(LogTargetError) in try self.writer.reopen() }
        self.attempt { () throws(LogTargetError) in try self.slowQueries.reopen() }
    }

    /// Writes what is left, within a bound.
    func close() {
        self.slowQueries.close(timeout: Self.closeTimeout)
        self.writer.close(timeout: Self.closeTimeout)
    }

    private func move(to destinations: LogDestinations) {
        self.attempt { () throws(LogTargetError) in try self.writer.retarget(destinations.log) }
        self.attempt { () throws(LogTargetError) in
            try self.slowQueries.retarget(destinations.slowQueries)
        }
    }

    private func attempt(_ work: () throws(LogTargetError) -> Void) {
        do throws(LogTargetError) {
            try work()
        } catch {
            self.logger.error("\(error), the old log stays in use")
        }
    }
}
