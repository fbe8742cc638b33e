import Auth

/// Plays a verifier and a prover against each other, as two event loops would.
struct Exchange {
    /// The authentication requests, in order.
    var requests: [AuthenticationRequest] = []

    /// The bodies of the password messages, in order.
    var responses: [[UInt8]] = []

    /// How many derivations the verifier and the prover asked for.
    var derivations = (verifier: 0, prover: 0)

    /// What the client's login has taught; nil unless it succeeded.
    var learned: LearnedCredentials?

    /// Why the verifier failed the client.
    var verifierError: VerifierError?

    /// Why the prover gave up.
    var proverError: ProverError?

    /// Whether the prover took the login for done.
    var accepted = false

    /// Whether both sides agree that the login succeeded.
    var succeeded: Bool { self.accepted && self.learned != nil }

    init(_ verifier: Verifier, _ prover: Prover) {
        var verifier = verifier
        var prover = prover
        var step = verifier.begin()
        while true {
            switch step {
            case .send(let request):
                guard let body = self.deliver(request, to: &prover) else { return }
                self.responses.append(body)
                step = verifier.received(passwordMessageBody: body)
            case .derive(let derivation):
                self.derivations.verifier += 1
                step = verifier.derived(derivation.run())
            case .succeeded(let last, let proof):
                self.learned = proof
                if let last { _ = self.deliver(last, to: &prover) }
                _ = self.deliver(.ok, to: &prover)
                return
            case .failed(let error):
                self.verifierError = error
                return
            }
        }
    }

    /// Returns the derivation that the verifier asks for, if it asks for one.
    static func firstDerivation(
        _ verifier: Verifier,
        _ prover: Prover
    ) -> PasswordDerivation.Result? {
        var verifier = verifier
        var exchange = Self()
        var prover = prover
        var step = verifier.begin()
        while case .send(let request) = step {
            guard let body = exchange.deliver(request, to: &prover) else { return nil }
            step = verifier.received(passwordMessageBody: body)
        }
        guard case .derive(let derivation) = step else { return nil }
        return derivation.run()
    }

    private init() {}

    /// Passes a request to the prover, and returns its response, if it has one.
    private mutating func deliver(
        _ request: AuthenticationRequest,
        to prover: inout Prover
    ) -> [UInt8]? {
        self.requests.append(request)
        var step = prover.received(authenticationCode: request.code, data: request.data)
        if case .derive(let derivation) = step {
            self.derivations.prover += 1
            step = prover.derived(derivation.run())
        }
        switch step {
        case .send(let body): return body
        case .accepted: self.accepted = true
        case .failed(let error): self.proverError = error
        case .wait, .derive: break
        }
        return nil
    }
}
