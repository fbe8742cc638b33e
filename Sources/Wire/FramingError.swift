/// Why bytes cannot be a message of protocol 3.x. After one of these no further byte of that
/// connection can be understood.
public enum FramingError: Error, Equatable, Sendable {
    /// The length field is below the 4 that it counts itself as, or negative.
    case lengthTooSmall(kind: UInt8, length: Int32)

    /// The length field exceeds the limit (`max_packet_size`).
    case lengthTooLarge(kind: UInt8, length: Int32, limit: Int)

    /// The kind byte is none that this side of the protocol sends.
    case unknownKind(UInt8)

    /// What to tell a person: what came and what was expected.
    public var message: String {
        switch self {
        case .lengthTooSmall(let kind, let length):
            "invalid message length \(length) for message type \(Self.name(kind)): "
                + "at least 4 expected"
        case .lengthTooLarge(let kind, let length, let limit):
            "message of type \(Self.name(kind)) has \(length) bytes: at most \(limit) allowed "
                + "(max_packet_size)"
        case .unknownKind(let kind):
            "invalid frontend message type \(kind)"
        }
    }

    private static func name(_ kind: UInt8) -> String {
        kind > 0x20 && kind < 0x7f ? "'\(Character(UnicodeScalar(kind)))'" : "\(kind)"
    }
}
