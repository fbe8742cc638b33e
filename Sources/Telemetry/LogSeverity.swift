public import Logging

/// PgBouncer's names for how bad a log line is.
public enum LogSeverity: UInt8, Sendable, Equatable, CaseIterable {
    /// The program ends, or cannot start.
    case fatal
    /// Something that was asked for could not be done.
    case error
    /// Something to look at, such as an error sent to a client.
    case warning
    /// What an operator wants to know.
    case log
    /// What a developer wants to know.
    case debug
    /// Everything.
    case noise

    /// The severity that stands for a level of swift-log.
    public init(_ level: Logger.Level) {
        switch level {
        case .critical: self = .fatal
        case .error: self = .error
        case .warning: self = .warning
        case .notice, .info: self = .log
        case .debug: self = .debug
        case .trace: self = .noise
        }
    }

    /// The word in the log line's frame.
    public var word: String {
        switch self {
        case .fatal: "FATAL"
        case .error: "ERROR"
        case .warning: "WARNING"
        case .log: "LOG"
        case .debug: "DEBUG"
        case .noise: "NOISE"
        }
    }

    /// The priority in the system's log (RFC 5424, table 2).
    var syslogPriority: Int32 {
        switch self {
        case .fatal: 2
        case .error: 3
        case .warning: 4
        case .log: 6
        case .debug, .noise: 7
        }
    }
}
