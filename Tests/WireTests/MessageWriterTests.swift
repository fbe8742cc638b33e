import TestSupport
import Testing
import Wire

/// Each message against bytes written by hand from the protocol's documentation.
struct MessageWriterTests {
    private func written(_ body: (inout MessageWriter) -> Void) -> [UInt8] {
        var writer = MessageWriter()
        body(&writer)
        return writer.bytes
    }

    private func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `messages of a server`() {
        #expect(
            self.written { $0.authentication(code: 5, data: [1, 2, 3, 4]) }
                == [0x52, 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4]
        )
        #expect(self.written { $0.authentication(code: 0) } == [0x52, 0, 0, 0, 8, 0, 0, 0, 0])
        #expect(
            self.written { $0.parameterStatus("a", "bc") } == [0x53, 0, 0, 0, 9, 97, 0, 98, 99, 0]
        )
        #expect(
            self.written {
                $0.backendKeyData(CancelKey(processID: 1, secret: [0xff, 0xff, 0xff, 0xfe]))
            }
                == [0x4b, 0, 0, 0, 12, 0, 0, 0, 1, 255, 255, 255, 254]
        )
        #expect(
            self.written { $0.negotiateProtocolVersion(minor: 0, unknownOptions: ["_pq_.a"]) }
                == [0x76, 0, 0, 0, 19, 0, 3, 0, 0, 0, 0, 0, 1] + self.utf8("_pq_.a\0")
        )
        #expect(self.written { $0.readyForQuery(.idle) } == [0x5a, 0, 0, 0, 5, 0x49])
        #expect(self.written { $0.readyForQuery(.transaction) } == [0x5a, 0, 0, 0, 5, 0x54])
        #expect(self.written { $0.readyForQuery(.failed) } == [0x5a, 0, 0, 0, 5, 0x45])
        #expect(self.written { $0.commandComplete("OK") } == [0x43, 0, 0, 0, 7, 79, 75, 0])
        #expect(self.written { $0.emptyQuery() } == [0x49, 0, 0, 0, 4])
    }

    @Test func `rows of a server`() {
        #expect(
            self.written { $0.rowDescription([("a", 25), ("b", 20), ("c", 23)]) }
                == [0x54, 0, 0, 0, 66, 0, 3]
                + [97, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0]
                + [98, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 8, 255, 255, 255, 255, 0, 0]
                + [99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 23, 0, 4, 255, 255, 255, 255, 0, 0]
        )
        #expect(self.written { $0.rowDescription([]) } == [0x54, 0, 0, 0, 6, 0, 0])
        #expect(
            self.written { $0.dataRow(["x", nil, ""]) }
                == [0x44, 0, 0, 0, 19, 0, 3, 0, 0, 0, 1, 120, 255, 255, 255, 255, 0, 0, 0, 0]
        )
    }

    @Test func `messages of a client`() {
        #expect(
            self.written { $0.startup([("user", "a"), ("database", "b")]) }
                == [0, 0, 0, 27, 0, 3, 0, 0] + self.utf8("user\0a\0database\0b\0\0")
        )
        #expect(
            self.written { $0.cancelRequest(processID: 258, secret: [9, 8, 7, 6]) }
                == [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 1, 2, 9, 8, 7, 6]
        )
        #expect(self.written { $0.password(body: [1, 0]) } == [0x70, 0, 0, 0, 6, 1, 0])
        #expect(self.written { $0.query("BEGIN") } == [0x51, 0, 0, 0, 10] + self.utf8("BEGIN\0"))
        #expect(self.written { $0.closeStatement("") } == [0x43, 0, 0, 0, 6, 0x53, 0])
        #expect(self.written { $0.closeStatement("s") } == [0x43, 0, 0, 0, 7, 0x53, 115, 0])
        #expect(self.written { $0.sync() } == [0x53, 0, 0, 0, 4])
        #expect(self.written { $0.copyFail("no") } == [0x66, 0, 0, 0, 7, 110, 111, 0])
        #expect(self.written { $0.terminate() } == [0x58, 0, 0, 0, 4])
    }

    @Test func `a zero byte ends a text, so that no second message can be smuggled in`() {
        #expect(self.written { $0.query("a\0b") } == [0x51, 0, 0, 0, 6, 97, 0])
    }

    @Test func `an error carries both severities and no field that is absent`() {
        #expect(
            self.written { $0.error(ErrorFields(.fatal, .protocolViolation, "m")) }
                == [0x45, 0, 0, 0, 29] + self.utf8("SFATAL\0VFATAL\0C08P01\0Mm\0\0")
        )
        let full = ErrorFields(.notice, .success, "m", detail: "d", hint: "h")
        #expect(
            self.written { $0.notice(full) }
                == [0x4e, 0, 0, 0, 37] + self.utf8("SNOTICE\0VNOTICE\0C00000\0Mm\0Dd\0Hh\0\0")
        )
    }

    @Test func `messages follow each other and are forgotten together`() {
        var writer = MessageWriter()
        writer.sync()
        writer.query("a")
        writer.sync()
        var bytes = writer.bytes
        #expect(
            RawMessage.take(from: &bytes)
                == [RawMessage("S"), RawMessage("Q", "a\0"), RawMessage("S")]
        )
        writer.removeAll()
        #expect(writer.bytes.isEmpty)
    }

    @Test func `what is written for a startup is read back`() throws {
        let bytes = self.written {
            $0.startup([("user", "ann"), ("database", "shop"), ("DateStyle", "ISO, MDY")])
        }
        let others = [StartupParameters.Parameter(name: "DateStyle", value: "ISO, MDY")]
        #expect(
            try StartupRequest(parsing: bytes.span)
                == .startup(StartupParameters(user: "ann", database: "shop", others: others))
        )
    }
}
