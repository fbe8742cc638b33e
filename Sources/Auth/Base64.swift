/// Base64 with the standard alphabet and padding (RFC 4648 §4), as SCRAM writes it.
///
/// Decoding is strict: padding is required, white space and stray bits in the last group are
/// refused, so that a value has one spelling.
public enum Base64 {
    private static let alphabet: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    private static func digit(_ value: UInt32) -> UInt8 {
        precondition(value < 64, "a digit of more than six bits")
        return unsafe Self.alphabet.utf8Start[Int(value)]
    }

    /// Encodes bytes; the result is ASCII and a multiple of four long.
    public static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let first = UInt32(bytes[index]) << 16
            let second = left > 1 ? UInt32(bytes[index + 1]) << 8 : 0
            let third = left > 2 ? UInt32(bytes[index + 2]) : 0
            let group = first | second | third
            text.append(Self.digit(group >> 18))
            text.append(Self.digit(group >> 12 & 63))
            text.append(left > 1 ? Self.digit(group >> 6 & 63) : UInt8(ascii: "="))
            text.append(left > 2 ? Self.digit(group & 63) : UInt8(ascii: "="))
            index += 3
        }
        return text
    }

    /// Decodes text, or returns nil when it is not exactly the encoding of some bytes.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0
        var digits = 0
        var padding = 0
        for character in text {
            if character == UInt8(ascii: "=") {
                padding += 1
                guard padding <= 2 else { return nil }
                continue
            }
            guard padding == 0, let digit = Self.value(of: character) else { return nil }
            group = group << 6 | digit
            digits += 1
            if digits == 4 {
                bytes.append(UInt8(truncatingIfNeeded: group >> 16))
                bytes.append(UInt8(truncatingIfNeeded: group >> 8))
                bytes.append(UInt8(truncatingIfNeeded: group))
                group = 0
                digits = 0
            }
        }
        switch (digits, padding) {
        case (0, 0):
            return bytes
        case (2, 2) where group & 0xF == 0:
            bytes.append(UInt8(truncatingIfNeeded: group >> 4))
            return bytes
        case (3, 1) where group & 0x3 == 0:
            bytes.append(UInt8(truncatingIfNeeded: group >> 10))
            bytes.append(UInt8(truncatingIfNeeded: group >> 2))
            return bytes
        default:
            return nil
        }
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
