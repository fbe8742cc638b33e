import Logging
import Telemetry

/// PgBouncer's log lines at a level that can be turned while copies of the logger are in use.
struct AdjustableLogHandler: LogHandler {
    private var handler: PoolerLogHandler
    private let levelSwitch: LogLevelSwitch

    /// Makes a handler that logs what the switch allows.
    init(_ handler: PoolerLogHandler, levelSwitch: LogLevelSwitch) {
        self.handler = handler
        self.levelSwitch = levelSwitch
    }

    /// The switch's level. Setting it has no effect: the level belongs to the whole process.
    var logLevel: Logger.Level {
        get { self.levelSwitch.level }
        set { _ = newValue }
    }

    var metadata: Logger.Metadata {
        get { self.handler.metadata }
        set { self.handler.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { self.handler.metadataProvider }
        set { self.handler.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.handler[metadataKey: key] }
        set { self.handler[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        self.handler.log(event: event)
    }
}
