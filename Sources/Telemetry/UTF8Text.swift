/// Finds the characters in bytes that claim to be UTF-8.
enum UTF8Text {
    /// What stands at a position.
    struct Sequence: Equatable {
        /// How many bytes belong together, at least one.
        var length: Int
        /// The character, or nil if the bytes are not one.
        var scalar: UInt32?
        /// Whether the bytes end before the character does, and are right so far.
        var isIncomplete: Bool
    }

    /// Reads the sequence at a position.
    ///
    /// Follows table 3-7 of the Unicode standard: surrogates, overlong forms and values beyond
    /// U+10FFFF are no characters. What is none is as long as the part that could have begun one
    /// ("maximal subpart"), so that one broken character becomes one replacement.
    static func sequence(in bytes: borrowing Span<UInt8>, at start: Int, end: Int) -> Sequence {
        let lead = bytes[start]
        if lead < 0x80 { return Sequence(length: 1, scalar: UInt32(lead), isIncomplete: false) }
        let length: Int
        var scalar: UInt32
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: (length, scalar) = (2, UInt32(lead & 0x1F))
        case 0xE0...0xEF: (length, scalar) = (3, UInt32(lead & 0x0F))
        case 0xF0...0xF4: (length, scalar) = (4, UInt32(lead & 0x07))
        default: return Sequence(length: 1, scalar: nil, isIncomplete: false)
        }
        switch lead {
        case 0xE0: second = 0xA0...0xBF
        case 0xED: second = 0x80...0x9F
        case 0xF0: second = 0x90...0xBF
        case 0xF4: second = 0x80...0x8F
        default: break
        }
        for offset in 1..<length {
            guard start + offset < end else {
                return Sequence(length: offset, scalar: nil, isIncomplete: true)
            }
            let byte = bytes[start + offset]
            guard (offset == 1 ? second : 0x80...0xBF).contains(byte) else {
                return Sequence(length: offset, scalar: nil, isIncomplete: false)
            }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        return Sequence(length: length, scalar: scalar, isIncomplete: false)
    }

    /// How many bytes to keep of a text so that it does not end within a character.
    ///
    /// - Parameters:
    ///   - bytes: the text.
    ///   - limit: the most to keep.
    ///   - isTruncated: whether the text is itself only the beginning of a longer one.
    /// - Returns: the number of bytes, and whether any text is missing after them.
    static func prefix(
        of bytes: borrowing Span<UInt8>,
        limit: Int,
        isTruncated: Bool
    ) -> (count: Int, isTruncated: Bool) {
        let count = min(bytes.count, limit)
        guard isTruncated || count < bytes.count else { return (count, false) }
        // A character is at most four bytes long, so an incomplete one starts in the last three.
        for start in stride(from: count - 1, through: max(count - 3, 0), by: -1) {
            if bytes[start] & 0xC0 == 0x80 { continue }
            let isIncomplete = Self.sequence(in: bytes, at: start, end: count).isIncomplete
            return (isIncomplete ? start : count, true)
        }
        return (count, true)
    }
}
