import Pooling
import Testing
import Wire

@testable import Console

/// What a client reads from the console's bytes, decoded here and not by the code under test.
struct ReceivedReply: Equatable {
    /// A column as RowDescription has it.
    struct Column: Equatable {
        var name: String
        var type: UInt32
        var size: UInt16
    }

    /// The kinds of all messages in order, as their letters.
    var kinds = ""
    var columns: [Column] = []
    var rows: [[String?]] = []
    var tags: [String] = []
    var errors: [ErrorFields] = []
    var notices: [ErrorFields] = []

    /// Decodes `bytes`, which must be whole messages of known kinds and nothing else.
    init(_ bytes: [UInt8]) throws {
        let span = bytes.span
        let reader = FrameReader()
        var position = 0
        while position < bytes.count {
            guard let frame = try reader.next(in: span, at: position) else { throw Malformed() }
            try #require(frame.isComplete)
            let kind = try #require(BackendKind(rawValue: frame.kind))
            self.kinds.unicodeScalars.append(UnicodeScalar(frame.kind))
            try self.take(kind, span, frame.bodyOffset..<frame.end)
            position = frame.end
        }
    }

    /// Decodes an answer that must be a reply.
    init(_ answer: ConsoleAnswer) throws {
        guard case .reply(let bytes) = answer else {
            Issue.record("no reply but \(answer)")
            throw Malformed()
        }
        try self.init(bytes)
    }

    /// The bytes are no answer. (`#require` cannot take a `Span`, so these are thrown by hand.)
    struct Malformed: Error {}

    /// The column's values, a row each.
    subscript(_ column: String) -> [String?] {
        guard let index = self.columns.firstIndex(where: { $0.name == column }) else {
            Issue.record("no column \(column)")
            return []
        }
        return self.rows.map { $0[index] }
    }

    private mutating func take(
        _ kind: BackendKind,
        _ bytes: Span<UInt8>,
        _ body: Range<Int>
    )
        throws
    {
        switch kind {
        case .rowDescription: try self.takeColumns(bytes, body)
        case .dataRow: try self.takeRow(bytes, body)
        case .commandComplete:
            self.tags.append(try Self.text(bytes, body.lowerBound..<body.upperBound - 1))
            guard bytes[body.upperBound - 1] == 0 else { throw Malformed() }
        case .error: self.errors.append(ErrorFields(parsing: bytes, in: body))
        case .notice: self.notices.append(ErrorFields(parsing: bytes, in: body))
        case .readyForQuery:
            let status = bytes[body.lowerBound]
            #expect(status == UInt8(ascii: "I"))
        case .emptyQuery: #expect(body.isEmpty)
        default: Issue.record("the console never sends \(kind)")
        }
    }

    private mutating func takeColumns(_ bytes: Span<UInt8>, _ body: Range<Int>) throws {
        var position = body.lowerBound + 2
        for _ in 0..<bytes.bigEndianUInt16(at: body.lowerBound) {
            guard let end = bytes.terminator(in: position..<body.upperBound) else {
                throw Malformed()
            }
            let column = Column(
                name: try Self.text(bytes, position..<end),
                type: bytes.bigEndianUInt32(at: end + 7),
                size: bytes.bigEndianUInt16(at: end + 11)
            )
            let format = bytes.bigEndianUInt16(at: end + 17)
            #expect(format == 0, "\(column.name) is not text")
            self.columns.append(column)
            position = end + 19
        }
        #expect(position == body.upperBound)
    }

    private mutating func takeRow(_ bytes: Span<UInt8>, _ body: Range<Int>) throws {
        var position = body.lowerBound + 2
        var row: [String?] = []
        for _ in 0..<bytes.bigEndianUInt16(at: body.lowerBound) {
            let length = Int(Int32(bitPattern: bytes.bigEndianUInt32(at: position)))
            position += 4
            if length < 0 {
                row.append(nil)
            } else {
                row.append(try Self.text(bytes, position..<position + length))
                position += length
            }
        }
        #expect(position == body.upperBound)
        #expect(row.count == self.columns.count)
        self.rows.append(row)
    }

    private static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) throws -> String {
        guard let text = bytes.text(in: range) else { throw Malformed() }
        return text
    }
}
