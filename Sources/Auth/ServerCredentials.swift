/// What Weir can log in to PostgreSQL with.
///
/// The password is preferred, since it works with every method; then comes what fits the method:
/// the stored MD5 digest, or the SCRAM keys. An empty password counts as none.
public struct ServerCredentials: Sendable, CustomStringConvertible, CustomReflectable {
    /// The password.
    public var password: String?

    /// SCRAM keys learned from a client, for a PostgreSQL that stores the identical secret.
    public var scramKeys: SCRAMKeys?

    /// A stored secret: a plain one is a password, an MD5 digest answers MD5 requests.
    public var storedSecret: Secret?

    /// Makes credentials; what is not known is nil.
    public init(password: String? = nil, scramKeys: SCRAMKeys? = nil, storedSecret: Secret? = nil) {
        self.password = password
        self.scramKeys = scramKeys
        self.storedSecret = storedSecret
    }

    /// Takes over what a client's login has taught.
    public init(_ learned: LearnedCredentials) {
        self.init(
            password: learned.password,
            scramKeys: learned.scramKeys,
            storedSecret: learned.storedSecret
        )
    }

    /// A text without the secrets, for logs.
    public var description: String { "server credentials (redacted)" }

    /// Nothing: a dump must not show the secrets either.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The bytes of the password, if there is one that can be sent.
    var passwordBytes: [UInt8]? {
        var text = self.password
        if text == nil, case .plain(let stored) = self.storedSecret { text = stored }
        guard let bytes = text.map({ Array($0.utf8) }), !bytes.isEmpty, !bytes.contains(0) else {
            return nil
        }
        return bytes
    }
}
