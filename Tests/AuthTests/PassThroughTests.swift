import Auth
import Testing

/// Credentials learned from a client are used towards a server.
struct PassThroughTests {
    private func learn(_ secret: Secret) throws -> ServerCredentials {
        let exchange = Exchange(
            LoginFixtures.verifier(.scramSHA256, secret),
            LoginFixtures.prover(password: LoginFixtures.password)
        )
        return ServerCredentials(try #require(exchange.learned))
    }

    @Test func `keys of a SCRAM client log in to a server with the identical secret`() throws {
        let secret = try LoginFixtures.scramSecret()
        let credentials = try self.learn(secret)
        #expect(credentials.password == nil)
        let exchange = Exchange(
            LoginFixtures.verifier(.scramSHA256, secret, seed: 50),
            LoginFixtures.prover(credentials)
        )
        #expect(exchange.succeeded)
        #expect(exchange.derivations == (0, 0))
    }

    @Test func `the same password under another salt is refused`() throws {
        let credentials = try self.learn(try LoginFixtures.scramSecret())
        let other = try LoginFixtures.scramSecret(user: "another salt")
        let exchange = Exchange(
            LoginFixtures.verifier(.scramSHA256, other),
            LoginFixtures.prover(credentials)
        )
        #expect(exchange.verifierError == .wrongPassword(user: "alice"))
        #expect(!exchange.accepted)
    }

    @Test func `keys verify the server by its signature`() throws {
        let secret = try LoginFixtures.scramSecret()
        let learned = try #require(try self.learn(secret).scramKeys)
        let keys = SCRAMKeys(
            clientKey: learned.clientKey,
            serverKey: [UInt8](repeating: 0, count: 32)
        )
        let exchange = Exchange(
            LoginFixtures.verifier(.scramSHA256, secret),
            LoginFixtures.prover(ServerCredentials(scramKeys: keys))
        )
        #expect(exchange.proverError == .invalidServerSignature)
        #expect(!exchange.accepted)
    }

    @Test func `a plain secret learned serves every server`() throws {
        let credentials = try self.learn(.plain(LoginFixtures.password))
        let other = try LoginFixtures.scramSecret(user: "another salt")
        let md5 = try LoginFixtures.md5Secret()
        for (method, secret) in [(.scramSHA256, other), (.md5, md5), (ClientAuthMethod.plain, md5)]
        {
            let exchange = Exchange(
                LoginFixtures.verifier(method, secret),
                LoginFixtures.prover(credentials)
            )
            #expect(exchange.succeeded)
        }
    }

    @Test func `an md5 secret logs in to md5 servers only`() throws {
        let md5 = try LoginFixtures.md5Secret()
        let credentials = ServerCredentials(storedSecret: md5)
        #expect(
            Exchange(LoginFixtures.verifier(.md5, md5), LoginFixtures.prover(credentials)).succeeded
        )
        for method in [ClientAuthMethod.plain, .scramSHA256] {
            let exchange = Exchange(
                LoginFixtures.verifier(method, .plain("x")),
                LoginFixtures.prover(credentials)
            )
            let error = try #require(exchange.proverError)
            #expect(error == .wrongPasswordType)
            #expect(error.message == "server login failed: wrong password type")
        }
    }

    @Test func `a SCRAM secret without keys logs in nowhere`() throws {
        let secret = try LoginFixtures.scramSecret()
        for method in [ClientAuthMethod.plain, .md5, .scramSHA256] {
            let exchange = Exchange(
                LoginFixtures.verifier(method, .plain("x")),
                LoginFixtures.prover(ServerCredentials(storedSecret: secret))
            )
            #expect(exchange.proverError == .wrongPasswordType)
        }
    }

    @Test func `a derivation answered from a cache logs in`() throws {
        var kept: [PasswordDerivation.Key: PasswordDerivation.Result] = [:]
        for seed in [UInt8(1), 2] {
            var verifier = LoginFixtures.verifier(.scramSHA256, .plain("pw"), seed: seed)
            var prover = LoginFixtures.prover(password: "pw")
            var step = verifier.begin()
            while case .send(let request) = step {
                var answer = prover.received(
                    authenticationCode: request.code,
                    data: request.data
                )
                if case .derive(let job) = answer {
                    #expect((kept[job.key] != nil) == (seed == 2))
                    answer = prover.derived(kept[job.key] ?? job.run())
                }
                guard case .send(let body) = answer else { break }
                step = verifier.received(passwordMessageBody: body)
            }
            guard case .derive(let job) = step else {
                Issue.record("no derivation in login \(seed)")
                continue
            }
            #expect((kept[job.key] != nil) == (seed == 2))
            let result = kept[job.key] ?? job.run()
            kept[job.key] = result
            guard case .succeeded = verifier.derived(result) else {
                Issue.record("login \(seed) failed")
                continue
            }
        }
        #expect(kept.count == 1)
    }
}
