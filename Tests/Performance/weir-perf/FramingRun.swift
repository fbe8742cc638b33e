import CPerformance
import TestSupport
import Wire

/// Framing alone: messages in memory, no decisions.
struct FramingRun {
    /// Messages in one buffer; about what a receive brings.
    private static let bufferMessages = 500

    private var messages: [UInt8]
    private var rows: [UInt8]

    init() {
        let pattern = Exchange.simple.reply
        let mixed = (0..<Self.bufferMessages).map { pattern[$0 % pattern.count] }
        self.messages = mixed.flatMap(\.bytes)
        let row = RawMessage("D", "\0\u{1}\0\0\0\u{2}42")
        self.rows = Array(repeating: row.bytes, count: Self.bufferMessages).flatMap { $0 }
    }

    /// Walks `count` messages of four kinds.
    mutating func measureMessages(count: Int) -> Measurement {
        let rounds = max(1, count / Self.bufferMessages)
        weir_perf_count_allocations_here()
        var reader = FrameReader()
        self.walk(&reader, rounds: 2)
        return Measurement { self.walk(&reader, rounds: rounds) }
    }

    private mutating func walk(_ reader: inout FrameReader, rounds: Int) {
        for round in 0..<rounds {
            Self.change(&self.messages, round)
            let span = self.messages.span
            var position = reader.resume(available: span.count)
            var found = 0
            while let frame = try? reader.next(in: span, at: position) {
                reader.pass(frame)
                position = frame.end
                found += 1
            }
            precondition(found == Self.bufferMessages, "found \(found) messages")
        }
    }

    /// Walks `count` rows.
    mutating func measureRows(count: Int) -> Measurement {
        let rounds = max(1, count / Self.bufferMessages)
        weir_perf_count_allocations_here()
        let reader = FrameReader()
        self.run(reader, rounds: 2)
        return Measurement { self.run(reader, rounds: rounds) }
    }

    private mutating func run(_ reader: FrameReader, rounds: Int) {
        for round in 0..<rounds {
            Self.change(&self.rows, round)
            let span = self.rows.span
            let end = reader.endOfRun(of: BackendKind.dataRow.rawValue, in: span, from: 0)
            precondition(end == span.count, "the run ends at \(end) of \(span.count)")
        }
    }

    /// Makes each round's bytes its own, or else the compiler does the work of all rounds once.
    private static func change(_ bytes: inout [UInt8], _ round: Int) {
        bytes[bytes.count - 1] = UInt8(truncatingIfNeeded: round)
    }
}
