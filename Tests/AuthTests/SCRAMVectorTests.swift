import Testing

@testable import Auth

/// The example of RFC 7677 §3, both roles, byte for byte.
struct SCRAMVectorTests {
    private let clientNonce = Array("rOprNGfwEbeRWgbNEkqO".utf8)
    private let serverNonce = Array("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".utf8)
    private let clientFirst = Array("n,,n=user,r=rOprNGfwEbeRWgbNEkqO".utf8)
    private let serverFirst = Array(
        ("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            + "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096").utf8
    )
    private let clientFinal = Array(
        ("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").utf8
    )
    private let serverFinal = Array("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".utf8)

    private func derive() throws -> PasswordDerivation.Result {
        let salt = try #require(Base64.decode("W22ZaJ0SNY7soEsUEjb6gQ==".utf8))
        return PasswordDerivation(password: Array("pencil".utf8), salt: salt, iterations: 4096)
            .run()
    }

    @Test func `the client's half says what the RFC says`() throws {
        var client = SCRAMClient(nonce: self.clientNonce, user: "user")
        #expect(client.clientFirst == self.clientFirst)
        let challenge = try client.readServerFirst(self.serverFirst)
        #expect(challenge.iterations == 4096)
        #expect(Base64.encode(challenge.salt) == Array("W22ZaJ0SNY7soEsUEjb6gQ==".utf8))
        #expect(client.writeClientFinal(keys: try self.derive().keys) == self.clientFinal)
        #expect(try client.isRight(serverFinal: self.serverFinal))
        var forged = self.serverFinal
        forged[5] ^= 1
        #expect(try !client.isRight(serverFinal: forged))
    }

    @Test func `the server's half says what the RFC says`() throws {
        let result = try self.derive()
        var server = SCRAMServer(nonce: self.serverNonce)
        try server.readClientFirst(self.clientFirst)
        let first = server.writeServerFirst(salt: result.secret.salt, iterations: 4096)
        #expect(first == self.serverFirst)
        try server.readClientFinal(self.clientFinal)
        #expect(server.clientKey(provenBy: result.secret.storedKey) == result.keys.clientKey)
        #expect(server.serverFinal(serverKey: result.secret.serverKey) == self.serverFinal)
        #expect(server.clientKey(provenBy: result.secret.serverKey) == nil)
    }
}
