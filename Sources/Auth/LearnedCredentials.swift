/// What a client's successful login has taught, for logging in to PostgreSQL as that user.
///
/// Which fields are set depends on method and secret; a server login takes the same fields
/// (`ServerCredentials(_:)`).
public struct LearnedCredentials: Sendable, CustomStringConvertible, CustomReflectable {
    /// The password that the client sent in clear text, if it is valid UTF-8.
    public var password: String?

    /// The keys that the client's SCRAM proof has revealed, or that a clear-text password gave.
    ///
    /// They belong to the secret that the client was checked against: they work for PostgreSQL
    /// only if PostgreSQL stores the same one.
    public var scramKeys: SCRAMKeys?

    /// The secret that the verifier was given.
    public var storedSecret: Secret?

    /// Makes credentials; what is not known is nil.
    public init(password: String? = nil, scramKeys: SCRAMKeys? = nil, storedSecret: Secret? = nil) {
        self.password = password
        self.scramKeys = scramKeys
        self.storedSecret = storedSecret
    }

    /// A text without the secrets, for logs.
    public var description: String { "learned credentials (redacted)" }

    /// Nothing: a dump must not show the secrets either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
