/// Messages written out by hand, byte by byte, and read back: the tests' own codec, which shares no
/// code with `Wire`.
public struct RawMessage: Equatable, Sendable {
    /// The kind byte.
    public var kind: UInt8
    /// What follows the length.
    public var body: [UInt8]

    /// Creates a message from its parts.
    public init(_ kind: UInt8, _ body: [UInt8] = []) {
        self.kind = kind
        self.body = body
    }

    /// Creates a message from a letter and a text, without terminator.
    public init(_ kind: Unicode.Scalar, _ body: String = "") {
        self.init(UInt8(ascii: kind), Array(body.utf8))
    }

    /// The message as it stands on the wire.
    public var bytes: [UInt8] {
        [self.kind] + Self.int32(self.body.count + 4) + self.body
    }

    /// The body as text.
    public var text: String { String(decoding: self.body, as: UTF8.self) }

    /// Four bytes in network order.
    public static func int32(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// Takes the whole messages at the start of `bytes` and leaves the rest.
    public static func take(from bytes: inout [UInt8]) -> [RawMessage] {
        var messages: [RawMessage] = []
        var position = 0
        while bytes.count - position >= 5 {
            let length = bytes[(position + 1)..<(position + 5)].reduce(0) { $0 << 8 | Int($1) }
            guard bytes.count - position >= length + 1 else { break }
            messages.append(
                RawMessage(bytes[position], Array(bytes[(position + 5)..<(position + 1 + length)]))
            )
            position += length + 1
        }
        bytes.removeFirst(position)
        return messages
    }
}
