/// The randomness of one login, drawn by the caller from a cryptographic source.
public struct VerifierEntropy: Sendable {
    /// The salt of an MD5 request.
    let md5Salt: [UInt8]

    /// The server's SCRAM nonce in printable form.
    let scramNonce: [UInt8]

    /// Takes random bytes.
    ///
    /// - Parameters:
    ///   - md5Salt: four bytes.
    ///   - scramNonce: at least `AuthLimits.nonceEntropy` bytes; they are sent in Base64.
    public init(md5Salt: [UInt8], scramNonce: [UInt8]) {
        precondition(md5Salt.count == 4, "an MD5 salt of \(md5Salt.count) bytes")
        precondition(
            scramNonce.count >= AuthLimits.nonceEntropy,
            "a SCRAM nonce of \(scramNonce.count) bytes"
        )
        self.md5Salt = md5Salt
        self.scramNonce = Base64.encode(scramNonce)
    }
}
