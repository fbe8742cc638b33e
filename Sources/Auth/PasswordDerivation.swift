/// A SCRAM key derivation to be run off the event loop.
///
/// PBKDF2 takes milliseconds by design, so the login exchanges hand it out as a value. Equal
/// derivations have equal results: the caller may keep results by `key` (bounded, in memory only)
/// and answer at once with a kept one.
public struct PasswordDerivation: Sendable, CustomStringConvertible, CustomReflectable {
    private let password: [UInt8]
    private let salt: [UInt8]
    private let iterations: Int

    /// Which derivation it is, for a cache.
    public let key: Key

    /// Makes a derivation.
    ///
    /// - Parameters:
    ///   - password: the password's bytes, not yet prepared.
    ///   - salt: 1 to `AuthLimits.saltLength` bytes.
    ///   - iterations: 1 to `AuthLimits.iterations`.
    init(password: [UInt8], salt: [UInt8], iterations: Int) {
        precondition(
            (1...AuthLimits.saltLength).contains(salt.count)
                && (1...AuthLimits.iterations).contains(iterations),
            "derivation with a salt of \(salt.count) bytes and \(iterations) iterations"
        )
        self.password = PasswordPreparation.prepare(password)
        self.salt = salt
        self.iterations = iterations
        self.key = Key(password: self.password, salt: salt, iterations: iterations)
    }

    /// Derives the keys: `iterations` rounds of HMAC-SHA-256, some milliseconds of CPU time.
    public func run() -> Result {
        var salted = Crypto.pbkdf2(
            password: self.password,
            salt: self.salt,
            iterations: self.iterations
        )
        defer { Crypto.wipe(&salted) }
        let keys = SCRAMKeys(
            clientKey: Crypto.hmac(key: salted, Array("Client Key".utf8)),
            serverKey: Crypto.hmac(key: salted, Array("Server Key".utf8))
        )
        let secret = SCRAMSecret(
            iterations: self.iterations,
            salt: self.salt,
            storedKey: Crypto.sha256(keys.clientKey),
            serverKey: keys.serverKey
        )
        guard let secret else { preconditionFailure("derivation out of bounds: \(self)") }
        return Result(key: self.key, keys: keys, secret: secret)
    }

    /// The size of the derivation, without password and salt.
    public var description: String { "password derivation, \(self.iterations) iterations" }

    /// Nothing: a dump must not show the password either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension PasswordDerivation {
    /// What a derivation depends on, digested: it tells derivations apart without the password.
    ///
    /// It is a fast digest, good enough to guess weak passwords with: keep it in memory.
    public struct Key: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
        private let digest: [UInt8]

        fileprivate init(password: [UInt8], salt: [UInt8], iterations: Int) {
            // Counts before the parts, so that no two inputs read the same.
            let head = "\(iterations):\(salt.count):\(password.count):"
            var input = Array(head.utf8) + salt + password
            defer { Crypto.wipe(&input) }
            self.digest = Crypto.sha256(input)
        }

        /// A text without the digest, for logs.
        public var description: String { "derivation key (redacted)" }

        /// Nothing: a dump must not show the digest either.
        public var customMirror: Mirror { Mirror(self, children: []) }
    }

    /// The keys that came out.
    public struct Result: Sendable {
        /// Which derivation this is the result of.
        public let key: Key

        /// The keys that prove client and server.
        public let keys: SCRAMKeys

        /// What a server would store.
        public let secret: SCRAMSecret
    }
}
