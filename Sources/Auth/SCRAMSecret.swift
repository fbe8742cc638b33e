/// What a server stores to check a SCRAM-SHA-256 login (RFC 5802 §3), as in `pg_authid`.
///
/// It does not allow a login by itself, but makes guessing the password possible offline, so it
/// is never printed.
public struct SCRAMSecret: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// The PBKDF2 iterations, 1 to `AuthLimits.iterations`.
    public let iterations: Int

    /// The salt, 1 to `AuthLimits.saltLength` bytes.
    public let salt: [UInt8]

    /// H(ClientKey), 32 bytes.
    public let storedKey: [UInt8]

    /// HMAC(SaltedPassword, "Server Key"), 32 bytes.
    public let serverKey: [UInt8]

    /// Makes a secret, or returns nil when a part is out of its bounds.
    public init?(iterations: Int, salt: [UInt8], storedKey: [UInt8], serverKey: [UInt8]) {
        guard
            (1...AuthLimits.iterations).contains(iterations),
            (1...AuthLimits.saltLength).contains(salt.count),
            storedKey.count == Crypto.digestLength,
            serverKey.count == Crypto.digestLength
        else { return nil }
        self.iterations = iterations
        self.salt = salt
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// Parses `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`, the parts in Base64.
    ///
    /// It returns nil for any other text and for parts out of their bounds.
    public init?(storedText: String) {
        let bytes = Array(storedText.utf8)
        guard bytes.starts(with: Self.prefix) else { return nil }
        let halves = bytes[Self.prefix.count...].split(
            separator: UInt8(ascii: "$"),
            omittingEmptySubsequences: false
        )
        guard halves.count == 2 else { return nil }
        let parts = halves.flatMap {
            $0.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        }
        let colons = halves.map { half in half.count { $0 == UInt8(ascii: ":") } }
        guard
            colons == [1, 1],
            let iterations = SCRAMAttributes.decimal(parts[0]),
            let salt = Base64.decode(parts[1]),
            let storedKey = Base64.decode(parts[2]),
            let serverKey = Base64.decode(parts[3])
        else { return nil }
        self.init(
            iterations: iterations,
            salt: salt,
            storedKey: storedKey,
            serverKey: serverKey
        )
    }

    /// The text that PostgreSQL and user lists store; secret.
    public var storedText: String {
        let text =
            Self.prefix + Array("\(self.iterations):".utf8) + Base64.encode(self.salt)
            + Array("$".utf8) + Base64.encode(self.storedKey)
            + Array(":".utf8) + Base64.encode(self.serverKey)
        return String(decoding: text, as: UTF8.self)
    }

    /// A text without the keys, for logs.
    public var description: String { "SCRAM-SHA-256 secret (redacted)" }

    /// Nothing: a dump must not show the keys either.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// How a stored SCRAM-SHA-256 secret begins.
    static let prefix = Array("SCRAM-SHA-256$".utf8)
}
