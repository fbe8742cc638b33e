/// The server's role of a login: it checks who a client is.
///
/// # Function
/// The caller calls `begin()` and acts on the step: it sends the request and passes the next
/// password message to `received(passwordMessageBody:)`, or runs the derivation on another thread
/// and passes the result to `derived(_:)`, until a step says succeeded or failed. On success it
/// sends `last`, if there is one, and then `AuthenticationRequest.ok`; on failure the error's
/// message and SQLSTATE.
///
/// # What must not leak
/// An unknown user, an empty secret and a secret that does not fit the method get the exchange
/// of a user with a wrong password, message for message: the same requests, a SCRAM salt that
/// stays the same for the name, the same iterations, the same error. The salts of plain secrets
/// come from the same function as those of unknown users, so that neither can be told from its
/// salt, and a derivation of theirs can be answered from a cache. (Under `md5` a user with a
/// SCRAM secret gets SCRAM, which does show that the user exists, as with PgBouncer.)
///
/// # Caching
/// Keep results by `PasswordDerivation.key` and answer `.derive` with a kept one. A caller may
/// instead pass the result's secret as `.scram` at the next login, but then `storedSecret` in the
/// credentials learned is that one, not the plain one that a server login needs.
///
/// # Implementation
/// The state says which message is awaited; nothing a peer sends can trap, a message out of turn
/// fails the login. Results that come after a failure are ignored.
public struct Verifier: Sendable {
    let method: ClientAuthMethod
    let user: String
    let secret: Secret?
    let entropy: VerifierEntropy
    let mock: MockSecret
    let unknownUsersDerive: Bool
    var state = State.idle
    var scram: SCRAMServer
    /// The clear-text password while its derivation runs.
    var password: [UInt8] = []

    /// Prepares one login.
    ///
    /// - Parameters:
    ///   - method: what the client has to show.
    ///   - user: the name in the startup message.
    ///   - secret: what is stored for it; nil if there is no such user.
    ///   - entropy: fresh randomness.
    ///   - mockKey: at least `AuthLimits.mockKeyLength` random bytes, the same for the life of
    ///     the process (of the fleet, if its members shall not differ). Salts come from it.
    ///   - scramIterations: the iterations for plain secrets and unknown users, brought into
    ///     1 to `AuthLimits.iterations`.
    ///   - unknownUsersDerive: whether unknown users cost a derivation, so that the time taken
    ///     does not tell them from users with secrets that need one: plain ones under SCRAM,
    ///     SCRAM ones under `plain` (`UserList.derives(under:)` says so). Nil means yes under
    ///     SCRAM and no under `plain`.
    public init(
        method: ClientAuthMethod,
        user: String,
        secret: Secret?,
        entropy: VerifierEntropy,
        mockKey: [UInt8],
        scramIterations: Int,
        unknownUsersDerive: Bool? = nil
    ) {
        self.method = method
        self.user = user
        self.secret = secret
        self.entropy = entropy
        self.mock = MockSecret(
            key: mockKey,
            user: user,
            iterations: min(max(scramIterations, 1), AuthLimits.iterations)
        )
        self.unknownUsersDerive = unknownUsersDerive ?? (method != .plain)
        self.scram = SCRAMServer(nonce: entropy.scramNonce)
    }

    /// What the caller has to do next.
    public enum Step: Sendable {
        /// Send the request, then wait for a password message.
        case send(request: AuthenticationRequest)

        /// Run the derivation off the loop, then call `derived(_:)`.
        case derive(PasswordDerivation)

        /// The client is who it says. `last` goes out before `AuthenticationRequest.ok`.
        case succeeded(last: AuthenticationRequest?, proof: LearnedCredentials)

        /// The login failed; close the connection after the error.
        case failed(VerifierError)
    }

    /// The outcome where a client has nothing to show: under `trust` and `any`; nil where it has.
    ///
    /// For callers that can then do without a verifier and its randomness.
    public static func decided(method: ClientAuthMethod, user: String, secret: Secret?) -> Step? {
        switch (method, secret) {
        case (.trust, nil):
            .failed(.untrustedUser(user: user))
        case (.trust, _), (.any, _):
            .succeeded(last: nil, proof: LearnedCredentials(storedSecret: secret))
        case (.plain, _), (.md5, _), (.scramSHA256, _):
            nil
        }
    }

    /// Starts the exchange; to be called once, first.
    public mutating func begin() -> Step {
        guard case .idle = self.state else { preconditionFailure("begun twice: \(self.state)") }
        if let step = Self.decided(method: self.method, user: self.user, secret: self.secret) {
            if case .failed(let error) = step { return self.fail(error) }
            self.state = .succeeded
            return step
        }
        switch (self.method, self.secret) {
        case (.trust, _), (.any, _):
            preconditionFailure("\(self.method) is decided without an exchange")
        case (.plain, _):
            self.state = .awaitingPassword
            return .send(request: .clearTextPassword)
        case (.md5, .scram), (.scramSHA256, _):
            self.state = .awaitingMechanism
            return .send(request: .mechanisms)
        case (.md5, _):
            self.state = .awaitingMD5
            return .send(request: .md5(salt: self.entropy.md5Salt))
        }
    }

    /// Takes the body of a password message (`p`), without type and length.
    public mutating func received(passwordMessageBody body: [UInt8]) -> Step {
        switch self.state {
        case .awaitingPassword: self.receivedPassword(body)
        case .awaitingMD5: self.receivedMD5(body)
        case .awaitingMechanism: self.receivedMechanism(body)
        case .awaitingClientFirst: self.receivedClientFirst(body)
        case .awaitingClientFinal: self.receivedClientFinal(body)
        case .idle, .derivingForPassword, .derivingForProof, .succeeded:
            self.fail(.unexpectedMessage)
        case .failed(let error): .failed(error)
        }
    }

    /// Takes the result of the derivation that the last step asked for.
    public mutating func derived(_ result: PasswordDerivation.Result) -> Step {
        switch self.state {
        case .derivingForPassword(let key):
            precondition(result.key == key, "the result of another derivation")
            return self.checkPassword(derived: result)
        case .derivingForProof(let key):
            precondition(result.key == key, "the result of another derivation")
            return self.checkProof(
                storedKey: result.secret.storedKey,
                serverKey: result.keys.serverKey
            )
        case .failed(let error):
            return .failed(error)
        default:
            preconditionFailure("a result that was not asked for: \(self.state)")
        }
    }

    /// The secret, if anybody can log in with it by a password.
    var usableSecret: Secret? {
        if case .plain("") = self.secret { nil } else { self.secret }
    }

    mutating func derive(_ derivation: PasswordDerivation, then state: State) -> Step {
        self.state = state
        return .derive(derivation)
    }

    mutating func succeed(
        last: AuthenticationRequest? = nil,
        password: [UInt8]? = nil,
        keys: SCRAMKeys? = nil
    ) -> Step {
        self.state = .succeeded
        let proof = LearnedCredentials(
            password: password.flatMap { String(validating: $0, as: UTF8.self) },
            scramKeys: keys,
            storedSecret: self.secret
        )
        return .succeeded(last: last, proof: proof)
    }

    mutating func fail(_ error: VerifierError) -> Step {
        self.state = .failed(error)
        Crypto.wipe(&self.password)
        return .failed(error)
    }

    /// Fails for a password that does not fit, with the reason for the log.
    mutating func failForPassword() -> Step {
        switch (self.method, self.usableSecret) {
        case (_, nil): self.fail(.unknownUser(user: self.user))
        case (.scramSHA256, .md5): self.fail(.unusableSecret(user: self.user))
        default: self.fail(.wrongPassword(user: self.user))
        }
    }
}

extension Verifier {
    /// Which message or result is awaited.
    enum State: Sendable {
        case idle
        case awaitingPassword
        case awaitingMD5
        case awaitingMechanism
        case awaitingClientFirst
        case awaitingClientFinal
        case derivingForPassword(PasswordDerivation.Key)
        case derivingForProof(PasswordDerivation.Key)
        case succeeded
        case failed(VerifierError)
    }
}
