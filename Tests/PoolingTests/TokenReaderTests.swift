import Testing

@testable import Pooling

/// Where names, literals and comments begin and end.
struct TokenReaderTests {
    private static func read(_ text: String) -> [SQLToken] {
        TokenReader.tokens(of: Array(text.utf8)).tokens
    }

    private static func isAmbiguous(_ text: String) -> Bool {
        TokenReader.tokens(of: Array(text.utf8)).isAmbiguous
    }

    @Test("each kind of token")
    func kinds() {
        #expect(Self.read("Ab_1$ é") == [.word("ab_1$"), .word("é")])
        #expect(Self.read("\"A\"\"b\"") == [.quoted("A\"\"b")])
        #expect(Self.read("'a''b'") == [.string("a''b")])
        #expect(Self.read("$$a'b$$ $x$a$$b$x$") == [.string("a'b"), .string("a$$b")])
        #expect(Self.read("$1 12 .") == [.number, .number, .symbol(UInt8(ascii: "."))])
        #expect(Self.read("e'a\\'b' E'x'") == [.escapedString, .string("x")])
        #expect(Self.read("b'01' X'ff' n'a'") == [.string("01"), .string("ff"), .string("a")])
        #expect(
            Self.read("u&'a' U&\"b\" u & a") == [
                .escapedString, .obscureName, .word("u"), .symbol(UInt8(ascii: "&")), .word("a"),
            ]
        )
        #expect(Self.read("a$b$c") == [.word("a$b$c")])
        #expect(Self.read("$a b") == [.symbol(UInt8(ascii: "$")), .word("a"), .word("b")])
        #expect(Self.read("") == [] && Self.read(" \t\r\n") == [])
    }

    @Test("comments are no tokens, and nest")
    func comments() {
        #expect(Self.read("a -- b\nc") == [.word("a"), .word("c")])
        #expect(Self.read("a -- b\rc") == [.word("a"), .word("c")])
        #expect(Self.read("a /* b /* c */ d */ e") == [.word("a"), .word("e")])
        #expect(Self.read("a/*'*/b") == [.word("a"), .word("b")])
        #expect(Self.read("'/*' a") == [.string("/*"), .word("a")])
        #expect(Self.read("a - - b").count == 4)
    }

    @Test(
        "a text that ends elsewhere without standard_conforming_strings, or that does not end",
        arguments: [
            "'a\\' b'", "'\\'", "'a\\''", "'a", "\"a", "$a$ $b$", "/* a", "E'a\\", "E'a\\'",
        ]
    )
    func ambiguous(text: String) {
        #expect(Self.isAmbiguous(text))
    }

    @Test(
        "a backslash elsewhere is none",
        arguments: ["'a\\b'", "E'\\''", "E'\\\\'", "\"a\\\"", "\\"]
    )
    func unambiguous(text: String) {
        #expect(!Self.isAmbiguous(text))
    }
}
