/// Why a first packet cannot be answered with a session.
public enum StartupError: Error, Equatable, Sendable {
    /// The length field is no possible length of a startup packet.
    case invalidLength(Int32)
    /// The version is none of protocol 3; `major` and `minor` as they came.
    case unsupportedVersion(major: Int, minor: Int)
    /// The parameters do not end with the terminator, or one has no value.
    case invalidLayout
    /// A parameter is no valid UTF-8.
    case invalidText
    /// More than `Limits.startupParametersMax` parameters.
    case tooManyParameters
    /// There is no `user`.
    case noUser
    /// The user's name is longer than `Limits.nameLengthMax`.
    case userTooLong
    /// The database's name is longer than `Limits.nameLengthMax`.
    case databaseTooLong
    /// A CancelRequest of a form that no server hands out keys for.
    case invalidCancel

    /// What a client is told.
    public var fields: ErrorFields {
        let text =
            switch self {
            case .invalidLength(let length): "invalid length of startup packet: \(length)"
            case .unsupportedVersion(let major, let minor):
                "unsupported frontend protocol \(major).\(minor): server supports 3.0 to 3.2"
            case .invalidLayout:
                "invalid startup packet layout: expected terminator as last byte"
            case .invalidText: "invalid startup packet: a parameter is no valid UTF-8"
            case .tooManyParameters:
                "invalid startup packet: more than \(Limits.startupParametersMax) parameters"
            case .noUser: "no PostgreSQL user name specified in startup packet"
            case .userTooLong: "user name is longer than \(Limits.nameLengthMax) bytes"
            case .databaseTooLong: "database name is longer than \(Limits.nameLengthMax) bytes"
            case .invalidCancel: "invalid length of cancel request packet"
            }
        let state: SQLState =
            switch self {
            case .unsupportedVersion: .featureNotSupported
            case .noUser: .invalidAuthorization
            default: .protocolViolation
            }
        return ErrorFields(.fatal, state, text)
    }
}
