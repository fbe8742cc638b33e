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
        self.addKey(key)
        self.bytes.append(UInt8(ascii: "\""))
        var position = 0
        while position < count {
            var end = position
            while end < count, Self.isPlain(text[end]) { end += 1 }
            if end > position {
                unsafe text.withUnsafeBufferPointer { buffer in
                    unsafe self.bytes.append(contentsOf: buffer[position..<end])
                }
                position = end
                continue
            }
            if text[position] < 0x80 {
                self.addSpecial(text[position])
                position += 1
                continue
            }
            let sequence = UTF8Text.sequence(in: text, at: position, end: count)
            if let scalar = sequence.scalar {
                self.addScalar(scalar, spelled: text, at: position, length: sequence.length)
            } else {
                self.bytes += "\u{FFFD}".utf8
            }
            position += sequence.length
        }
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// Whether a byte is an ASCII character that stands for itself.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// Adds an ASCII character that does not stand for itself.
    private mutating func addSpecial(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            self.bytes.append(UInt8(ascii: "\\"))
            self.bytes.append(byte)
        case UInt8(ascii: "\n"): self.bytes += "\\n".utf8
        case UInt8(ascii: "\r"): self.bytes += "\\r".utf8
        case UInt8(ascii: "\t"): self.bytes += "\\t".utf8
        default: self.addEscape(UInt32(byte))
        }
    }

    /// Adds a character beyond ASCII as it is, unless it controls something or ends a line.
    private mutating func addScalar(
        _ scalar: UInt32,
        spelled text: borrowing Span<UInt8>,
        at position: Int,
        length: Int
    ) {
        switch scalar {
        case 0x80...0x9F, 0x2028, 0x2029: self.addEscape(scalar)
        default: for offset in 0..<length { self.bytes.append(text[position + offset]) }
        }
    }

    /// Adds a character of the basic plane as `\uXXXX`.
    private mutating func addEscape(_ scalar: UInt32) {
        self.bytes += "\\u".utf8
        for shift in [12, 8, 4, 0] as [UInt32] {
            let digit = UInt8(truncatingIfNeeded: scalar >> shift & 0xF)
            self.bytes.append(
                digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            )
        }
    }

    private mutating func addKey(_ key: StaticString) {
        if self.bytes.count > 1 { self.bytes.append(UInt8(ascii: ",")) }
        self.bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { unsafe self.bytes.append(contentsOf: $0) }
        self.bytes += "\":".utf8
    }
}
