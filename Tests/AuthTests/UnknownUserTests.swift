import Auth
import Testing

/// Nobody can find out by logging in whether a user exists.
struct UnknownUserTests {
    /// What a client sees of a failed login, with what differs by design taken out.
    struct Sight: Equatable {
        var requests: [AuthenticationRequest]
        var derivations: Int
        var message: String?
        var sqlState: String?
    }

    private func sight(
        _ method: ClientAuthMethod,
        _ secret: Secret?,
        user: String = LoginFixtures.user,
        derive: Bool? = nil
    ) -> Sight {
        let exchange = Exchange(
            LoginFixtures.verifier(method, secret, user: user, unknownUsersDerive: derive),
            LoginFixtures.prover(password: "wrong")
        )
        return Sight(
            requests: exchange.requests,
            derivations: exchange.derivations.verifier,
            message: exchange.verifierError?.clientMessage,
            sqlState: exchange.verifierError?.sqlState
        )
    }

    @Test func `unknown users and plain secrets look the same under SCRAM, salt included`() {
        let known = self.sight(.scramSHA256, .plain("secret"))
        #expect(known == self.sight(.scramSHA256, nil))
        #expect(known == self.sight(.scramSHA256, .plain("")))
        #expect(known == self.sight(.scramSHA256, .md5(digest: String(repeating: "0", count: 32))))
        #expect(known.derivations == 1)
        #expect(known.requests.map(\.code) == [10, 11])
    }

    @Test func `unknown users and MD5 secrets look the same under MD5`() throws {
        let known = self.sight(.md5, try LoginFixtures.md5Secret())
        #expect(known == self.sight(.md5, nil))
        #expect(known == self.sight(.md5, .plain("")))
        #expect(known == self.sight(.md5, .plain("secret")))
    }

    @Test func `unknown users and SCRAM secrets have the same shape where all secrets are SCRAM`()
        throws
    {
        let known = self.sight(.scramSHA256, try LoginFixtures.scramSecret(user: "x"))
        let unknown = self.sight(.scramSHA256, nil, derive: false)
        #expect(known.requests.map(\.code) == unknown.requests.map(\.code))
        #expect(known.requests.map(\.data.count) == unknown.requests.map(\.data.count))
        #expect(known.derivations == 0 && unknown.derivations == 0)
        #expect(known.message == unknown.message && known.sqlState == unknown.sqlState)
    }

    @Test func `unknown users cost under clear text what the known ones cost`() throws {
        let plain = self.sight(.plain, .plain("secret"))
        #expect(plain == self.sight(.plain, nil))
        let scram = self.sight(.plain, try LoginFixtures.scramSecret())
        #expect(scram == self.sight(.plain, nil, derive: true))
        #expect(plain.derivations == 0 && scram.derivations == 1)
    }

    @Test func `an unknown user's salt is stable, and another name has another one`() {
        let salts = ["ann", "ann", "bob"].map { user in
            self.sight(.scramSHA256, nil, user: user).requests.last?.data
        }
        #expect(salts[0] != nil && salts[0] == salts[1])
        #expect(salts[0] != salts[2])
    }

    @Test func `another process has other salts`() {
        var requests: [[UInt8]] = []
        for seed in [UInt8(1), 2] {
            let verifier = Verifier(
                method: .scramSHA256,
                user: "ann",
                secret: nil,
                entropy: LoginFixtures.entropy(),
                mockKey: [UInt8](repeating: seed, count: 16),
                scramIterations: 4096
            )
            let exchange = Exchange(verifier, LoginFixtures.prover(password: "x"))
            requests.append(exchange.requests.last?.data ?? [])
        }
        #expect(requests[0] != requests[1])
    }

    @Test func `the log can tell what the client cannot`() {
        func error(_ secret: Secret?) -> VerifierError? {
            Exchange(
                LoginFixtures.verifier(.scramSHA256, secret),
                LoginFixtures.prover(password: "wrong")
            ).verifierError
        }
        #expect(error(nil) == .unknownUser(user: "alice"))
        #expect(error(.plain("x")) == .wrongPassword(user: "alice"))
        #expect(error(.md5(digest: "0")) == .unusableSecret(user: "alice"))
    }
}
