import Auth

/// Fixed stand-ins for what the caller of a login passes in.
enum LoginFixtures {
    static let user = "alice"
    static let password = "correct horse"
    static let mockKey = [UInt8](repeating: 7, count: 32)
    static let iterations = 4096

    static func entropy(_ seed: UInt8 = 1) -> VerifierEntropy {
        VerifierEntropy(
            md5Salt: [seed, 2, 3, 4],
            scramNonce: (0..<18).map { seed &+ $0 }
        )
    }

    static func nonce(_ seed: UInt8 = 100) -> [UInt8] { (0..<18).map { seed &+ $0 } }

    static func verifier(
        _ method: ClientAuthMethod,
        _ secret: Secret?,
        user: String = Self.user,
        seed: UInt8 = 1,
        unknownUsersDerive: Bool? = nil
    ) -> Verifier {
        Verifier(
            method: method,
            user: user,
            secret: secret,
            entropy: Self.entropy(seed),
            mockKey: Self.mockKey,
            scramIterations: Self.iterations,
            unknownUsersDerive: unknownUsersDerive
        )
    }

    static func prover(_ credentials: ServerCredentials, user: String = Self.user) -> Prover {
        Prover(user: user, credentials: credentials, nonce: Self.nonce())
    }

    static func prover(password: String) -> Prover {
        Self.prover(ServerCredentials(password: password))
    }

    /// The MD5 secret of `password` for `user`.
    static func md5Secret() throws(FixtureFailure) -> Secret {
        guard let digest = MD5.storedDigest(password: Array(Self.password.utf8), user: Self.user)
        else { throw FixtureFailure() }
        return .md5(digest: digest)
    }

    /// A SCRAM secret of a password, as the verifier itself derives it for plain secrets.
    static func scramSecret(
        password: String = Self.password,
        user: String = Self.user
    ) throws(FixtureFailure) -> Secret {
        let result = Exchange.firstDerivation(
            Self.verifier(.scramSHA256, .plain(password), user: user),
            Self.prover(password: password)
        )
        guard let result else { throw FixtureFailure() }
        return .scram(result.secret)
    }

    struct FixtureFailure: Error {}
}
