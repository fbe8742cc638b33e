/// Marks in a statement's text that ask for a closer look, because the statement may leave
/// something behind in its session.
///
/// Asked of every statement of a client whose server is shared, so it allocates nothing and reads
/// sixteen bytes at a time. It may call a text suspicious that is not (a closer look is taken at
/// it then); it must never call one harmless that is not.
public enum TextMarks {
    /// Whether a statement's text can leave nothing behind: it begins with the first word of a
    /// harmless command, is one statement, and names none of PostgreSQL's functions and schemas
    /// that are for leaving something behind.
    ///
    /// - Parameter range: the text, without the zero behind it.
    public static func isHarmless(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        let start = Self.start(of: bytes, in: range)
        var end = range.upperBound
        while end > start, Self.isBlank(bytes[end - 1]) || bytes[end - 1] == UInt8(ascii: ";") {
            end -= 1
        }
        guard Self.beginsHarmless(bytes, start..<end) else { return false }
        if end - start >= Self.lanes + Self.reach, !Self.mayHaveMarks(bytes, in: start..<end) {
            return true
        }
        return !Self.hasMarks(bytes, in: start..<end)
    }

    // MARK: How it begins

    /// Where the text begins behind blanks and a comment, which frameworks put there.
    private static func start(of bytes: Span<UInt8>, in range: Range<Int>) -> Int {
        var start = range.lowerBound
        while start < range.upperBound, Self.isBlank(bytes[start]) { start += 1 }
        guard start + 3 < range.upperBound, bytes[start] == UInt8(ascii: "/"),
            bytes[start + 1] == UInt8(ascii: "*")
        else { return start }
        var position = start + 2
        while position + 1 < range.upperBound {
            if bytes[position] == UInt8(ascii: "*"), bytes[position + 1] == UInt8(ascii: "/") {
                position += 2
                while position < range.upperBound, Self.isBlank(bytes[position]) { position += 1 }
                return position
            }
            // One comment in another is for the closer look.
            if bytes[position] == UInt8(ascii: "/"), bytes[position + 1] == UInt8(ascii: "*") {
                return start
            }
            position += 1
        }
        return start
    }

    private static func beginsHarmless(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        if range.count > 8, Self.beginsAsMost(bytes, range.lowerBound) { return true }
        var word: UInt64 = 0
        var position = range.lowerBound
        let limit = min(range.upperBound, position + HarmlessCommand.lengthMax)
        while position < limit {
            let letter = bytes[position] | 0x20
            guard letter >= UInt8(ascii: "a"), letter <= UInt8(ascii: "z") else { break }
            word = HarmlessCommand.appending(letter, to: word)
            position += 1
        }
        if word == 0 { return range.isEmpty || bytes[position] == UInt8(ascii: "(") }
        if position < range.upperBound, Self.isIdentifier(bytes[position]) { return false }
        return HarmlessCommand(rawValue: word) != nil
    }

    /// Whether eight bytes are `SELECT`, `INSERT`, `UPDATE` or `DELETE`, a space, and anything.
    private static func beginsAsMost(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
        let eight = unsafe bytes.withUnsafeBytes {
            unsafe UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        guard eight >> 8 & 0xff == UInt64(UInt8(ascii: " ")) else { return false }
        let word = eight >> 16 | 0x2020_2020_2020
        return word == Self.select || word == Self.insert || word == Self.update
            || word == Self.delete
    }

    // In ASCII, the first letter in front.
    private static let select: UInt64 = 0x7365_6c65_6374
    private static let insert: UInt64 = 0x696e_7365_7274
    private static let update: UInt64 = 0x7570_6461_7465
    private static let delete: UInt64 = 0x6465_6c65_7465

    // MARK: Marks

    /// Bytes compared at once.
    private static let lanes = 16
    /// How far beyond its first byte a pattern reaches.
    private static let reach = 2

    /// Whether a part of a mark may be there: `dv` of advisory, `nf` of set_config, `emp` of temp
    /// and pg_temp, a semicolon, or what begins a quoted name with escapes.
    ///
    /// In `rest` a byte becomes zero where a pattern stands. Adding 0x7f sets the highest bit of
    /// all others but those that no ASCII text has, which only means a second look.
    private static func mayHaveMarks(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        let last = range.upperBound - Self.lanes - Self.reach
        let distance: SIMD16<UInt8> = SIMD16(repeating: 0x7f)
        let isClean = unsafe bytes.withUnsafeBytes { memory in
            var position = range.lowerBound
            var clean: SIMD16<UInt8> = SIMD16(repeating: 0x80)
            while true {
                let first = unsafe Self.block(memory, position)
                let second = unsafe Self.block(memory, position + 1)
                let third = unsafe Self.block(memory, position + 2)
                var rest = (first ^ Self.all("d")) | (second ^ Self.all("v"))
                clean &= rest &+ distance
                rest = (first ^ Self.all("n")) | (second ^ Self.all("f"))
                clean &= rest &+ distance
                rest = (first ^ Self.all("e")) | (second ^ Self.all("m")) | (third ^ Self.all("p"))
                clean &= rest &+ distance
                clean &= (first ^ Self.all(";")) &+ distance
                clean &= (first ^ Self.all("&")) &+ distance
                if position == last { break }
                position = min(position + Self.lanes, last)
            }
            let halves = unsafe unsafeBitCast(clean, to: SIMD2<UInt64>.self)
            return halves[0] & halves[1] == 0x8080_8080_8080_8080
        }
        // The last bytes begin no block; only a semicolon could still be among them.
        return !isClean || bytes[last + Self.lanes] == UInt8(ascii: ";")
    }

    @inline(__always)
    private static func all(_ letter: Unicode.Scalar) -> SIMD16<UInt8> {
        SIMD16(repeating: UInt8(ascii: letter))
    }

    /// Sixteen bytes, letters among them in lower case.
    @unsafe
    @inline(__always)
    private static func block(_ memory: UnsafeRawBufferPointer, _ offset: Int) -> SIMD16<UInt8> {
        unsafe memory.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
            | SIMD16(repeating: 0x20)
    }

    /// Whether a whole mark is there. A semicolon in a literal is none, as long as it is plain
    /// where the literal ends: escapes, dollar quotes and comments are for the closer look.
    private static func hasMarks(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        var position = range.lowerBound
        var quote: UInt8 = 0
        while position < range.upperBound {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: ";"), UInt8(ascii: "$"):
                if quote == 0,
                    byte == UInt8(ascii: ";") || !Self.isParameter(bytes, position, range)
                {
                    return true
                }
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                // A doubled quote ends a literal and begins the next.
                if quote == 0 { quote = byte } else if quote == byte { quote = 0 }
            case UInt8(ascii: "\\"):
                return true
            case UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "&"):
                if quote == 0, Self.isMark(byte, bytes, position, range) { return true }
            case UInt8(ascii: "a"), UInt8(ascii: "A"):
                if Self.eight(bytes, position, range) == Self.advisory { return true }
            case UInt8(ascii: "s"), UInt8(ascii: "S"):
                if Self.eight(bytes, position, range) == Self.setConfig { return true }
            case UInt8(ascii: "t"), UInt8(ascii: "T"):
                if Self.isTemporary(bytes, position, range) { return true }
            default:
                break
            }
            position += 1
        }
        return quote != 0
    }

    /// Whether a dollar sign begins a parameter rather than a literal.
    private static func isParameter(
        _ bytes: Span<UInt8>,
        _ position: Int,
        _ range: Range<Int>
    ) -> Bool {
        let next = position + 1
        return next < range.upperBound && bytes[next] >= UInt8(ascii: "0")
            && bytes[next] <= UInt8(ascii: "9")
    }

    /// Whether a comment begins, or a name with escapes.
    private static func isMark(
        _ byte: UInt8,
        _ bytes: Span<UInt8>,
        _ position: Int,
        _ range: Range<Int>
    ) -> Bool {
        guard position + 1 < range.upperBound else { return false }
        return switch byte {
        case UInt8(ascii: "-"): bytes[position + 1] == UInt8(ascii: "-")
        case UInt8(ascii: "/"): bytes[position + 1] == UInt8(ascii: "*")
        default: bytes[position + 1] == UInt8(ascii: "\"")
        }
    }

    /// `advisory`
    private static let advisory: UInt64 = 0x6164_7669_736f_7279
    /// The first letters of `set_config`, with 0x20 in each.
    private static let setConfig: UInt64 = 0x7365_747f_636f_6e66
    /// `temp`
    private static let temp: UInt64 = 0x7465_6d70
    /// `orar`, which goes on to `temporary`.
    private static let orar: UInt64 = 0x6f72_6172

    /// Eight bytes as one integer, letters among them in lower case, zero behind the end.
    private static func eight(_ bytes: Span<UInt8>, _ start: Int, _ range: Range<Int>) -> UInt64 {
        var word: UInt64 = 0
        for offset in 0..<8 {
            let position = start + offset
            word = word << 8
            if position < range.upperBound { word |= UInt64(bytes[position] | 0x20) }
        }
        return word
    }

    /// Whether `TEMP` or `TEMPORARY` stands there as a word of its own, or `pg_temp`.
    private static func isTemporary(
        _ bytes: Span<UInt8>,
        _ start: Int,
        _ range: Range<Int>
    ) -> Bool {
        // Most words with a t are told by their second letter.
        guard start + 3 < range.upperBound, bytes[start + 1] | 0x20 == UInt8(ascii: "e") else {
            return false
        }
        let word = Self.eight(bytes, start, range)
        guard word >> 32 == Self.temp else { return false }
        if start > range.lowerBound {
            let before = bytes[start - 1]
            if before == UInt8(ascii: "_") { return true }
            if Self.isIdentifier(before) { return false }
        }
        let next = start + 4
        return next >= range.upperBound || !Self.isIdentifier(bytes[next])
            || word & 0xffff_ffff == Self.orar
    }

    // MARK: Bytes

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (byte >= 0x09 && byte <= 0x0d && byte != 0x0b)
    }

    /// Whether a byte can go on with a word; all that is not ASCII can.
    private static func isIdentifier(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
            true
        default:
            false
        }
    }
}
