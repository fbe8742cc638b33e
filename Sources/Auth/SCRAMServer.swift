/// The server's half of a SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), without channel binding.
///
/// It reads and writes the four messages; who the user is and where the keys come from is the
/// verifier's business. The order of calls is the order of the methods.
struct SCRAMServer: Sendable {
    private let serverNonce: [UInt8]
    /// The flag in front of client-first: no channel binding, or none known of the server.
    private var bindingFlag = UInt8(ascii: "n")
    private var nonce: [UInt8] = []
    /// What both sides sign, as far as it has been said.
    private var authMessage: [UInt8] = []
    private var proof: [UInt8] = []

    /// Makes the server's half.
    ///
    /// - Parameter nonce: printable ASCII without commas, which the client cannot foresee.
    init(nonce: [UInt8]) {
        precondition(SCRAMAttributes.isNonce(nonce), "a server nonce that is not printable")
        self.serverNonce = nonce
    }

    /// Reads client-first: the channel binding flag, the ignored name, the client's nonce.
    ///
    /// PostgreSQL knows the user from the startup message, and so ignores the name here.
    mutating func readClientFirst(_ message: [UInt8]) throws(SCRAMError) {
        guard message.count <= AuthLimits.clientSASLMessageLength else {
            throw .malformed("client-first is too long")
        }
        switch message.first {
        case UInt8(ascii: "n"), UInt8(ascii: "y"):
            break
        case UInt8(ascii: "p"):
            throw .malformed("channel binding, which the mechanism does not have")
        default:
            throw .malformed("an unknown channel binding flag")
        }
        guard message.count > 3, message[1] == UInt8(ascii: ",") else {
            throw .malformed("a comma expected after the channel binding flag")
        }
        guard message[2] == UInt8(ascii: ",") else {
            guard message[2] == UInt8(ascii: "a") else {
                throw .malformed("a comma expected before the name")
            }
            throw .unsupported("a SASL authorization identity")
        }
        var attributes = try SCRAMAttributes(message, from: 3)
        try attributes.refuseMandatoryExtension()
        _ = try attributes.value(of: "n")
        let clientNonce = try attributes.value(of: "r")
        guard SCRAMAttributes.isNonce(clientNonce) else {
            throw .malformed("a nonce that is not printable")
        }
        try attributes.skipExtensions()
        self.bindingFlag = message[0]
        self.nonce = clientNonce + self.serverNonce
        self.authMessage.reserveCapacity(Self.authMessageCapacity)
        self.authMessage += message[3...]
    }

    /// Writes server-first: both nonces, the salt, the iterations.
    mutating func writeServerFirst(salt: [UInt8], iterations: Int) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(self.nonce.count + 2 * salt.count + 32)
        message += "r=".utf8
        message += self.nonce
        message += ",s=".utf8
        message += Base64.encode(salt)
        message += ",i=".utf8
        message += String(iterations).utf8
        self.say(message[...])
        return message
    }

    /// Reads client-final: the repeated flag, the nonces, and the proof.
    mutating func readClientFinal(_ message: [UInt8]) throws(SCRAMError) {
        guard message.count <= AuthLimits.clientSASLMessageLength else {
            throw .malformed("client-final is too long")
        }
        var attributes = try SCRAMAttributes(message)
        let header = [self.bindingFlag, UInt8(ascii: ","), UInt8(ascii: ",")]
        guard try attributes.value(of: "c") == Base64.encode(header)[...] else {
            throw .malformed("the channel binding differs from that of client-first")
        }
        guard try attributes.value(of: "r") == self.nonce[...] else {
            throw .malformed("the nonce differs")
        }
        var start = attributes.nextPosition
        var attribute = try attributes.next()
        while attribute.name != UInt8(ascii: "p") {
            start = attributes.nextPosition
            attribute = try attributes.next()
        }
        guard attributes.isAtEnd else { throw .malformed("bytes after the proof") }
        guard
            let proof = Base64.decode(attribute.value),
            proof.count == Crypto.digestLength
        else { throw .malformed("a proof that is not 32 bytes in Base64") }
        self.proof = proof
        // The message up to the proof, without the comma before it.
        self.say(message[..<(start - 1)])
    }

    /// Adds to what both sides sign.
    private mutating func say(_ message: ArraySlice<UInt8>) {
        self.authMessage.append(UInt8(ascii: ","))
        self.authMessage += message
    }

    /// Room for the three messages of usual clients; longer ones grow it.
    private static let authMessageCapacity = 256

    /// Checks the proof, and returns the client's key that it reveals, or nil if it is wrong.
    func clientKey(provenBy storedKey: [UInt8]) -> [UInt8]? {
        let signature = Crypto.hmac(key: storedKey, self.authMessage)
        let clientKey = Crypto.xor(self.proof, signature)
        return Crypto.equal(Crypto.sha256(clientKey), storedKey) ? clientKey : nil
    }

    /// Writes server-final: the signature by which the client knows the server.
    func serverFinal(serverKey: [UInt8]) -> [UInt8] {
        let signature = Crypto.hmac(key: serverKey, self.authMessage)
        return Array("v=".utf8) + Base64.encode(signature)
    }
}
