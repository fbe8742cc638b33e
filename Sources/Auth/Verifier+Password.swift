/// The methods in which the client sends one message: clear text and MD5.
extension Verifier {
    /// Takes a clear-text password.
    mutating func receivedPassword(_ body: [UInt8]) -> Step {
        let password: [UInt8]
        do { password = try Self.text(body) } catch { return self.fail(error) }
        switch self.usableSecret {
        case .plain(let stored):
            guard self.mock.isEqual(Array(stored.utf8), password) else {
                return self.failForPassword()
            }
            return self.succeed(password: password)
        case .md5(let stored):
            guard let digest = MD5.storedDigest(password: password, user: self.user) else {
                return self.fail(.digestUnavailable)
            }
            guard Crypto.equal(Array(digest.utf8), Array(stored.utf8)) else {
                return self.failForPassword()
            }
            return self.succeed(password: password)
        case .scram(let stored):
            let derivation = PasswordDerivation(
                password: password,
                salt: stored.salt,
                iterations: stored.iterations
            )
            self.password = password
            return self.derive(derivation, then: .derivingForPassword(derivation.key))
        case nil:
            guard self.unknownUsersDerive else { return self.failForPassword() }
            let derivation = PasswordDerivation(
                password: password,
                salt: self.mock.salt,
                iterations: self.mock.iterations
            )
            return self.derive(derivation, then: .derivingForPassword(derivation.key))
        }
    }

    /// Goes on with a clear-text password whose keys have been derived.
    mutating func checkPassword(derived result: PasswordDerivation.Result) -> Step {
        guard
            case .scram(let stored) = self.secret,
            Crypto.equal(result.secret.storedKey, stored.storedKey)
        else { return self.failForPassword() }
        defer { Crypto.wipe(&self.password) }
        return self.succeed(password: self.password, keys: result.keys)
    }

    /// Takes the response to an MD5 request.
    mutating func receivedMD5(_ body: [UInt8]) -> Step {
        let response: [UInt8]
        do { response = try Self.text(body) } catch { return self.fail(error) }
        let digest: String?
        switch self.usableSecret {
        case .plain(let password):
            digest = MD5.storedDigest(password: Array(password.utf8), user: self.user)
        case .md5(let stored):
            digest = stored
        case .scram, nil:
            digest = self.mock.md5Digest
        }
        guard
            let digest,
            let expected = MD5.response(storedDigest: digest, salt: self.entropy.md5Salt)
        else { return self.fail(.digestUnavailable) }
        guard Crypto.equal(response, expected), self.usableSecret != nil else {
            return self.failForPassword()
        }
        return self.succeed()
    }

    /// Returns the text of a password message, which ends with its only zero byte.
    private static func text(_ body: [UInt8]) throws(VerifierError) -> [UInt8] {
        guard body.count <= AuthLimits.passwordLength + 1 else {
            throw .malformedMessage("password too long")
        }
        guard body.last == 0, body.firstIndex(of: 0) == body.count - 1 else {
            throw .malformedMessage("invalid password packet size")
        }
        guard body.count > 1 else { throw .emptyPassword }
        return Array(body.dropLast())
    }
}
