import Auth
import Testing

/// Damaged messages into both roles: nothing may trap, and nothing damaged may log in.
struct FuzzTests {
    static let seed: UInt64 = 0x5EED_2026_1124
    static let rounds = 30_000

    /// Derivations that have been run; others are not run, since a damaged count may ask for much.
    private final class Derivations {
        private var results: [PasswordDerivation.Key: PasswordDerivation.Result] = [:]

        func result(of job: PasswordDerivation, mayRun: Bool) -> PasswordDerivation.Result? {
            if let result = self.results[job.key] { return result }
            guard mayRun else { return nil }
            let result = job.run()
            self.results[job.key] = result
            return result
        }
    }

    /// A login in which the message with this number, of both directions, is damaged.
    private struct Login {
        var damaged: Int
        var message = 0
        var isDamaged = false
        var accepted = false
        var learned = false
        var original: [UInt8] = []
        var changed: [UInt8] = []
        var code: Int32 = -1
        var isRequest = false

        mutating func pass(
            _ bytes: [UInt8],
            code: Int32?,
            using random: inout SplitMix64
        ) -> [UInt8] {
            defer { self.message += 1 }
            guard self.message == self.damaged else { return bytes }
            self.isDamaged = true
            self.original = bytes
            self.changed = Mutation.damage(bytes, using: &random)
            self.code = code ?? -1
            self.isRequest = code != nil
            return self.changed
        }
    }

    private func play(
        _ verifier: Verifier,
        _ prover: Prover,
        damaging number: Int,
        _ derivations: Derivations,
        using random: inout SplitMix64
    ) -> Login {
        var login = Login(damaged: number)
        var verifier = verifier
        var prover = prover
        func deliver(_ request: AuthenticationRequest) -> [UInt8]? {
            let data = login.pass(request.data, code: request.code, using: &random)
            var step = prover.received(authenticationCode: request.code, data: data)
            if case .derive(let job) = step {
                guard let result = derivations.result(of: job, mayRun: number < 0) else {
                    return nil
                }
                step = prover.derived(result)
            }
            if case .accepted = step { login.accepted = true }
            guard case .send(let body) = step else { return nil }
            return login.pass(body, code: nil, using: &random)
        }
        var step = verifier.begin()
        while true {
            switch step {
            case .send(let request):
                guard let body = deliver(request) else { return login }
                step = verifier.received(passwordMessageBody: body)
            case .derive(let job):
                guard let result = derivations.result(of: job, mayRun: number < 0) else {
                    return login
                }
                step = verifier.derived(result)
            case .succeeded(let last, _):
                login.learned = true
                if let last { _ = deliver(last) }
                _ = deliver(.ok)
                return login
            case .failed(let error):
                // A failed login stays failed, whatever comes.
                guard
                    case .failed(error) = verifier.received(passwordMessageBody: login.changed)
                else {
                    Issue.record("a failed verifier went on after \(error)")
                    return login
                }
                return login
            }
        }
    }

    @Test func `a damaged message never traps and never logs in`() throws {
        print("fuzz seed \(Self.seed)")
        var random = SplitMix64(seed: Self.seed)
        let scram = try LoginFixtures.scramSecret()
        let keys = try #require(
            Exchange(
                LoginFixtures.verifier(.scramSHA256, scram),
                LoginFixtures.prover(password: LoginFixtures.password)
            ).learned?.scramKeys
        )
        let plain = Secret.plain(LoginFixtures.password)
        let byPassword = ServerCredentials(password: LoginFixtures.password)
        let byKeys = ServerCredentials(scramKeys: keys)
        let setups: [(ClientAuthMethod, Secret, ServerCredentials, messages: Int)] = [
            (.plain, plain, byPassword, 2), (.plain, scram, byPassword, 2),
            (.md5, plain, byPassword, 2), (.scramSHA256, plain, byPassword, 5),
            (.scramSHA256, scram, byPassword, 5), (.scramSHA256, scram, byKeys, 5),
        ]
        var damagedMessages = 0
        for setup in setups {
            let derivations = Derivations()
            let verifier = LoginFixtures.verifier(setup.0, setup.1)
            let prover = LoginFixtures.prover(setup.2)
            let whole = self.play(verifier, prover, damaging: -1, derivations, using: &random)
            #expect(whole.accepted && whole.learned)
            for round in 0..<(Self.rounds * setup.messages / 3) {
                let number = round % setup.messages
                let login = self.play(
                    verifier,
                    prover,
                    damaging: number,
                    derivations,
                    using: &random
                )
                damagedMessages += login.isDamaged ? 1 : 0
                if login.isRequest ? login.accepted && self.mustRefuse(login) : login.learned {
                    Issue.record("seed \(Self.seed), round \(round): \(login) logged in")
                    return
                }
            }
        }
        print("fuzz damaged \(damagedMessages) messages")
        #expect(damagedMessages >= 200_000)
    }

    /// Whether the prover may not accept the server after this damage.
    ///
    /// A request for the password carries no data of use, a list of mechanisms may be longer,
    /// and the last message may have extensions.
    private func mustRefuse(_ login: Login) -> Bool {
        switch login.code {
        case 0, 3, 10: false
        case 12: !login.changed.starts(with: login.original + Array(",".utf8))
        default: true
        }
    }

    @Test func `random bytes never trap`() {
        var random = SplitMix64(seed: Self.seed &+ 1)
        for round in 0..<40_000 {
            let bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let method = ClientAuthMethod.allCases[2 + round % 3]
            var verifier = LoginFixtures.verifier(method, .plain("secret"))
            _ = verifier.begin()
            _ = verifier.received(passwordMessageBody: bytes)
            if case .succeeded = verifier.received(passwordMessageBody: bytes) {
                Issue.record("seed \(Self.seed), round \(round) logged in")
            }
            var prover = LoginFixtures.prover(password: "secret")
            let codes: [Int32] = [10, 11, 12, 0]
            let start = AuthenticationRequest(code: 10, data: Array("SCRAM-SHA-256\0\0".utf8))
            _ = prover.received(authenticationCode: start.code, data: start.data)
            for code in codes {
                if case .accepted = prover.received(authenticationCode: code, data: bytes) {
                    Issue.record("seed \(Self.seed), round \(round) accepted")
                }
            }
            _ = UserListProbe.parse(bytes)
        }
    }
}

/// Parses whatever it gets as a user list and as a secret.
private enum UserListProbe {
    static func parse(_ bytes: [UInt8]) -> Int {
        let text = String(decoding: bytes, as: UTF8.self)
        let quoted = "\"u\" \"SCRAM-SHA-256$\(text)\""
        _ = Secret(stored: "SCRAM-SHA-256$" + text)
        let list = try? UserList(parsing: text + "\n" + quoted, file: "fuzz")
        return list?.users.count ?? 0
    }
}
