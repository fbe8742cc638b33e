/// Builds one JSON object on one line, valid whatever bytes its texts consist of.
struct JSONLine {
    private var bytes: [UInt8] = []

    init(capacity: Int = 128) {
        self.bytes.reserveCapacity(capacity)
        self.bytes.append(UInt8(ascii: "{"))
    }

    /// The object; nothing may be added afterwards.
    consuming func finished() -> [UInt8] {
        self.bytes.append(UInt8(ascii: "}"))
        return self.bytes
    }

    /// Adds a number, or null.
    mutating func add(_ key: StaticString, number: (some BinaryInteger)?) {
        self.addKey(key)
        if let number { self.bytes.appendDecimal(number) } else { self.bytes += "null".utf8 }
    }

    /// Adds a time given in microseconds as milliseconds with three decimals.
    mutating func add(_ key: StaticString, microseconds: UInt64) {
        self.addKey(key)
        self.bytes.appendDecimal(microseconds / 1000)
        self.bytes.append(UInt8(ascii: "."))
        self.bytes.appendDecimal(microseconds % 1000, width: 3)
    }

    /// Adds true or false.
    mutating func add(_ key: StaticString, flag: Bool) {
        self.addKey(key)
        self.bytes += (flag ? "true" : "false").utf8
    }

    /// Adds a moment in ISO 8601, with milliseconds and the offset from UTC.
    mutating func add(_ key: StaticString, _ clock: CivilTimeCache, _ time: Timestamp) {
        self.addKey(key)
        let civil = clock.civilTime(at: time.seconds)
        self.bytes.append(UInt8(ascii: "\""))
        civil.append(to: &self.bytes, separator: UInt8(ascii: "T"))
        self.bytes.append(UInt8(ascii: "."))
        self.bytes.appendDecimal(time.milliseconds, width: 3)
        civil.appendOffset(to: &self.bytes)
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// Adds a text, cut to a limit, or null.
    mutating func add(_ key: StaticString, text: String?, limit: Int) {
        guard let text else {
            self.addKey(key)
            self.bytes += "null".utf8
            return
        }
        let span = text.utf8.span
        let (count, _) = UTF8Text.prefix(of: span, limit: limit, isTruncated: false)
        self.add(key, bytes: span, count: count)
    }

    /// Adds the first bytes of a text that should be UTF-8 but may be anything.
    ///
    /// What is not UTF-8 becomes U+FFFD. Control characters are escaped, U+0080 to U+009F
    /// too, and so are U+2028 and U+2029, at which some readers of "lines" would end the line.
    mutating func add(_ key: StaticString, bytes text: borrowing Span<UInt8>, count: Int) {
        precondition(count <= text.count, "\(count) of \(text.count) bytes")
        self.addKey(key)
        self.bytes.append(UInt8(ascii: "\""))
        // What stands for itself is copied in runs, from `copied` to `position`.
        var copied = 0
        var position = 0
        while position < count {
            position = Self.endOfPlainRun(in: text, from: position, to: count)
            if position == count { break }
            let sequence = UTF8Text.sequence(in: text, at: position, end: count)
            if let scalar = sequence.scalar, !Self.mustBeEscaped(scalar) {
                position += sequence.length
                continue
            }
            self.copy(text, copied..<position)
            if let scalar = sequence.scalar {
                self.addEscape(scalar)
            } else {
                self.bytes += "\u{FFFD}".utf8
            }
            position += sequence.length
            copied = position
        }
        self.copy(text, copied..<position)
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// Skips ASCII characters that stand for themselves, eight at a time while it can: statements
    /// consist of little else.
    private static func endOfPlainRun(
        in text: borrowing Span<UInt8>,
        from start: Int,
        to end: Int
    ) -> Int {
        var position = start
        // The loads stay within `text`: `end` is at most its count.
        unsafe text.withUnsafeBytes { bytes in
            while end - position >= 8 {
                let block = unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                if Self.hasSpecial(block) { break }
                position += 8
            }
        }
        while position < end, Self.isPlain(text[position]) { position += 1 }
        return position
    }

    /// Whether one of eight bytes does not stand for itself.
    ///
    /// Each term sets the top bit of a byte that is (in this order) below 0x20, a quotation mark, a
    /// backslash, beyond ASCII, or 0x7F. Carries and borrows reach a byte only from one that is
    /// special itself, so they cannot change the answer.
    private static func hasSpecial(_ block: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = block ^ (ones &* 0x22)
        let backslashes = block ^ (ones &* 0x5C)
        let special =
            ((block &- ones &* 0x20) & ~block)
            | ((quotes &- ones) & ~quotes)
            | ((backslashes &- ones) & ~backslashes)
            | block
            | (block &+ ones)
        return special & (ones &* 0x80) != 0
    }

    /// Whether a byte is an ASCII character that stands for itself.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func mustBeEscaped(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0..<0x20, 0x22, 0x5C, 0x7F...0x9F, 0x2028, 0x2029: true
        default: false
        }
    }

    private mutating func copy(_ text: borrowing Span<UInt8>, _ range: Range<Int>) {
        unsafe text.withUnsafeBufferPointer { buffer in
            unsafe self.bytes.append(contentsOf: buffer[range])
        }
    }

    private mutating func addEscape(_ scalar: UInt32) {
        self.bytes.append(UInt8(ascii: "\\"))
        switch scalar {
        case 0x22: self.bytes.append(UInt8(ascii: "\""))
        case 0x5C: self.bytes.append(UInt8(ascii: "\\"))
        case 0x0A: self.bytes.append(UInt8(ascii: "n"))
        case 0x0D: self.bytes.append(UInt8(ascii: "r"))
        case 0x09: self.bytes.append(UInt8(ascii: "t"))
        default: self.addHexadecimal(scalar)
        }
    }

    /// Adds what follows the backslash of an escape like `\u001f`, for a character of the basic
    /// plane.
    private mutating func addHexadecimal(_ scalar: UInt32) {
        self.bytes.append(UInt8(ascii: "u"))
        for shift: UInt32 in [12, 8, 4, 0] {
            let digit = UInt8(truncatingIfNeeded: scalar >> shift & 0xF)
            let letter = UInt8(ascii: "a") - 10
            self.bytes.append(digit + (digit < 10 ? UInt8(ascii: "0") : letter))
        }
    }

    private mutating func addKey(_ key: StaticString) {
        if self.bytes.count > 1 { self.bytes.append(UInt8(ascii: ",")) }
        self.bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { unsafe self.bytes.append(contentsOf: $0) }
        self.bytes += "\":".utf8
    }
}
