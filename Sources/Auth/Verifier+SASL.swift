/// SCRAM-SHA-256, where the client sends two or three messages.
extension Verifier {
    /// Takes SASLInitialResponse: the mechanism's name, a length, and client-first.
    ///
    /// A length of -1 means that client-first follows in a message of its own, after an empty
    /// challenge.
    mutating func receivedMechanism(_ body: [UInt8]) -> Step {
        guard let end = body.firstIndex(of: 0) else {
            return self.fail(.malformedMessage("a SASL mechanism without an end"))
        }
        guard body[..<end].elementsEqual(SASLMechanism.scramSHA256) else {
            return self.fail(.wrongMechanism)
        }
        guard body.count - end >= 5 else {
            return self.fail(.malformedMessage("a SASL response without a length"))
        }
        let length = body[(end + 1)..<(end + 5)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let response = body[(end + 5)...]
        if length == UInt32.max, response.isEmpty {
            self.state = .awaitingClientFirst
            return .send(request: .saslContinue([]))
        }
        guard Int(length) == response.count else {
            return self.fail(.malformedMessage("a SASL response of another length than it says"))
        }
        return self.receivedClientFirst(Array(response))
    }

    /// Takes client-first, and answers with the salt.
    mutating func receivedClientFirst(_ message: [UInt8]) -> Step {
        do { try self.scram.readClientFirst(message) } catch { return self.fail(.init(error)) }
        let salt: [UInt8]
        let iterations: Int
        if case .scram(let stored) = self.secret {
            salt = stored.salt
            iterations = stored.iterations
        } else {
            salt = self.mock.salt
            iterations = self.mock.iterations
        }
        self.state = .awaitingClientFinal
        let message = self.scram.writeServerFirst(salt: salt, iterations: iterations)
        return .send(request: .saslContinue(message))
    }

    /// Takes client-final, and checks it, after a derivation where no keys are stored.
    ///
    /// The derivation comes this late so that clients which only ask whether a password is
    /// needed (psql does) cost none.
    mutating func receivedClientFinal(_ message: [UInt8]) -> Step {
        do { try self.scram.readClientFinal(message) } catch { return self.fail(.init(error)) }
        let password: [UInt8]
        switch self.usableSecret {
        case .scram(let stored):
            return self.checkProof(storedKey: stored.storedKey, serverKey: stored.serverKey)
        case .plain(let stored):
            password = Array(stored.utf8)
        case .md5, nil:
            guard self.unknownUsersDerive else {
                let key = self.mock.scramKey
                return self.checkProof(storedKey: key, serverKey: key)
            }
            password = self.mock.password
        }
        let derivation = PasswordDerivation(
            password: password,
            salt: self.mock.salt,
            iterations: self.mock.iterations
        )
        return self.derive(derivation, then: .derivingForProof(derivation.key))
    }

    /// Checks the client's proof against the keys.
    mutating func checkProof(storedKey: [UInt8], serverKey: [UInt8]) -> Step {
        // The proof is computed for everybody; who has no usable secret fails all the same.
        let clientKey = self.scram.clientKey(provenBy: storedKey)
        switch self.usableSecret {
        case .plain, .scram: break
        case .md5, nil: return self.failForPassword()
        }
        guard let clientKey else { return self.failForPassword() }
        let last = self.scram.serverFinal(serverKey: serverKey)
        return self.succeed(
            last: .saslFinal(last),
            keys: SCRAMKeys(clientKey: clientKey, serverKey: serverKey)
        )
    }
}
