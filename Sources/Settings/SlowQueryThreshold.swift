/// From which duration on a statement is written to the slow-query log.
public enum SlowQueryThreshold: Sendable, Equatable {
    /// Nothing is logged; written `-1` (as PostgreSQL's `log_min_duration_statement`) or `off`.
    case off
    /// Statements that took so long or longer; zero logs every statement.
    case atLeast(TimeSetting)

    /// Reads a threshold: `-1`, `off`, or a time.
    ///
    /// - Returns: `nil` when the text is none of these.
    public init?(parsing text: String) {
        if text == "-1" || text.lowercased() == "off" {
            self = .off
        } else if let time = TimeSetting(parsing: text) {
            self = .atLeast(time)
        } else {
            return nil
        }
    }

    /// The threshold, or `nil` when nothing is to be logged.
    public var time: TimeSetting? {
        switch self {
        case .off: nil
        case .atLeast(let time): time
        }
    }
}

extension SlowQueryThreshold: CustomStringConvertible {
    /// The threshold in seconds, or `-1`.
    public var description: String {
        switch self {
        case .off: "-1"
        case .atLeast(let time): time.description
        }
    }
}
