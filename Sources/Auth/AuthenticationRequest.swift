/// One authentication request, the body of an `R` message: a code and what follows it.
public struct AuthenticationRequest: Sendable, Equatable {
    /// Which request it is: 0 Ok, 3 clear-text password, 5 MD5, 10 SASL mechanisms, 11 SASL
    /// continue, 12 SASL final.
    public var code: Int32

    /// What follows the code: the salt for 5, the names for 10, the SASL data for 11 and 12.
    public var data: [UInt8]

    /// Makes a request from its two parts.
    public init(code: Int32, data: [UInt8]) {
        self.code = code
        self.data = data
    }

    /// The whole body: the code in network order and the data.
    public var body: [UInt8] {
        let code = UInt32(bitPattern: self.code)
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: code >> $0) }
        return bytes + self.data
    }

    /// The login has succeeded.
    public static let ok = Self(code: 0, data: [])

    /// Asks for the password in clear text.
    static let clearTextPassword = Self(code: 3, data: [])

    /// Offers SCRAM-SHA-256 and nothing else.
    static let mechanisms = Self(code: 10, data: SASLMechanism.scramSHA256 + [0, 0])

    /// Asks for an MD5 response.
    static func md5(salt: [UInt8]) -> Self { Self(code: 5, data: salt) }

    /// Goes on with a SASL exchange.
    static func saslContinue(_ data: [UInt8]) -> Self { Self(code: 11, data: data) }

    /// Ends a SASL exchange.
    static func saslFinal(_ data: [UInt8]) -> Self { Self(code: 12, data: data) }
}
