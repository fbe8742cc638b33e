import Auth
import Testing

/// What the verifier answers to single messages, good and bad.
struct VerifierTranscriptTests {
    private func initial(
        _ clientFirst: String,
        mechanism: String = "SCRAM-SHA-256",
        length: UInt32? = nil
    ) -> [UInt8] {
        let data = Array(clientFirst.utf8)
        let count = length ?? UInt32(data.count)
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
        return Array(mechanism.utf8) + [0] + bytes + data
    }

    /// The outcome of the first message of a SASL exchange: an error, or nil if it went on.
    private func error(_ body: [UInt8]) -> VerifierError? {
        var verifier = LoginFixtures.verifier(.scramSHA256, .plain("secret"))
        _ = verifier.begin()
        if case .failed(let error) = verifier.received(passwordMessageBody: body) { return error }
        return nil
    }

    @Test func `only SCRAM-SHA-256 is offered`() {
        var verifier = LoginFixtures.verifier(.scramSHA256, nil)
        guard case .send(let request) = verifier.begin() else {
            Issue.record("nothing sent")
            return
        }
        #expect(request.body == [0, 0, 0, 10] + Array("SCRAM-SHA-256\0\0".utf8))
    }

    @Test func `another mechanism is refused`() throws {
        for name in ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "", "scram-sha-256"] {
            let error = try #require(self.error(self.initial("n,,n=,r=abc", mechanism: name)))
            #expect(error == .wrongMechanism)
            #expect(error.sqlState == "08P01")
        }
    }

    @Test(arguments: ["n,,n=,r=abc", "y,,n=,r=abc", "n,,n=bob,r=!~", "n,,n=,r=abc,x=ext"])
    func `a good client-first gets a challenge`(message: String) {
        #expect(self.error(self.initial(message)) == nil)
    }

    @Test(arguments: [
        "", "n", "n,", "n,,", "n,,n", "n,,n=", "n,,n=,", "n,,n=,r=", "n,,r=abc", "n,,n=,r=a b",
        "n,,n=,r=abc,", "n,,n=,r=abc,x", "n,,n=,r=abc,1=x", "n;,n=,r=abc", "n,x,n=,r=abc",
        "p=tls-server-end-point,,n=,r=abc", "z,,n=,r=abc", "n,,n=\0,r=abc", "n,,n=,r=a\0b",
        "n,,n=,r=é",
    ])
    func `a malformed client-first is a protocol violation`(message: String) throws {
        let error = try #require(self.error(self.initial(message)))
        guard case .malformedMessage = error else {
            Issue.record("\(error)")
            return
        }
        #expect(error.sqlState == "08P01")
    }

    @Test(arguments: ["n,a=root,n=,r=abc", "n,,m=x,n=,r=abc"])
    func `what PostgreSQL does not offer either is refused as such`(message: String) throws {
        let error = try #require(self.error(self.initial(message)))
        #expect(error.sqlState == "0A000")
    }

    @Test func `lengths that lie are refused`() {
        for length in [0, 10, 12, UInt32.max, 0x7FFF_FFFF, 0x8000_0000] as [UInt32] {
            #expect(self.error(self.initial("n,,n=,r=abc", length: length)) != nil)
        }
        #expect(self.error(Array("SCRAM-SHA-256".utf8)) != nil)
        #expect(self.error(Array("SCRAM-SHA-256\0\0\0".utf8)) != nil)
        #expect(self.error([]) != nil)
    }

    @Test func `an overlong client-first is refused`() {
        let nonce = String(repeating: "a", count: AuthLimits.clientSASLMessageLength)
        #expect(self.error(self.initial("n,,n=,r=" + nonce)) != nil)
    }

    @Test func `client-first may come after an empty challenge`() {
        var verifier = LoginFixtures.verifier(.scramSHA256, .plain("secret"))
        _ = verifier.begin()
        let step = verifier.received(passwordMessageBody: self.initial("", length: .max))
        guard case .send(AuthenticationRequest(code: 11, data: [])) = step else {
            Issue.record("\(step)")
            return
        }
        let next = verifier.received(passwordMessageBody: Array("n,,n=,r=abc".utf8))
        guard case .send(let request) = next else {
            Issue.record("\(next)")
            return
        }
        #expect(request.code == 11)
        #expect(String(decoding: request.data, as: UTF8.self).hasPrefix("r=abcAQIDBAUG"))
        #expect(String(decoding: request.data, as: UTF8.self).hasSuffix(",i=4096"))
    }

    @Test(arguments: [
        "", "c=biws", "c=eSws,r=%,p=", "c=biws,r=abc,p=", "c=biws,r=%", "c=biws,r=%,p=",
        "c=biws,r=%,p=AAAA", "c=biws,r=%,p=****", "c=biws,r=%,x=y", "r=%,c=biws,p=AAAA",
        "c=biws,r=%,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,x=y",
        "c=biws,r=%,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,",
    ])
    func `a malformed client-final is a protocol violation`(pattern: String) {
        var verifier = LoginFixtures.verifier(.scramSHA256, .plain("secret"))
        _ = verifier.begin()
        let step = verifier.received(passwordMessageBody: self.initial("n,,n=,r=abc"))
        guard case .send(let request) = step else {
            Issue.record("\(step)")
            return
        }
        let challenge = String(decoding: request.data, as: UTF8.self)
        let nonce = challenge.dropFirst(2).prefix { $0 != "," }
        let message = pattern.replacing("%", with: nonce)
        guard
            case .failed(.malformedMessage) = verifier.received(
                passwordMessageBody: Array(message.utf8)
            )
        else {
            Issue.record("\(message) was not refused as malformed")
            return
        }
    }

    @Test func `password messages end with their only zero byte`() {
        for body in [[], [65], [65, 0, 0], [0, 65, 0], [65, 0, 66]] as [[UInt8]] {
            var verifier = LoginFixtures.verifier(.plain, .plain("A"))
            _ = verifier.begin()
            let step = verifier.received(passwordMessageBody: body)
            guard case .failed(.malformedMessage) = step else {
                Issue.record("\(body): \(step)")
                continue
            }
        }
    }

    @Test func `an empty password is refused even if it is stored`() {
        var verifier = LoginFixtures.verifier(.plain, .plain(""))
        _ = verifier.begin()
        guard case .failed(.emptyPassword) = verifier.received(passwordMessageBody: [0]) else {
            Issue.record("not refused")
            return
        }
    }

    @Test func `a password beyond the limit is refused`() {
        let longest = [UInt8](repeating: 65, count: AuthLimits.passwordLength)
        for (password, isGood) in [(longest, true), (longest + [65], false)] {
            let secret = Secret.plain(String(decoding: password, as: UTF8.self))
            var verifier = LoginFixtures.verifier(.plain, secret)
            _ = verifier.begin()
            let step = verifier.received(passwordMessageBody: password + [0])
            if case .succeeded = step { #expect(isGood) } else { #expect(!isGood) }
        }
    }

    @Test func `a password that is equivalent in Unicode but has other bytes is wrong`() {
        var verifier = LoginFixtures.verifier(.plain, .plain("\u{E9}"))
        _ = verifier.begin()
        let step = verifier.received(passwordMessageBody: Array("e\u{301}".utf8) + [0])
        guard case .failed(.wrongPassword) = step else {
            Issue.record("\(step)")
            return
        }
    }

    @Test func `a message during a derivation fails the login, and the late result is ignored`() {
        let exchange = Exchange(
            LoginFixtures.verifier(.scramSHA256, .plain("secret")),
            LoginFixtures.prover(password: "secret")
        )
        #expect(exchange.succeeded)
        var verifier = LoginFixtures.verifier(.scramSHA256, .plain("secret"))
        var step = verifier.begin()
        for body in exchange.responses { step = verifier.received(passwordMessageBody: body) }
        guard case .derive(let derivation) = step else {
            Issue.record("\(step)")
            return
        }
        guard case .failed(.unexpectedMessage) = verifier.received(passwordMessageBody: [0]) else {
            Issue.record("the message was taken")
            return
        }
        guard case .failed(.unexpectedMessage) = verifier.derived(derivation.run()) else {
            Issue.record("the result was taken")
            return
        }
    }

    @Test func `a proof does not serve for another nonce`() {
        let exchange = Exchange(
            LoginFixtures.verifier(.scramSHA256, .plain("secret")),
            LoginFixtures.prover(password: "secret")
        )
        var verifier = LoginFixtures.verifier(.scramSHA256, .plain("secret"), seed: 9)
        var step = verifier.begin()
        for body in exchange.responses { step = verifier.received(passwordMessageBody: body) }
        guard case .failed(.malformedMessage("the nonce differs")) = step else {
            Issue.record("\(step)")
            return
        }
    }
}
