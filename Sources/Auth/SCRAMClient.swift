/// The client's half of a SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), without channel binding.
///
/// The order of calls is the order of the methods.
struct SCRAMClient: Sendable {
    private let nonce: [UInt8]
    private let clientFirstBare: [UInt8]
    private var serverFirst: [UInt8] = []
    private var serverNonce: [UInt8] = []
    private var authMessage: [UInt8] = []
    private var serverKey: [UInt8] = []

    /// Makes the client's half.
    ///
    /// - Parameters:
    ///   - nonce: printable ASCII without commas, which the server cannot foresee.
    ///   - user: the name in client-first as it is sent. PostgreSQL takes the name from the
    ///     startup message, and clients leave it empty here.
    init(nonce: [UInt8], user: String = "") {
        precondition(SCRAMAttributes.isNonce(nonce), "a client nonce that is not printable")
        self.nonce = nonce
        self.clientFirstBare = Array("n=\(user),r=".utf8) + nonce
    }

    /// Client-first: no channel binding, the name, the nonce.
    var clientFirst: [UInt8] { Array("n,,".utf8) + self.clientFirstBare }

    /// Reads server-first, and returns what the keys have to be derived with.
    mutating func readServerFirst(
        _ message: [UInt8]
    ) throws(SCRAMError) -> (salt: [UInt8], iterations: Int) {
        var attributes = try SCRAMAttributes(message)
        try attributes.refuseMandatoryExtension()
        let nonce = try attributes.value(of: "r")
        guard
            SCRAMAttributes.isNonce(nonce),
            nonce.count > self.nonce.count,
            nonce.starts(with: self.nonce)
        else { throw .malformed("a nonce that does not extend the client's") }
        guard
            let salt = Base64.decode(try attributes.value(of: "s")),
            (1...AuthLimits.saltLength).contains(salt.count)
        else { throw .malformed("a salt that is not Base64 or has a bad length") }
        guard let iterations = SCRAMAttributes.decimal(try attributes.value(of: "i")) else {
            throw .malformed("an iteration count that is not a number")
        }
        guard (1...AuthLimits.iterations).contains(iterations) else {
            throw .malformed("an iteration count beyond 1 to \(AuthLimits.iterations)")
        }
        try attributes.skipExtensions()
        self.serverNonce = Array(nonce)
        self.serverFirst = message
        return (salt, iterations)
    }

    /// Writes client-final with the proof.
    mutating func writeClientFinal(keys: SCRAMKeys) -> [UInt8] {
        let withoutProof = Array("c=biws,r=".utf8) + self.serverNonce
        self.authMessage =
            self.clientFirstBare + Array(",".utf8) + self.serverFirst + Array(",".utf8)
            + withoutProof
        self.serverKey = keys.serverKey
        let signature = Crypto.hmac(key: Crypto.sha256(keys.clientKey), self.authMessage)
        let proof = Crypto.xor(keys.clientKey, signature)
        return withoutProof + Array(",p=".utf8) + Base64.encode(proof)
    }

    /// Reads server-final, and returns whether the server's signature is right.
    func isRight(serverFinal message: [UInt8]) throws(SCRAMError) -> Bool {
        var attributes = try SCRAMAttributes(message)
        let attribute = try attributes.next()
        switch attribute.name {
        case UInt8(ascii: "e"):
            throw .refused(String(decoding: attribute.value, as: UTF8.self))
        case UInt8(ascii: "v"):
            guard let signature = Base64.decode(attribute.value) else {
                throw .malformed("a signature that is not Base64")
            }
            try attributes.skipExtensions()
            return Crypto.equal(
                signature,
                Crypto.hmac(key: self.serverKey, self.authMessage)
            )
        default:
            throw .malformed("attribute v or e expected")
        }
    }
}
