import Wire

/// Why a startup parameter cannot be accepted.
enum StartupParameterError: Error {
    /// A replication client's, whose server knows no SET.
    case unsupported(String)
    /// More settings than a client may ask for at once.
    case tooMany
    /// `options` holds something else of PostgreSQL's than `-c name=value` and `--name=value`.
    case unsupportedOptions
    /// `options` holds what is no option to PostgreSQL either.
    case invalidOption(String)
    /// An option of these names a setting and no value.
    case missingValue(String)
    /// There can be no setting of this name.
    case unknownSetting(String)
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
        case .tooMany:
            ErrorFields(.fatal, .protocolViolation, "too many startup parameters")
        case .invalidReplication(let value):
            ErrorFields(
                .fatal,
                .invalidParameterValue,
                "invalid value for parameter \"replication\": \"\(value)\"",
                hint: "Valid values are: \"false\", 0, \"true\", 1, \"database\"."
            )
        case .invalidOption(let word):
            ErrorFields(
                .fatal,
                .syntaxError,
                "invalid command-line argument for server process: \(word)",
                hint: "Try \"postgres --help\" for more information."
            )
        case .missingValue(let option):
            ErrorFields(.fatal, .syntaxError, "\(option) requires a value")
        case .unknownSetting(let name):
            ErrorFields(
                .fatal,
                .undefinedObject,
                "unrecognized configuration parameter \"\(name)\""
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
