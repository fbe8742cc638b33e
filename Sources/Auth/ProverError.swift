/// Why Weir could not log in to a server.
public enum ProverError: Error, Sendable, Equatable {
    /// No credential at hand fits the method that the server asks for.
    case wrongPasswordType

    /// The server does not know the password: it could be an impostor.
    case invalidServerSignature

    /// The server declared success before it had proved itself.
    case unprovenServer

    /// The server offers SASL mechanisms, but not SCRAM-SHA-256.
    case noSupportedMechanism

    /// The server asks for a method that Weir does not have; the number is the request's code.
    case unsupportedMethod(Int32)

    /// A request came when another one was due; the number is its code.
    case unexpectedRequest(Int32)

    /// A request does not have the form that the protocol prescribes; the text says where.
    case malformedMessage(String)

    /// The server ended the SASL exchange with an error of its own.
    case refused(String)

    /// OpenSSL has no MD5 here, as in FIPS mode.
    case digestUnavailable

    /// The text for the log and for the clients that wait for a server, worded as PgBouncer
    /// words it where it has the case.
    public var message: String {
        let reason =
            switch self {
            case .wrongPasswordType:
                "wrong password type"
            case .invalidServerSignature:
                "invalid server signature"
            case .unprovenServer:
                "the server did not finish the SASL exchange"
            case .noSupportedMechanism:
                "none of the server's SASL authentication mechanisms are supported"
            case .unsupportedMethod(let code):
                "unsupported authentication method \(code)\(Self.name(ofMethod: code))"
            case .unexpectedRequest(let code):
                "unexpected authentication request \(code)"
            case .malformedMessage(let what):
                "malformed authentication request: \(what)"
            case .refused(let text):
                "SASL error: \(text)"
            case .digestUnavailable:
                "MD5 authentication is not available"
            }
        return "server login failed: \(reason)"
    }

    /// The SQLSTATE for the clients that wait for a server, five characters: PgBouncer's.
    public var sqlState: String { "08P01" }

    init(_ error: SCRAMError) {
        switch error {
        case .malformed(let what), .unsupported(let what): self = .malformedMessage(what)
        case .refused(let text): self = .refused(text)
        }
    }

    private static func name(ofMethod code: Int32) -> String {
        switch code {
        case 2: " (Kerberos V5)"
        case 4: " (crypt)"
        case 6: " (SCM credentials)"
        case 7: " (GSSAPI)"
        case 9: " (SSPI)"
        default: ""
        }
    }
}
