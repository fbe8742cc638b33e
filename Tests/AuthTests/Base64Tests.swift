import Auth
import Testing

/// Base64 with RFC 4648's examples, and what strictness refuses.
struct Base64Tests {
    @Test func `the RFC's examples go both ways`() {
        let examples = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ]
        for (plain, encoded) in examples {
            #expect(Base64.encode(Array(plain.utf8)) == Array(encoded.utf8))
            #expect(Base64.decode(encoded.utf8) == Array(plain.utf8))
        }
    }

    @Test func `every byte value survives at every offset`() {
        for offset in 0..<4 {
            let bytes = [UInt8](repeating: 0xA5, count: offset) + Array(0...255)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "=", "==", "====", "Z=g=", "Zg==Zg==", "Zh==", "Zm9=", "Zm9v\n",
        "Zm 9v", "Zm9-", "Zm9_", "Zm9v=", "Zm9v==",
    ])
    func `anything but the one spelling is refused`(text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }
}
