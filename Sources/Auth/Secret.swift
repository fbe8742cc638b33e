/// What is stored about a user's password: in a user list, or in PostgreSQL's `pg_authid`.
///
/// Its descriptions are redacted, so that a log line cannot give it away.
public enum Secret: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// The password itself. An empty one never authenticates anybody.
    case plain(String)

    /// 32 lower-case hexadecimal characters: md5(password ‖ user).
    case md5(digest: String)

    /// A SCRAM-SHA-256 secret.
    case scram(SCRAMSecret)

    /// Recognises a stored text by its shape, as PostgreSQL does.
    ///
    /// `md5` and 32 lower-case hexadecimal characters are an MD5 digest, `SCRAM-SHA-256$…` is a
    /// SCRAM secret, anything else is a password.
    ///
    /// It returns nil for what can only be a mistake: a text that begins like a SCRAM secret and
    /// is none, or whose iterations or salt exceed `AuthLimits` (taken as a password, the stored
    /// text itself would log in), a text with a zero byte, and one that is too long.
    public init?(stored text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= AuthLimits.passwordLength, !bytes.contains(0) else { return nil }
        if bytes.starts(with: SCRAMSecret.prefix) {
            guard let secret = SCRAMSecret(storedText: text) else { return nil }
            self = .scram(secret)
        } else if Self.isMD5(bytes) {
            self = .md5(digest: String(decoding: bytes[3...], as: UTF8.self))
        } else {
            self = .plain(text)
        }
    }

    /// The kind of secret without the secret, for logs.
    public var description: String {
        switch self {
        case .plain: "plain secret (redacted)"
        case .md5: "md5 secret (redacted)"
        case .scram: "SCRAM-SHA-256 secret (redacted)"
        }
    }

    /// Nothing: a dump must not show the secret either.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether two secrets have the same bytes.
    ///
    /// Strings in Swift are equal when Unicode calls them equivalent; to PostgreSQL such
    /// passwords differ.
    public static func == (one: Self, other: Self) -> Bool {
        switch (one, other) {
        case (.plain(let one), .plain(let other)), (.md5(let one), .md5(let other)):
            Crypto.equal(Array(one.utf8), Array(other.utf8))
        case (.scram(let one), .scram(let other)):
            one == other
        default:
            false
        }
    }

    private static func isMD5(_ bytes: [UInt8]) -> Bool {
        bytes.count == 35 && bytes.starts(with: "md5".utf8)
            && bytes[3...].allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
