import Auth
import Testing

/// What the prover answers to single requests, good and bad.
struct ProverTranscriptTests {
    private let mechanisms = Array("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0".utf8)
    /// The client's nonce of the fixtures as it is sent.
    private let nonce = String(decoding: Base64.encode(LoginFixtures.nonce()), as: UTF8.self)

    private func error(_ step: Prover.Step) -> ProverError? {
        if case .failed(let error) = step { error } else { nil }
    }

    private func started() -> Prover {
        var prover = LoginFixtures.prover(password: "secret")
        _ = prover.received(authenticationCode: 10, data: self.mechanisms)
        return prover
    }

    @Test func `a server that asks for nothing is accepted`() {
        var prover = LoginFixtures.prover(ServerCredentials())
        guard case .accepted = prover.received(authenticationCode: 0, data: []) else {
            Issue.record("not accepted")
            return
        }
    }

    @Test func `the password goes out with a zero byte`() {
        var prover = LoginFixtures.prover(password: "secret")
        guard case .send(let body) = prover.received(authenticationCode: 3, data: []) else {
            Issue.record("nothing sent")
            return
        }
        #expect(body == Array("secret\0".utf8))
    }

    @Test func `the MD5 response is PostgreSQL's`() {
        var prover = LoginFixtures.prover(ServerCredentials(password: "pw"), user: "u")
        let step = prover.received(authenticationCode: 5, data: [1, 2, 3, 4])
        guard case .send(let body) = step else {
            Issue.record("\(step)")
            return
        }
        // md5(hex(md5("pwu")) + 01020304), computed with md5sum.
        #expect(body == Array("md50803a98a0618b75c8f9a50f280cad373\0".utf8))
    }

    @Test func `SASL begins with an empty name and no channel binding`() {
        var prover = LoginFixtures.prover(password: "secret")
        let step = prover.received(authenticationCode: 10, data: self.mechanisms)
        guard case .send(let body) = step else {
            Issue.record("\(step)")
            return
        }
        let first = Array("n,,n=,r=\(self.nonce)".utf8)
        #expect(body == Array("SCRAM-SHA-256\0".utf8) + [0, 0, 0, UInt8(first.count)] + first)
    }

    @Test func `Ok before the server has proved itself is refused`() {
        var prover = self.started()
        #expect(self.error(prover.received(authenticationCode: 0, data: [])) == .unprovenServer)
        prover = self.started()
        let challenge = Array("r=\(self.nonce)x,s=c2FsdA==,i=4096".utf8)
        guard case .derive(let job) = prover.received(authenticationCode: 11, data: challenge)
        else {
            Issue.record("no derivation")
            return
        }
        var early = prover
        #expect(self.error(early.received(authenticationCode: 0, data: [])) == .unprovenServer)
        #expect(self.error(early.derived(job.run())) == .unprovenServer)
        guard case .send = prover.derived(job.run()) else {
            Issue.record("no proof")
            return
        }
        #expect(self.error(prover.received(authenticationCode: 0, data: [])) == .unprovenServer)
    }

    @Test func `a method may not change in the middle`() {
        for code in [3, 5, 10, 12] as [Int32] {
            var prover = self.started()
            let step = prover.received(authenticationCode: code, data: [1, 2, 3, 4])
            #expect(self.error(step) == .unexpectedRequest(code))
        }
        var prover = LoginFixtures.prover(password: "secret")
        _ = prover.received(authenticationCode: 5, data: [1, 2, 3, 4])
        let step = prover.received(authenticationCode: 3, data: [])
        #expect(self.error(step) == .unexpectedRequest(3))
    }

    @Test(arguments: [2, 4, 6, 7, 8, 9, 13, -1, .max, .min] as [Int32])
    func `methods that Weir does not have are refused by name`(code: Int32) throws {
        var prover = LoginFixtures.prover(password: "secret")
        let error = try #require(
            self.error(prover.received(authenticationCode: code, data: []))
        )
        #expect(error == .unsupportedMethod(code))
        #expect(
            error.message.hasPrefix(
                "server login failed: unsupported authentication method \(code)"
            )
        )
        #expect(self.error(prover.received(authenticationCode: 0, data: [])) == error)
    }

    @Test func `a list without SCRAM-SHA-256 is refused`() throws {
        for list in ["\0", "SCRAM-SHA-256-PLUS\0\0", "SCRAM-SHA-1\0OAUTHBEARER\0\0"] {
            var prover = LoginFixtures.prover(password: "secret")
            let step = prover.received(authenticationCode: 10, data: Array(list.utf8))
            let error = try #require(self.error(step))
            #expect(error == .noSupportedMechanism)
            #expect(
                error.message
                    == "server login failed: none of the server's SASL authentication "
                    + "mechanisms are supported"
            )
        }
    }

    @Test(arguments: [
        "", "r=%x", "r=%x,s=c2FsdA==", "r=%x,s=c2FsdA==,i=", "r=%,s=c2FsdA==,i=1",
        "r=other,s=c2FsdA==,i=1", "r=%x,s=****,i=1", "r=%x,s=,i=1", "r=%x,s=c2FsdA==,i=0",
        "r=%x,s=c2FsdA==,i=-1", "r=%x,s=c2FsdA==,i=1000001",
        "r=%x,s=c2FsdA==,i=99999999999999999999",
        "r=%x,s=c2FsdA==,i=1x", "r=%x,s=c2FsdA==,i=1,", "m=x,r=%x,s=c2FsdA==,i=1",
        "r=%x y,s=c2FsdA==,i=1", "r=%x\0,s=c2FsdA==,i=1", "s=c2FsdA==,r=%x,i=1",
    ])
    func `a malformed or greedy server-first is refused`(pattern: String) {
        let message = pattern.replacing("%", with: self.nonce)
        var prover = self.started()
        let step = prover.received(authenticationCode: 11, data: Array(message.utf8))
        guard case .failed(.malformedMessage) = step else {
            Issue.record("\(message): \(step)")
            return
        }
    }

    @Test func `server-final must carry the signature`() {
        let cases: [(String, ProverError)] = [
            ("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", .invalidServerSignature),
            ("v=AAAA", .invalidServerSignature), ("v=", .invalidServerSignature),
            ("v=*", .malformedMessage("a signature that is not Base64")),
            ("e=other-error", .refused("other-error")),
            ("", .malformedMessage("an attribute's end")),
            ("x=1", .malformedMessage("attribute v or e expected")),
        ]
        for (message, error) in cases {
            var prover = self.started()
            let challenge = Array("r=\(self.nonce)x,s=c2FsdA==,i=1".utf8)
            guard case .derive(let job) = prover.received(authenticationCode: 11, data: challenge),
                case .send = prover.derived(job.run())
            else {
                Issue.record("no proof")
                return
            }
            let step = prover.received(authenticationCode: 12, data: Array(message.utf8))
            #expect(self.error(step) == error)
        }
        #expect(
            ProverError.invalidServerSignature.message
                == "server login failed: invalid server signature"
        )
    }

    @Test func `an overlong request and a bad salt are refused`() {
        var prover = self.started()
        let long = [UInt8](repeating: 65, count: AuthLimits.serverMessageLength + 1)
        #expect(self.error(prover.received(authenticationCode: 11, data: long)) != nil)
        for count in [0, 3, 5] {
            prover = LoginFixtures.prover(password: "secret")
            let salt = [UInt8](repeating: 1, count: count)
            #expect(self.error(prover.received(authenticationCode: 5, data: salt)) != nil)
        }
    }

    @Test func `an empty password or one with a zero byte counts as none`() {
        for password in ["", "a\0b"] {
            var prover = LoginFixtures.prover(password: password)
            let step = prover.received(authenticationCode: 3, data: [])
            #expect(self.error(step) == .wrongPasswordType)
        }
    }
}
