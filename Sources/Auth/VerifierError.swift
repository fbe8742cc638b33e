/// Why a client's login failed.
///
/// The cases are for Weir's log. `clientMessage` and `sqlState` are for the client: a wrong
/// password, an unknown user and a secret that does not fit the method read the same there.
public enum VerifierError: Error, Sendable, Equatable {
    /// The password or the proof is wrong.
    case wrongPassword(user: String)

    /// There is no such user, or its secret is empty.
    case unknownUser(user: String)

    /// The stored secret can never pass the method: an MD5 digest under `scram-sha-256`.
    case unusableSecret(user: String)

    /// The method is `trust` and the user is not known.
    case untrustedUser(user: String)

    /// The client sent an empty password.
    case emptyPassword

    /// The client chose a SASL mechanism that was not offered.
    case wrongMechanism

    /// A message does not have the form that the protocol prescribes; the text says where.
    case malformedMessage(String)

    /// A message asks for something that is not offered; the text says what.
    case unsupported(String)

    /// A message came when none was expected.
    case unexpectedMessage

    /// OpenSSL has no MD5 here, as in FIPS mode.
    case digestUnavailable

    /// The text of the ErrorResponse, worded as PostgreSQL words it where it has the case.
    public var clientMessage: String {
        switch self {
        case .wrongPassword(let user), .unknownUser(let user), .unusableSecret(let user):
            "password authentication failed for user \"\(user)\""
        case .untrustedUser(let user):
            "\"trust\" authentication failed for user \"\(user)\""
        case .emptyPassword:
            "empty password returned by client"
        case .wrongMechanism:
            "client selected an invalid SASL authentication mechanism"
        case .malformedMessage(let what):
            "malformed authentication message: \(what)"
        case .unsupported(let what):
            "authentication message asks for what is not supported: \(what)"
        case .unexpectedMessage:
            "unexpected authentication message"
        case .digestUnavailable:
            "MD5 authentication is not available"
        }
    }

    /// The SQLSTATE of the ErrorResponse, five characters.
    public var sqlState: String {
        switch self {
        case .wrongPassword, .unknownUser, .unusableSecret, .emptyPassword: "28P01"
        case .untrustedUser: "28000"
        case .wrongMechanism, .malformedMessage, .unexpectedMessage: "08P01"
        case .unsupported: "0A000"
        case .digestUnavailable: "XX000"
        }
    }

    init(_ error: SCRAMError) {
        switch error {
        case .malformed(let what), .refused(let what): self = .malformedMessage(what)
        case .unsupported(let what): self = .unsupported(what)
        }
    }
}
