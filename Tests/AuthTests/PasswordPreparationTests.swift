import Testing

@testable import Auth

/// Passwords beyond ASCII hash to what PostgreSQL makes of them.
///
/// All of the preparation was compared with PostgreSQL 15.20 on 9,000 random passwords; these
/// are one of each kind, with the secrets that it made.
struct PasswordPreparationTests {
    private static let secrets = [
        // compatibility characters
        (
            "\u{FB01}anc\u{E9}\u{B2}",
            "SCRAM-SHA-256$4096:tZYwFM/2mYGTUtggsTZY8g=="
                + "$sNy9Wy9b+KSX0fvlyVRt3V7++n8Nl3jrmLJ/jeVvga8="
                + ":JTM+yjintBK7/Ry/uxqcq3ixVt/w2LJXVMXjjZRUJ8U="
        ),
        // a wide space and a soft hyphen
        (
            "a\u{A0}b\u{AD}\u{E9}",
            "SCRAM-SHA-256$4096:XRdQEI7HzfF4MlMv2kUwfA=="
                + "$bN/Aa8fQFitabWYi/AsXvjjDaSS7Xo8j3c0h19S83N0="
                + ":RnaAnu2vAIhUgsXJCgqbu7z+gHBlqk4duRRd5r6a4t0="
        ),
        // a combining accent
        (
            "e\u{301}",
            "SCRAM-SHA-256$4096:LBffWaZddP/pOmtlRSgoRQ=="
                + "$jt6xbGfIKrRvTEBqOP3DTBIq6fwtNThMea4tvfucG58="
                + ":4TA51bEPuoQZDcTH4Nz0Ca1VZPU41rcNbfTmlrGybZA="
        ),
        // prohibited: not in Unicode 3.2
        (
            "\u{1F600}\u{FB01}",
            "SCRAM-SHA-256$4096:rmNz+se/vchbu2/YMbdPkg=="
                + "$0FEH0yZTvmM7KBCnIySbWNQC6etz7+ylVJx+rgFXyAc="
                + ":LhepEFDjRWaWNUfntFSiONPon9IB0aND3zfHzWOBopE="
        ),
        // prohibited: mixed directions
        (
            "\u{5D0}\u{FB01}",
            "SCRAM-SHA-256$4096:6mXNN5XW5M1TRKI/bYGWJw=="
                + "$3qz8Me/bz7Qy6kamcPMF7qpUBBxqLYa7mjvpicdny44="
                + ":tiFfMBmcrNYJKqzrgzSfYpH6irkmtVoRsIquaUUqgx0="
        ),
        // prohibited: ends without direction
        (
            "\u{5D0}\u{B2}",
            "SCRAM-SHA-256$4096:/5e0t17k2yoBwjsKWMeuZQ=="
                + "$reUrNKxESOGTK/WyiNiz2SfYTWi6becDxgYfE5Ydoak="
                + ":W7xWRC5A8BvTJxQwnI6f3uXDSRhdWsOvkdl1Xa9y3SE="
        ),
        // Hangul
        (
            "\u{1112}\u{1161}\u{11AB}",
            "SCRAM-SHA-256$4096:29+akVGwfhOvajG4KInjhQ=="
                + "$V+8moRpTSiFupG/r09klxLA8KiOa2nmMDmcr7GwhG50="
                + ":FcR22TSwicqWct9umfhNMOP+VbE8FyVFh/OAvCEzl3s="
        ),
        // nothing is left
        (
            "\u{AD}",
            "SCRAM-SHA-256$4096:UdAfCqLUaNsyreyb7tySCw=="
                + "$bCGr6V0Eg6QhYvljQHaiVnrKP2RSWk5UHyYjfx/J8FU="
                + ":HpxW3WlWyrajHHsfNTsPQoGsw3GDixD8eKQnZ+GuPsg="
        ),
    ]

    @Test(arguments: Self.secrets)
    func `PostgreSQL's secrets come out of the same password`(
        password: String,
        stored: String
    ) throws {
        let secret = try #require(SCRAMSecret(storedText: stored))
        let derivation = PasswordDerivation(
            password: Array(password.utf8),
            salt: secret.salt,
            iterations: secret.iterations
        )
        #expect(derivation.run().secret == secret)
    }

    private func prepare(_ password: String) -> String {
        String(decoding: PasswordPreparation.prepare(Array(password.utf8)), as: UTF8.self)
    }

    @Test func `what is equivalent becomes one`() {
        #expect(self.prepare("\u{FB01}anc\u{E9}\u{B2}").utf8.elementsEqual("fianc\u{E9}2".utf8))
        #expect(self.prepare("e\u{301}").utf8.elementsEqual("\u{E9}".utf8))
        #expect(self.prepare("\u{C5}\u{212B}").utf8.elementsEqual("\u{C5}\u{C5}".utf8))
        #expect(self.prepare("a\u{3000}b\u{200D}").utf8.elementsEqual("a b".utf8))
        #expect(self.prepare("\u{1100}\u{1161}\u{11A8}").utf8.elementsEqual("\u{AC01}".utf8))
    }

    @Test func `marks are put in order, and blocked ones stay`() {
        let cedillaLast = "c\u{301}\u{327}"
        #expect(self.prepare(cedillaLast).utf8.elementsEqual("\u{1E09}".utf8))
        let blocked = "a\u{335}\u{301}\u{301}"
        #expect(self.prepare(blocked).utf8.elementsEqual("\u{E1}\u{335}\u{301}".utf8))
    }

    @Test func `ASCII, bytes that are no UTF-8, and prohibited text stay as they are`() {
        #expect(self.prepare("a\u{7F} b").utf8.elementsEqual("a\u{7F} b".utf8))
        for bytes in [[0xFF, 0x41], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]] {
            #expect(PasswordPreparation.prepare(bytes) == bytes)
        }
        for text in ["\u{B2}\u{E000}", "\u{B2}\u{80}", "\u{B2}\u{FFFF}", "\u{B2}\u{200E}"] {
            #expect(self.prepare(text).utf8.elementsEqual(text.utf8))
        }
    }
}
