import Auth
import Testing

/// Stored secrets: their shapes, and that they never show.
struct SecretTests {
    private let scram =
        "SCRAM-SHA-256$4096:9mxeXOegTEgJGfXlRmcWZw==$JT2OSKC72zjh+J7cTuHZKefWAxC+jtD1Md1yNzyQ/9A="
        + ":BIYM2aef/8A/3pgsYtKovjkXpCnTnfxChiaEr9yO8pU="

    @Test func `the three shapes are told apart`() {
        let digest = "9dbb4524dc31dce32264dafd23c0e6a7"
        #expect(Secret(stored: "md5" + digest) == .md5(digest: digest))
        #expect(Secret(stored: "secret") == .plain("secret"))
        #expect(Secret(stored: "") == .plain(""))
        guard case .scram(let secret) = Secret(stored: self.scram) else {
            Issue.record("no SCRAM secret")
            return
        }
        #expect(secret.iterations == 4096)
        #expect(secret.salt.count == 16)
        #expect(secret.storedText == self.scram)
    }

    @Test(arguments: [
        "md5", "md59dbb4524dc31dce32264dafd23c0e6a", "md59dbb4524dc31dce32264dafd23c0e6a77",
        "md59DBB4524DC31DCE32264DAFD23C0E6A7", "md59dbb4524dc31dce32264dafd23c0e6ag",
        "SCRAM-SHA-1$x", "scram-sha-256$1:a$b:c",
    ])
    func `what only resembles a digest is a password`(text: String) {
        #expect(Secret(stored: text) == .plain(text))
    }

    @Test func `a broken SCRAM secret is not taken for a password`() {
        let good = self.scram
        let broken = [
            "SCRAM-SHA-256$", "SCRAM-SHA-256$4096", String(good.dropLast()), good + "A",
            good + ":x",
            good + "$x", good.replacing("$4096:", with: "$0:"), good.replacing("4096:", with: ":"),
            good.replacing("4096", with: "1000001"), good.replacing("4096", with: "+4096"),
            good.replacing("4096", with: "99999999999999999999"),
            good.replacing("9mxeXOegTEgJGfXlRmcWZw==", with: ""),
            good.replacing("$JT2O", with: ":JT2O"), good.replacing(":BIYM", with: "$BIYM"),
        ]
        for text in broken { #expect(Secret(stored: text) == nil, "\(text)") }
        #expect(Secret(stored: "a\0b") == nil)
        let long = String(repeating: "a", count: AuthLimits.passwordLength)
        #expect(Secret(stored: long) == .plain(long))
        #expect(Secret(stored: long + "a") == nil)
    }

    @Test func `equality is by bytes`() {
        #expect(Secret.plain("\u{E9}") != .plain("e\u{301}"))
        #expect(Secret.plain("a") == .plain("a"))
        #expect(Secret.plain("a") != .md5(digest: "a"))
    }

    @Test func `nothing that is printed shows a secret`() throws {
        let secret = try #require(Secret(stored: self.scram))
        let exchange = Exchange(
            LoginFixtures.verifier(.plain, .plain("hunter2")),
            LoginFixtures.prover(password: "hunter2")
        )
        let learned = try #require(exchange.learned)
        let keys = SCRAMKeys(
            clientKey: Array("hunter2hunter2hunter2hunter2hunt".utf8),
            serverKey: Array("hunter2hunter2hunter2hunter2hunt".utf8)
        )
        let shown: [Any] = [
            secret, Secret.plain("hunter2"), learned, ServerCredentials(learned), keys,
        ]
        for value in shown {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                #expect(!text.contains("hunter2") && !text.contains("104, 117"), "\(text)")
                #expect(!text.contains("JT2O") && !text.contains("37, 61"), "\(text)")
            }
        }
    }

    @Test func `derivations are told apart by password, salt and iterations`() throws {
        func derivation(_ user: String, _ password: String) throws -> PasswordDerivation.Result {
            try #require(
                Exchange.firstDerivation(
                    LoginFixtures.verifier(.scramSHA256, .plain(password), user: user),
                    LoginFixtures.prover(password: password)
                )
            )
        }
        let one = try derivation("a", "pw")
        #expect(try derivation("a", "pw").key == one.key)
        #expect(try derivation("a", "pw").secret == one.secret)
        #expect(try derivation("b", "pw").key != one.key)
        #expect(try derivation("a", "pW").key != one.key)
    }
}
