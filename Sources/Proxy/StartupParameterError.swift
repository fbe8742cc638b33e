import Wire

/// Why a startup parameter cannot be accepted.
enum StartupParameterError: Error {
    /// Neither followed nor ignored.
    case unsupported(String)
    /// In `options`, likewise.
    case unsupportedOption(String)
    /// `options` holds something else than `-c name=value` and `--name=value`.
    case unsupportedOptions
    /// `replication` has a value that is none of its own.
    case invalidReplication(String)

    private static let hint =
        "Add it to ignore_startup_parameters, or to track_extra_parameters if PostgreSQL "
        + "reports it."

    /// What the client is told.
    var fields: ErrorFields {
        switch self {
        case .unsupported(let name):
            ErrorFields(
                .fatal,
                .protocolViolation,
                "unsupported startup parameter: \(name)",
                hint: Self.hint
            )
        case .unsupportedOption(let name):
            ErrorFields(
                .fatal,
                .protocolViolation,
                "unsupported startup parameter in options: \(name)",
                hint: Self.hint
            )
        case .invalidReplication(let value):
            ErrorFields(
                .fatal,
                .invalidParameterValue,
                "invalid value for parameter \"replication\": \"\(value)\"",
                hint: "Valid values are: \"false\", 0, \"true\", 1, \"database\"."
            )
        case .unsupportedOptions:
            ErrorFields(
                .fatal,
                .protocolViolation,
                "unsupported options startup parameter: only '-c config=val' and '--config=val' "
                    + "are allowed"
            )
        }
    }
}
