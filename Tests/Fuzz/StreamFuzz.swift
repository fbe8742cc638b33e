import Wire

/// A stream of messages, in one piece and in many.
enum StreamFuzz {
    private struct Message: Equatable {
        var kind: UInt8
        var length: Int
    }

    private struct Walk: Equatable {
        var messages: [Message] = []
        var isBroken = false
    }

    private static let limit = 1_000

    /// The first byte is the size of the pieces; returns what is wrong.
    static func fault(_ bytes: [UInt8]) -> String? {
        guard let size = bytes.first else { return nil }
        let stream = Array(bytes.dropFirst())
        let whole = Self.walk(stream, pieces: max(1, stream.count))
        let pieces = Self.walk(stream, pieces: Int(size) % 32 + 1)
        if whole != pieces { return "\(whole) in one piece, \(pieces) in pieces of \(size)" }
        return Self.compareRuns(stream) ?? Self.readErrors(stream)
    }

    /// Walks the stream as a relay does: what is not decided about is offered again.
    private static func walk(_ stream: [UInt8], pieces size: Int) -> Walk {
        var walk = Walk()
        var reader = FrameReader(limit: Self.limit)
        var kept: [UInt8] = []
        var start = 0
        while start < stream.count {
            let buffer = kept + stream[start..<min(start + size, stream.count)]
            start += size
            var position = reader.resume(available: buffer.count)
            while reader.remaining == 0 {
                do throws(FramingError) {
                    let found = try reader.next(in: buffer.span, at: position)
                    guard let frame = found else { break }
                    precondition(
                        frame.offset == position && frame.available >= Frame.headerLength
                            && frame.available <= frame.length && frame.length <= Self.limit
                            && frame.end <= buffer.count,
                        "\(frame) at \(position) of \(buffer.count)"
                    )
                    walk.messages.append(Message(kind: frame.kind, length: frame.length))
                    reader.pass(frame)
                    position = frame.end
                } catch {
                    walk.isBroken = true
                    return walk
                }
            }
            kept = Array(buffer[position...])
            precondition(kept.count < Frame.headerLength, "\(kept.count) bytes are kept")
        }
        return walk
    }

    /// The short way over rows ends where the long one does.
    private static func compareRuns(_ stream: [UInt8]) -> String? {
        guard let kind = stream.first else { return nil }
        let reader = FrameReader(limit: Self.limit)
        var position = 0
        while position < stream.count, stream[position] == kind,
            let frame = try? reader.next(in: stream.span, at: position), frame.isComplete
        {
            position = frame.end
        }
        let end = reader.endOfRun(of: kind, in: stream.span, from: 0)
        return end == position ? nil : "a run ends at \(end), not at \(position)"
    }

    private static func readErrors(_ stream: [UInt8]) -> String? {
        let fields = ErrorFields(parsing: stream.span, in: 0..<stream.count)
        let texts = [fields.message, fields.detail ?? "", fields.hint ?? ""]
        let length = texts.reduce(0) { $0 + $1.utf8.count }
        var writer = MessageWriter()
        writer.error(fields)
        // A byte that is no UTF-8 becomes three.
        return length <= 3 * stream.count ? nil : "\(length) bytes of \(stream.count)"
    }
}
