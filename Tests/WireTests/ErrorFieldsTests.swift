import TestSupport
import Testing
import Wire

struct ErrorFieldsTests {
    private func parse(_ text: String) -> ErrorFields {
        let bytes = Array(text.utf8)
        return ErrorFields(parsing: bytes.span, in: 0..<bytes.count)
    }

    @Test func `what is written is read back`() {
        let severities: [ErrorFields.Severity] = [.error, .fatal, .panic, .notice, .warning]
        for severity in severities {
            for (detail, hint) in [(nil, nil), ("d", nil), (nil, "h"), ("ünï", "")] {
                let fields = ErrorFields(
                    severity,
                    .tooManyConnections,
                    "sorry, too many",
                    detail: detail,
                    hint: hint,
                    routine: hint
                )
                var writer = MessageWriter()
                writer.error(fields)
                let range = Frame.headerLength..<writer.bytes.count
                #expect(ErrorFields(parsing: writer.bytes.span, in: range) == fields)
            }
        }
    }

    @Test func `fields of no interest are passed over`() {
        let fields = self.parse("SFEHLER\0VERROR\0C42P01\0Mno\0P15\0Fparse.c\0L1\0Rx\0\0")
        #expect(fields == ErrorFields(.error, SQLState("42P01"), "no", routine: "x"))
    }

    @Test func `a body in any state gives neutral fields`() {
        let neutral = ErrorFields(.error, .internalError, "")
        #expect(self.parse("") == neutral)
        #expect(self.parse("\0") == neutral)
        #expect(self.parse("\0\0\0") == neutral)
        #expect(self.parse("V") == neutral)
        #expect(self.parse("VWHATEVER\0\0") == neutral)
        #expect(self.parse("Mtext") == ErrorFields(.error, .internalError, "text"))
        #expect(self.parse("M") == neutral)
        #expect(self.parse("M\0") == neutral)
        #expect(self.parse("Ma\0Mb\0") == ErrorFields(.error, .internalError, "b"))
        #expect(self.parse("VFATAL\0") == ErrorFields(.fatal, .internalError, ""))
    }

    @Test func `text in another encoding is repaired, not lost`() {
        let bytes: [UInt8] = [0x4d, 0x61, 0xe4, 0x62, 0, 0]
        let fields = ErrorFields(parsing: bytes.span, in: 0..<bytes.count)
        #expect(fields.message == "a\u{fffd}b")
    }

    @Test func `every cut of a body is read without reaching outside of it`() {
        let text = "SERROR\0VFATAL\0C53300\0Mm\0Dd\0Hh\0\0"
        let bytes = Array(text.utf8) + [0x4d, 0x58, 0]
        for start in 0...text.utf8.count {
            for end in start...text.utf8.count {
                #expect(ErrorFields(parsing: bytes.span, in: start..<end).message != "X")
            }
        }
    }
}
