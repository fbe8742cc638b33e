import TestSupport
import Testing
import Wire

/// `FrameReader.endOfRun` against a walk with `next(in:at:)`.
struct FrameReaderRowsTests {
    private static let row = UInt8(ascii: "D")

    /// Where the whole messages of the kind end, one by one.
    private static func walked(_ reader: FrameReader, _ bytes: [UInt8], from start: Int) -> Int {
        var position = start
        while let frame = try? reader.next(in: bytes.span, at: position),
            frame.kind == Self.row, frame.isComplete
        {
            position = frame.end
        }
        return position
    }

    @Test func `a run ends where a walk ends, wherever the bytes and the limit end`() {
        let messages: [RawMessage] = [
            RawMessage("D"), RawMessage("D", "abc"), RawMessage("D", "Dxxxxxxxxx"),
            RawMessage("D", "ab"), RawMessage("C", "SELECT 4\0"), RawMessage("D"),
        ]
        let bytes = messages.flatMap(\.bytes)
        for end in 0...bytes.count {
            let part = Array(bytes[..<end])
            for limit in [0, 4, 5, 6, 7, 8, 14, 15, 16, end, Limits.messageLengthMax, Int.max] {
                let reader = FrameReader(limit: limit)
                for start in [0, 5, 13] where start <= end {
                    let found = reader.endOfRun(of: Self.row, in: part.span, from: start)
                    let expected = Self.walked(reader, part, from: start)
                    #expect(found == expected, "\(start)..<\(end), limit \(limit)")
                }
            }
        }
    }

    @Test func `a length that cannot be right ends the run`() {
        let good: [UInt8] = [Self.row, 0, 0, 0, 4]
        let lengths: [UInt32] = [
            0, 1, 2, 3, 11, 12, 0x7fff_ffff, 0x8000_0000, 0xffff_fffb, 0xffff_fffe, 0xffff_ffff,
        ]
        for length in lengths {
            let header =
                [Self.row] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - $0 * 8)) }
            let bytes = good + header + [1, 2, 3, 4, 5, 6]
            let end = FrameReader().endOfRun(of: Self.row, in: bytes.span, from: 0)
            #expect(end == 5, "\(length)")
        }
        let whole = good + [Self.row, 0, 0, 0, 10] + [1, 2, 3, 4, 5, 6]
        #expect(FrameReader().endOfRun(of: Self.row, in: whole.span, from: 0) == whole.count)
    }
}
