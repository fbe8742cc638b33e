/// The client's role of a login: Weir logs in to a server.
///
/// # Function
/// The caller passes the code and the data of each authentication request (`R`) to
/// `received(authenticationCode:data:)` and acts on the step, until a step says accepted or
/// failed. ErrorResponses are the caller's: they end the login too.
///
/// # What must hold
/// A server that starts SASL has to finish it, with the right signature, before its Ok counts:
/// otherwise an impostor that only learns the name could take the queries. A server that asks
/// for nothing (`trust`) is accepted.
public struct Prover: Sendable {
    private let user: String
    private let credentials: ServerCredentials
    private var state = State.idle
    private var scram: SCRAMClient

    /// Prepares one login.
    ///
    /// - Parameters:
    ///   - user: the name in the startup message.
    ///   - credentials: what there is to log in with.
    ///   - nonce: at least `AuthLimits.nonceEntropy` random bytes, fresh for this login.
    public init(user: String, credentials: ServerCredentials, nonce: [UInt8]) {
        precondition(
            nonce.count >= AuthLimits.nonceEntropy,
            "a SCRAM nonce of \(nonce.count) bytes"
        )
        self.user = user
        self.credentials = credentials
        self.scram = SCRAMClient(nonce: Base64.encode(nonce))
    }

    /// What the caller has to do next.
    public enum Step: Sendable {
        /// Send a password message (`p`) with this body.
        case send(body: [UInt8])

        /// Run the derivation off the loop, then call `derived(_:)`.
        case derive(PasswordDerivation)

        /// The server has accepted the login.
        case accepted

        /// Wait for the next request.
        case wait

        /// The login failed; close the connection.
        case failed(ProverError)
    }

    /// Takes an authentication request: its code, and the data behind the code.
    public mutating func received(authenticationCode code: Int32, data: [UInt8]) -> Step {
        if case .failed(let error) = self.state { return .failed(error) }
        guard data.count <= AuthLimits.serverMessageLength else {
            return self.fail(.malformedMessage("\(data.count) bytes"))
        }
        switch (code, self.state) {
        case (0, .idle), (0, .answered), (0, .proven):
            self.state = .accepted
            return .accepted
        case (0, .awaitingServerFirst), (0, .deriving), (0, .awaitingServerFinal):
            return self.fail(.unprovenServer)
        case (3, .idle):
            return self.answerClearText()
        case (5, .idle):
            return self.answerMD5(salt: data)
        case (10, .idle):
            return self.answerMechanisms(data)
        case (11, .awaitingServerFirst):
            return self.answerServerFirst(data)
        case (12, .awaitingServerFinal):
            return self.check(serverFinal: data)
        case (0, _), (3, _), (5, _), (10, _), (11, _), (12, _):
            return self.fail(.unexpectedRequest(code))
        default:
            return self.fail(.unsupportedMethod(code))
        }
    }

    /// Takes the result of the derivation that the last step asked for.
    public mutating func derived(_ result: PasswordDerivation.Result) -> Step {
        switch self.state {
        case .deriving(let key):
            precondition(result.key == key, "the result of another derivation")
            return self.prove(with: result.keys)
        case .failed(let error):
            return .failed(error)
        default:
            preconditionFailure("a result that was not asked for: \(self.state)")
        }
    }

    private mutating func answerClearText() -> Step {
        guard let password = self.credentials.passwordBytes else {
            return self.fail(.wrongPasswordType)
        }
        self.state = .answered
        return .send(body: password + [0])
    }

    private mutating func answerMD5(salt: [UInt8]) -> Step {
        guard salt.count == 4 else {
            return self.fail(.malformedMessage("an MD5 salt of \(salt.count) bytes"))
        }
        let digest: String?
        if let password = self.credentials.passwordBytes {
            digest = MD5.storedDigest(password: password, user: self.user)
        } else if case .md5(let stored) = self.credentials.storedSecret {
            digest = stored
        } else {
            return self.fail(.wrongPasswordType)
        }
        guard let digest, let response = MD5.response(storedDigest: digest, salt: salt) else {
            return self.fail(.digestUnavailable)
        }
        self.state = .answered
        return .send(body: response + [0])
    }

    private mutating func answerMechanisms(_ data: [UInt8]) -> Step {
        // Names that end with a zero byte each; an empty one ends the list.
        guard data.suffix(2) == [0, 0] || data == [0] else {
            return self.fail(.malformedMessage("a list of SASL mechanisms without an end"))
        }
        let names = data.split(separator: 0)
        guard names.contains(where: { $0.elementsEqual(SASLMechanism.scramSHA256) }) else {
            return self.fail(.noSupportedMechanism)
        }
        guard self.credentials.passwordBytes != nil || self.credentials.scramKeys != nil else {
            return self.fail(.wrongPasswordType)
        }
        let first = self.scram.clientFirst
        let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: first.count >> $0) }
        self.state = .awaitingServerFirst
        return .send(body: SASLMechanism.scramSHA256 + [0] + length + first)
    }

    private mutating func answerServerFirst(_ message: [UInt8]) -> Step {
        let challenge: (salt: [UInt8], iterations: Int)
        do { challenge = try self.scram.readServerFirst(message) } catch {
            return self.fail(.init(error))
        }
        if let password = self.credentials.passwordBytes {
            let derivation = PasswordDerivation(
                password: password,
                salt: challenge.salt,
                iterations: challenge.iterations
            )
            self.state = .deriving(derivation.key)
            return .derive(derivation)
        }
        guard let keys = self.credentials.scramKeys else { return self.fail(.wrongPasswordType) }
        return self.prove(with: keys)
    }

    private mutating func prove(with keys: SCRAMKeys) -> Step {
        self.state = .awaitingServerFinal
        return .send(body: self.scram.writeClientFinal(keys: keys))
    }

    private mutating func check(serverFinal message: [UInt8]) -> Step {
        do {
            guard try self.scram.isRight(serverFinal: message) else {
                return self.fail(.invalidServerSignature)
            }
        } catch {
            return self.fail(.init(error))
        }
        self.state = .proven
        return .wait
    }

    private mutating func fail(_ error: ProverError) -> Step {
        self.state = .failed(error)
        return .failed(error)
    }
}

extension Prover {
    /// How far the login is.
    private enum State: Sendable {
        /// Nothing has been asked yet.
        case idle
        /// A password or an MD5 response has been sent.
        case answered
        /// Client-first has been sent.
        case awaitingServerFirst
        /// Keys are being derived for client-final.
        case deriving(PasswordDerivation.Key)
        /// Client-final has been sent.
        case awaitingServerFinal
        /// The server's signature is right.
        case proven
        case accepted
        case failed(ProverError)
    }
}
