import TestSupport
import Wire

/// A receiver as `Proxy` is one: walks the messages of every buffer, lets each through, keeps only
/// partial headers.
struct FrameStream {
    enum Event: Equatable {
        /// A header was seen; `length` counts the whole message.
        case header(UInt8, length: Int)
        /// Body bytes that came with or after a header.
        case body([UInt8])
    }

    var reader: FrameReader
    /// What was seen, with adjacent body bytes merged, so that it does not depend on how the stream
    /// was cut.
    private(set) var events: [Event] = []
    private var leftover: [UInt8] = []
    /// The most bytes kept between two buffers.
    private(set) var leftoverMax = 0

    init(limit: Int = Limits.messageLengthMax) {
        self.reader = FrameReader(limit: limit)
    }

    mutating func receive(_ chunk: [UInt8]) throws(FramingError) {
        let bytes = self.leftover + chunk
        var position = self.reader.resume(available: bytes.count)
        self.append(bytes[0..<position])
        while self.reader.remaining == 0,
            let frame = try self.reader.next(in: bytes.span, at: position)
        {
            precondition(frame.offset == position && frame.end <= bytes.count, "outside: \(frame)")
            precondition(frame.available >= Frame.headerLength && frame.available <= frame.length)
            self.events.append(.header(frame.kind, length: frame.length))
            self.append(bytes[frame.bodyOffset..<frame.end])
            self.reader.pass(frame)
            position = frame.end
        }
        self.leftover = Array(bytes[position...])
        self.leftoverMax = max(self.leftoverMax, self.leftover.count)
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty else { return }
        if case .body(let before) = self.events.last {
            self.events[self.events.count - 1] = .body(before + bytes)
        } else {
            self.events.append(.body(Array(bytes)))
        }
    }

    /// What a stream of these messages must give.
    static func expected(_ messages: [RawMessage]) -> [Event] {
        messages.flatMap { message -> [Event] in
            let header = Event.header(message.kind, length: message.body.count + 5)
            return message.body.isEmpty ? [header] : [header, .body(message.body)]
        }
    }
}
