/// The two keys that let one log in with SCRAM without the password (RFC 5802 §3).
///
/// Weir learns them when a client logs in, and uses them to log in to PostgreSQL as that user:
/// it works when both hold the identical secret (same salt and iterations). Whoever has them can
/// do the same, so they are as secret as the password.
public struct SCRAMKeys: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// HMAC(SaltedPassword, "Client Key"), 32 bytes: proves the client.
    public let clientKey: [UInt8]

    /// HMAC(SaltedPassword, "Server Key"), 32 bytes: proves the server.
    public let serverKey: [UInt8]

    /// Makes a pair of keys of 32 bytes each.
    public init(clientKey: [UInt8], serverKey: [UInt8]) {
        precondition(
            clientKey.count == Crypto.digestLength && serverKey.count == Crypto.digestLength,
            "SCRAM keys of \(clientKey.count) and \(serverKey.count) bytes"
        )
        self.clientKey = clientKey
        self.serverKey = serverKey
    }

    /// A text without the keys, for logs.
    public var description: String { "SCRAM keys (redacted)" }

    /// Nothing: a dump must not show the keys either.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether both keys are the same, compared in constant time.
    public static func == (one: Self, other: Self) -> Bool {
        let clients = Crypto.equal(one.clientKey, other.clientKey)
        let servers = Crypto.equal(one.serverKey, other.serverKey)
        return clients && servers
    }
}
