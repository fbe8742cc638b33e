/// Stand-ins for what is not stored, which look the same at every attempt for one name.
///
/// Everything comes from a key that only this process knows and from the user's name, so that
/// nobody else can compute it, and nothing has to be remembered.
struct MockSecret: Sendable {
    private let key: [UInt8]
    private let user: String

    /// The iterations that users without a SCRAM secret of their own get.
    let iterations: Int

    init(key: [UInt8], user: String, iterations: Int) {
        precondition(key.count >= AuthLimits.mockKeyLength, "a mock key of \(key.count) bytes")
        self.key = key
        self.user = user
        self.iterations = iterations
    }

    /// The salt for the user: 16 bytes as in PostgreSQL. Plain secrets are derived with it too.
    var salt: [UInt8] { Array(self.bytes(for: "salt").prefix(16)) }

    /// A password that nobody knows.
    var password: [UInt8] { Base64.encode(self.bytes(for: "password")) }

    /// A StoredKey or a ServerKey for which nobody knows the other key.
    var scramKey: [UInt8] { self.bytes(for: "key") }

    /// An MD5 digest of no known password.
    var md5Digest: String {
        String(self.bytes(for: "md5").prefix(16).reduce(into: "") { $0 += Self.hex($1) })
    }

    /// Whether two passwords are equal, in a time that tells nothing about the first one.
    func isEqual(_ stored: [UInt8], _ received: [UInt8]) -> Bool {
        Crypto.equal(
            Crypto.hmac(key: self.key, stored),
            Crypto.hmac(key: self.key, received)
        )
    }

    private func bytes(for purpose: String) -> [UInt8] {
        Crypto.hmac(key: self.key, Array("weir \(purpose):".utf8) + self.user.utf8)
    }

    private static func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
