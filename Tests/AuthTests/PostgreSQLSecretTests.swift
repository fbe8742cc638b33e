import Auth
import Testing

/// Secrets that PostgreSQL 15.20 made itself (`CREATE ROLE … PASSWORD`, then `pg_authid`).
struct PostgreSQLSecretTests {
    private func check(
        _ stored: String,
        user: String,
        password: String,
        methods: [ClientAuthMethod]
    ) throws {
        let secret = try #require(Secret(stored: stored))
        for method in methods {
            let right = Exchange(
                LoginFixtures.verifier(method, secret, user: user),
                LoginFixtures.prover(ServerCredentials(password: password), user: user)
            )
            #expect(right.succeeded)
            let wrong = Exchange(
                LoginFixtures.verifier(method, secret, user: user),
                LoginFixtures.prover(ServerCredentials(password: password + "x"), user: user)
            )
            #expect(wrong.verifierError == .wrongPassword(user: user))
        }
    }

    @Test func `a SCRAM secret`() throws {
        try self.check(
            "SCRAM-SHA-256$4096:9mxeXOegTEgJGfXlRmcWZw=="
                + "$JT2OSKC72zjh+J7cTuHZKefWAxC+jtD1Md1yNzyQ/9A="
                + ":BIYM2aef/8A/3pgsYtKovjkXpCnTnfxChiaEr9yO8pU=",
            user: "weir_app",
            password: "correct horse battery staple",
            methods: [.plain, .md5, .scramSHA256]
        )
    }

    @Test func `a SCRAM secret of a password beyond ASCII`() throws {
        try self.check(
            "SCRAM-SHA-256$4096:xUuHvHicAx2M8QHLVgeasg=="
                + "$CzgOH9Nhh1hEqrYAIPtMOwhsp8hmdf/DGvIDudAJ0/c="
                + ":B8o+iJh6b8IhvzJd3aV1h1lOgQRsqXUgXlEFlAYfmEo=",
            user: "weir_umlaut",
            password: "P\u{E4}ssw\u{F6}rd-",
            methods: [.plain, .scramSHA256]
        )
    }

    @Test func `an MD5 secret`() throws {
        try self.check(
            "md59dbb4524dc31dce32264dafd23c0e6a7",
            user: "weir_old",
            password: "old secret",
            methods: [.plain, .md5]
        )
    }
}
