/// Walks over the bytes of a command. Multi-byte characters need no care, since every byte that
/// matters is ASCII.
struct CommandScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    /// The next byte; nil at the end.
    var peek: UInt8? { self.byte(at: self.position) }

    /// Passes over the next byte.
    mutating func advance() { self.position += 1 }

    /// Passes over blanks and comments; false where a comment does not end.
    mutating func skipBlanks() -> Bool {
        while let byte = self.peek {
            if Self.isBlank(byte) {
                self.advance()
            } else if self.startsLineComment {
                while let byte = self.peek, byte != UInt8(ascii: "\n") { self.advance() }
            } else if self.startsBlockComment {
                guard self.skipBlockComment() else { return false }
            } else {
                return true
            }
        }
        return true
    }

    /// The word that starts here.
    mutating func word() -> String {
        let start = self.position
        while let byte = self.peek, !Self.endsWord(byte) {
            if self.startsLineComment || self.startsBlockComment { break }
            self.advance()
        }
        return String(decoding: self.bytes[start..<self.position], as: UTF8.self)
    }

    /// What stands between the quote that starts here and its fellow, doubled ones made single; nil
    /// where there is none.
    mutating func quoted() -> String? {
        guard let quote = self.peek else { return nil }
        self.advance()
        var value: [UInt8] = []
        while let byte = self.peek {
            self.advance()
            if byte == quote {
                guard self.peek == quote else { return String(decoding: value, as: UTF8.self) }
                self.advance()
            }
            value.append(byte)
        }
        return nil
    }

    private mutating func skipBlockComment() -> Bool {
        var depth = 0
        while self.peek != nil {
            if self.startsBlockComment {
                depth += 1
                self.position += 2
            } else if self.peek == UInt8(ascii: "*"), self.next == UInt8(ascii: "/") {
                depth -= 1
                self.position += 2
                if depth == 0 { return true }
            } else {
                self.advance()
            }
        }
        return false
    }

    private var next: UInt8? { self.byte(at: self.position + 1) }

    private var startsLineComment: Bool {
        self.peek == UInt8(ascii: "-") && self.next == UInt8(ascii: "-")
    }

    private var startsBlockComment: Bool {
        self.peek == UInt8(ascii: "/") && self.next == UInt8(ascii: "*")
    }

    private func byte(at position: Int) -> UInt8? {
        position < self.bytes.count ? self.bytes[position] : nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (0x09...0x0d).contains(byte)
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: "\""), UInt8(ascii: "'"): true
        default: Self.isBlank(byte)
        }
    }
}
