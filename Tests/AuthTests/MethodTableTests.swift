import Auth
import Testing

/// Every method with every kind of secret: the table in PgBouncer's manual.
struct MethodTableTests {
    enum Kind: CaseIterable { case plain, md5, scram, empty, none }

    private func secret(_ kind: Kind) throws -> Secret? {
        switch kind {
        case .plain: .plain(LoginFixtures.password)
        case .md5: try LoginFixtures.md5Secret()
        case .scram: try LoginFixtures.scramSecret()
        case .empty: .plain("")
        case .none: nil
        }
    }

    private func isRight(_ method: ClientAuthMethod, _ kind: Kind) -> Bool {
        switch (method, kind) {
        case (.any, _), (.trust, .empty): true
        case (.trust, let kind): kind != .none
        case (_, .empty), (_, .none): false
        case (.scramSHA256, .md5): false
        default: true
        }
    }

    @Test(arguments: ClientAuthMethod.allCases, Kind.allCases)
    func `the right password logs in where the table says so`(
        method: ClientAuthMethod,
        kind: Kind
    ) throws {
        let exchange = Exchange(
            LoginFixtures.verifier(method, try self.secret(kind)),
            LoginFixtures.prover(password: LoginFixtures.password)
        )
        #expect(exchange.succeeded == self.isRight(method, kind))
        #expect((exchange.verifierError == nil) == self.isRight(method, kind))
    }

    @Test(arguments: [ClientAuthMethod.plain, .md5, .scramSHA256], Kind.allCases)
    func `a wrong password never logs in and always reads the same`(
        method: ClientAuthMethod,
        kind: Kind
    ) throws {
        for wrong in ["Correct horse", "correct horse ", "x"] {
            let exchange = Exchange(
                LoginFixtures.verifier(method, try self.secret(kind)),
                LoginFixtures.prover(password: wrong)
            )
            #expect(!exchange.succeeded && exchange.learned == nil)
            let error = try #require(exchange.verifierError)
            #expect(error.clientMessage == #"password authentication failed for user "alice""#)
            #expect(error.sqlState == "28P01")
        }
    }

    @Test func `the first request follows from method and secret`() throws {
        let scram = try LoginFixtures.scramSecret()
        let codes: [(ClientAuthMethod, Secret?, Int32)] = [
            (.plain, scram, 3), (.plain, nil, 3), (.md5, .plain("x"), 5), (.md5, nil, 5),
            (.md5, try LoginFixtures.md5Secret(), 5), (.md5, scram, 10),
            (.scramSHA256, scram, 10), (.scramSHA256, nil, 10), (.scramSHA256, .plain("x"), 10),
        ]
        for (method, secret, code) in codes {
            var verifier = LoginFixtures.verifier(method, secret)
            guard case .send(let request) = verifier.begin() else {
                Issue.record("\(method) sends nothing")
                continue
            }
            #expect(request.code == code)
        }
    }

    @Test func `trust refuses an unknown user with PostgreSQL's SQLSTATE`() throws {
        let exchange = Exchange(
            LoginFixtures.verifier(.trust, nil),
            LoginFixtures.prover(password: "x")
        )
        let error = try #require(exchange.verifierError)
        #expect(error == .untrustedUser(user: "alice"))
        #expect(error.sqlState == "28000")
        #expect(error.clientMessage == #""trust" authentication failed for user "alice""#)
    }

    @Test func `an md5 secret belongs to one user`() throws {
        let exchange = Exchange(
            LoginFixtures.verifier(.plain, try LoginFixtures.md5Secret(), user: "bob"),
            LoginFixtures.prover(password: LoginFixtures.password)
        )
        #expect(exchange.verifierError == .wrongPassword(user: "bob"))
    }

    @Test func `a clear text login teaches the password`() throws {
        for kind in [Kind.plain, .md5, .scram] {
            let exchange = Exchange(
                LoginFixtures.verifier(.plain, try self.secret(kind)),
                LoginFixtures.prover(password: LoginFixtures.password)
            )
            #expect(exchange.learned?.password == LoginFixtures.password)
            #expect((exchange.learned?.scramKeys != nil) == (kind == .scram))
        }
    }
}
