import Testing

@testable import Auth

/// Examples of RFC 4231 with keys shorter than, as long as and longer than a block.
struct HMACTests {
    struct Example: Sendable {
        var key: [UInt8]
        var message: [UInt8]
        var digest: String
    }

    static let examples = [
        Example(
            key: [UInt8](repeating: 0x0B, count: 20),
            message: Array("Hi There".utf8),
            digest: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        Example(
            key: Array("Jefe".utf8),
            message: Array("what do ya want for nothing?".utf8),
            digest: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        Example(
            key: [UInt8](repeating: 0xAA, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            digest: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ]

    @Test(arguments: Self.examples)
    func `the examples of RFC 4231 come out`(example: Example) {
        let digest = Crypto.hmac(key: example.key, example.message)
        let text = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(text == example.digest)
    }
}
