import TestSupport
import Testing
import Wire

struct FrameReaderTests {
    /// One message of every kind of both directions, with bodies that look like headers.
    private let messages: [RawMessage] =
        FrontendKind.allCases.map { RawMessage($0.rawValue, [0x51, 0, 0, 0, 4]) }
        + BackendKind.allCases.map {
            RawMessage($0.rawValue, Array(repeating: $0.rawValue, count: 3))
        }
        + [RawMessage("S"), RawMessage("d", "a"), RawMessage("Q", "select 1\0"), RawMessage("H")]

    private func bytes(_ messages: [RawMessage]) -> [UInt8] { messages.flatMap(\.bytes) }

    @Test func `a stream gives the same messages wherever it is split in two`() throws {
        let bytes = self.bytes(self.messages)
        for split in 0...bytes.count {
            var stream = FrameStream()
            try stream.receive(Array(bytes[..<split]))
            try stream.receive(Array(bytes[split...]))
            #expect(stream.events == FrameStream.expected(self.messages), "split at \(split)")
        }
    }

    @Test func `a stream gives the same messages wherever it is split in three`() throws {
        let messages = [RawMessage("Q", "ab"), RawMessage("S"), RawMessage("d", "abcdefgh")]
        let bytes = self.bytes(messages)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var stream = FrameStream()
                try stream.receive(Array(bytes[..<first]))
                try stream.receive(Array(bytes[first..<second]))
                try stream.receive(Array(bytes[second...]))
                #expect(stream.events == FrameStream.expected(messages), "\(first), \(second)")
            }
        }
    }

    @Test func `a stream that drips in byte by byte keeps no more than a partial header`() throws {
        var stream = FrameStream()
        for byte in self.bytes(self.messages) { try stream.receive([byte]) }
        #expect(stream.events == FrameStream.expected(self.messages))
        #expect(stream.leftoverMax == 4)
        #expect(stream.reader.remaining == 0)
    }

    @Test func `a body larger than every buffer streams through and is only counted`() throws {
        let body = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        let messages = [
            RawMessage("d", body.isEmpty ? "" : "x"), RawMessage(0x64, body), RawMessage("c"),
        ]
        for size in [1, 2, 3, 7, 64, 4_096, 9_999, 20_000] {
            var stream = FrameStream()
            let bytes = self.bytes(messages)
            for start in stride(from: 0, to: bytes.count, by: size) {
                try stream.receive(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(stream.events == FrameStream.expected(messages), "buffers of \(size)")
            #expect(stream.leftoverMax <= 4)
        }
    }

    @Test func `messages are found between bytes that belong to others`() throws {
        let message = RawMessage("Q", "select 1\0")
        for before in 0...6 {
            for after in 0...4 {
                let garbage = [UInt8](repeating: 0xff, count: before)
                let bytes = garbage + message.bytes + [UInt8](repeating: 0xff, count: after)
                let reader = FrameReader()
                let frame = try #require(try reader.next(in: bytes.span, at: before))
                #expect(
                    frame == Frame(kind: 0x51, offset: before, length: 14, available: 14)
                )
                #expect(
                    frame.isComplete && frame.bodyOffset == before + 5 && frame.end == before + 14
                )
                // Less than a header is no message, whatever it says.
                #expect(try reader.next(in: bytes.span, at: frame.end) == nil)
            }
        }
    }

    @Test func `a header that has not arrived whole is no message yet`() throws {
        let header: [UInt8] = [0x51, 0xff, 0xff, 0xff, 0xff]
        for count in 0..<5 {
            let bytes = Array(header[..<count])
            #expect(try FrameReader().next(in: bytes.span, at: 0) == nil)
            #expect(try FrameReader().next(in: bytes.span, at: count) == nil)
        }
    }

    @Test(arguments: [-2_147_483_648, -1, 0, 1, 2, 3])
    func `a length below what it counts itself as is refused`(length: Int) {
        let bytes = [UInt8(0x51)] + RawMessage.int32(length) + [0, 0, 0]
        #expect(throws: FramingError.lengthTooSmall(kind: 0x51, length: Int32(length))) {
            try FrameReader().next(in: bytes.span, at: 0)
        }
    }

    @Test func `the limit is the largest message that passes`() throws {
        let reader = FrameReader(limit: 100)
        let fits = [UInt8(0x51)] + RawMessage.int32(99)
        let frame = try #require(try reader.next(in: fits.span, at: 0))
        #expect(frame.length == 100 && frame.available == 5 && !frame.isComplete)
        let tooLong = [UInt8(0x51)] + RawMessage.int32(100)
        #expect(throws: FramingError.lengthTooLarge(kind: 0x51, length: 100, limit: 100)) {
            try reader.next(in: tooLong.span, at: 0)
        }
    }

    @Test func `the largest length of the protocol passes without a limit`() throws {
        let bytes = [UInt8(0x64)] + RawMessage.int32(Int(Int32.max))
        var reader = FrameReader()
        let frame = try #require(try reader.next(in: bytes.span, at: 0))
        #expect(frame.length == 1 << 31)
        reader.pass(frame)
        #expect(reader.remaining == (1 << 31) - 5)
        #expect(reader.resume(available: 1 << 30) == 1 << 30)
        #expect(reader.resume(available: 1 << 40) == (1 << 30) - 5)
        #expect(reader.resume(available: 10) == 0)
    }

    @Test func `errors name the kind as people read it`() {
        #expect(FramingError.lengthTooSmall(kind: 0x51, length: 3).message.contains("'Q'"))
        #expect(
            FramingError.lengthTooLarge(kind: 0, length: 9, limit: 8).message.contains("type 0")
        )
        #expect(FramingError.unknownKind(0xff).message.contains("255"))
    }
}
