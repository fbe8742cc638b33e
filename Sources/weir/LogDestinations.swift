import Settings
import Telemetry

/// Where the log and the slow-query records go, as the settings say.
struct LogDestinations: Equatable {
    /// The log itself.
    let log: LogTarget
    /// The slow-query records: their own file, or file and standard error of the log. Never syslog,
    /// which cuts long lines.
    let slowQueries: LogTarget

    /// Reads the settings.
    ///
    /// - Parameter usesStandardError: false for `-q` and in the background.
    init(_ global: GlobalSettings, usesStandardError: Bool) {
        var log = LogTarget(
            file: global.logfile.isEmpty ? nil : global.logfile,
            descriptor: usesStandardError ? LogTarget.standardErrorDescriptor : nil
        )
        self.slowQueries =
            global.slowQueryLog.isEmpty ? log : LogTarget(file: global.slowQueryLog)
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
        self.slowQueries.file == nil && self.slowQueries.descriptor == nil
    }

    /// `LOG_DAEMON`, PgBouncer's default.
    private static let defaultFacility: Int32 = 3 << 3
}
