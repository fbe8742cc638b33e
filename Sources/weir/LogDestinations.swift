import Settings
import Telemetry

/// Where the log and the slow-query records go, as the settings say.
struct LogDestinations: Equatable {
    /// The log itself.
    let log: LogTarget
    /// The slow-query records: their own file; nil: among the log's lines. Never syslog, which cuts
    /// long lines: beside that, a writer for file and standard error alone.
    let slowQueries: LogTarget?

    /// Reads the settings.
    ///
    /// - Parameter usesStandardError: false for `-q` and in the background.
    init(_ global: GlobalSettings, usesStandardError: Bool) {
        var log = LogTarget(
            file: global.logfile.isEmpty ? nil : global.logfile,
            descriptor: usesStandardError ? LogTarget.standardErrorDescriptor : nil
        )
        if !global.slowQueryLog.isEmpty {
            self.slowQueries = LogTarget(file: global.slowQueryLog)
        } else {
            self.slowQueries = global.syslog ? log : nil
        }
        if global.syslog {
            log.syslog = LogTarget.Syslog(
                ident: global.syslogIdent,
                facility: LogTarget.Syslog.facility(named: global.syslogFacility)
                    ?? Self.defaultFacility
            )
        }
        self.log = log
    }

    /// Whether slow-query records are lost.
    var dropsSlowQueries: Bool {
        let place = self.slowQueries ?? self.log
        return place.file == nil && place.descriptor == nil
    }

    /// `LOG_DAEMON`, PgBouncer's default.
    private static let defaultFacility: Int32 = 3 << 3
}
