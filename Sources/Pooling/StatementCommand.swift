import Wire

/// An SQL command about one prepared statement, whose name may be one of the protocol's: to
/// PostgreSQL the two are one kind, and drivers end statements of the protocol by DEALLOCATE.
public enum StatementCommand: Equatable, Sendable {
    /// `DEALLOCATE [PREPARE] name`
    case deallocate([UInt8])
    /// `EXECUTE name …`
    case execute([UInt8])
    /// `DEALLOCATE [PREPARE] ALL`, `DISCARD ALL`
    case deallocateAll

    /// Reads a text up to its zero or the end of `range`; nil for all that is no such command.
    public init?(_ bytes: Span<UInt8>, in range: Range<Int>) {
        let end = bytes.terminator(in: range) ?? range.upperBound
        var reader = Reader(bytes: bytes.copy(range.lowerBound..<end))
        guard let word = reader.word() else { return nil }
        switch word {
        case "deallocate":
            guard var name = reader.name() else { return nil }
            if !name.isQuoted, name.text == Array("prepare".utf8), let real = reader.name() {
                name = real
            }
            guard reader.isAtEnd() else { return nil }
            let isAll = !name.isQuoted && name.text == Array("all".utf8)
            self = isAll ? .deallocateAll : .deallocate(name.text)
        case "discard":
            guard reader.word() == "all", reader.isAtEnd() else { return nil }
            self = .deallocateAll
        case "execute":
            guard let name = reader.name() else { return nil }
            self = .execute(name.text)
        default:
            return nil
        }
    }

    /// Whether a text may be such a command, by its first letters; for nearly all texts that is all
    /// that is looked at.
    public static func mayBe(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        var position = range.lowerBound
        while position < range.upperBound, Reader.isBlank(bytes[position]) { position += 1 }
        guard position + 1 < range.upperBound else { return false }
        let pair = (bytes[position] | 0x20, bytes[position + 1] | 0x20)
        // DEallocate, DIscard, EXecute, or a comment.
        switch pair.0 {
        case 0x64: return pair.1 == 0x65 || pair.1 == 0x69
        case 0x65: return pair.1 == 0x78
        default: return pair.0 == 0x2d || pair.0 == 0x2f
        }
    }

    private static let transactionControl: Set = [
        "begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release",
    ]

    /// Whether a text begins, ends or marks a transaction, and is made of plain words only. It
    /// means the same under all settings then, and is all that runs in a failed transaction.
    public static func isTransactionControl(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        let end = bytes.terminator(in: range) ?? range.upperBound
        // Nearly all texts are told by their first letters.
        guard range.lowerBound + 1 < end else { return false }
        switch (bytes[range.lowerBound] | 0x20, bytes[range.lowerBound + 1] | 0x20) {
        // BEgin, STart, SAvepoint, COmmit, ENd, ROllback, ABort, RElease.
        case (0x62, 0x65), (0x73, 0x74), (0x73, 0x61), (0x63, 0x6f), (0x65, 0x6e), (0x72, 0x6f),
            (0x61, 0x62), (0x72, 0x65):
            break
        default: return false
        }
        let text = bytes.copy(range.lowerBound..<end)
        var reader = Reader(bytes: text)
        guard let word = reader.word(), Self.transactionControl.contains(word) else { return false }
        return text.allSatisfy { byte in
            (0x61...0x7a).contains(byte | 0x20) || byte == 0x3b || Reader.isBlank(byte)
        }
    }

    private struct Name {
        var text: [UInt8]
        var isQuoted: Bool
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0
        var end: Int { self.bytes.count }

        static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

        private static func isWord(_ byte: UInt8, isFirst: Bool) -> Bool {
            let isDigit = (0x30...0x39).contains(byte) || byte == 0x24
            return (0x61...0x7a).contains(byte | 0x20) || byte == 0x5f || byte >= 0x80
                || (isDigit && !isFirst)
        }

        private mutating func skipBlanks() {
            while self.position < self.end {
                if Self.isBlank(self.bytes[self.position]) {
                    self.position += 1
                } else if self.isNext("--") {
                    while self.position < self.end, self.bytes[self.position] != 0x0a {
                        self.position += 1
                    }
                } else if self.isNext("/*") {
                    self.skipComment()
                } else {
                    return
                }
            }
        }

        private func isNext(_ text: String) -> Bool {
            self.bytes[self.position...].starts(with: text.utf8)
        }

        /// Comments of this kind nest.
        private mutating func skipComment() {
            var depth = 0
            repeat {
                if self.isNext("/*") {
                    depth += 1
                    self.position += 2
                } else if self.isNext("*/") {
                    depth -= 1
                    self.position += 2
                } else {
                    self.position += 1
                }
            } while depth > 0 && self.position < self.end
        }

        mutating func word() -> String? {
            guard let name = self.name(), !name.isQuoted else { return nil }
            return String(decoding: name.text, as: UTF8.self)
        }

        /// An identifier, folded as PostgreSQL does unless it is quoted.
        mutating func name() -> Name? {
            self.skipBlanks()
            guard self.position < self.end else { return nil }
            if self.bytes[self.position] == 0x22 { return self.quoted() }
            if self.isNext("U&\"") || self.isNext("u&\"") {
                self.position += 2
                return self.quoted().flatMap(Self.unescaped)
            }
            var text: [UInt8] = []
            while self.position < self.end,
                Self.isWord(self.bytes[self.position], isFirst: text.isEmpty)
            {
                let byte = self.bytes[self.position]
                text.append((0x41...0x5a).contains(byte) ? byte | 0x20 : byte)
                self.position += 1
            }
            return text.isEmpty ? nil : Name(text: text, isQuoted: false)
        }

        private mutating func quoted() -> Name? {
            var text: [UInt8] = []
            self.position += 1
            while self.position < self.end {
                let byte = self.bytes[self.position]
                self.position += 1
                if byte == 0x22 {
                    guard self.position < self.end, self.bytes[self.position] == 0x22 else {
                        return Name(text: text, isQuoted: true)
                    }
                    self.position += 1
                }
                text.append(byte)
            }
            return nil
        }

        /// The name that one with Unicode escapes stands for; nil where they make no sense.
        private static func unescaped(_ name: Name) -> Name? {
            var text: [UInt8] = []
            var rest = name.text[...]
            while let byte = rest.popFirst() {
                guard byte == 0x5c else {
                    text.append(byte)
                    continue
                }
                if rest.first == 0x5c {
                    text.append(rest.removeFirst())
                    continue
                }
                let count = rest.first == 0x2b ? 6 : 4
                if count == 6 { rest.removeFirst() }
                let digits = String(decoding: rest.prefix(count), as: UTF8.self)
                guard digits.utf8.count == count, let code = UInt32(digits, radix: 16),
                    let scalar = Unicode.Scalar(code)
                else { return nil }
                text += Array(String(scalar).utf8)
                rest = rest.dropFirst(count)
            }
            return Name(text: text, isQuoted: true)
        }

        /// Whether nothing comes any more but a semicolon.
        mutating func isAtEnd() -> Bool {
            self.skipBlanks()
            if self.position < self.end, self.bytes[self.position] == 0x3b { self.position += 1 }
            self.skipBlanks()
            return self.position == self.end
        }
    }
}
