/// Takes SQL text apart as PostgreSQL's lexer does, as far as where names, literals and comments
/// begin and end.
///
/// What a text means can depend on `standard_conforming_strings`, which is not known here: a text
/// whose literals would end elsewhere under the other value is `isAmbiguous`, and then nothing of
/// it can be relied on. The same goes for one that ends in the middle of something.
struct TokenReader {
    private let bytes: [UInt8]
    private var position = 0
    /// The text can be read in another way, too.
    private(set) var isAmbiguous = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// All tokens of a text, and whether it could be read in another way.
    static func tokens(of bytes: [UInt8]) -> (tokens: [SQLToken], isAmbiguous: Bool) {
        var reader = TokenReader(bytes)
        var tokens: [SQLToken] = []
        while let token = reader.next() { tokens.append(token) }
        return (tokens, reader.isAmbiguous)
    }

    /// The next token; nil at the end.
    mutating func next() -> SQLToken? {
        self.skipBlanksAndComments()
        guard let byte = self.peek() else { return nil }
        switch byte {
        case UInt8(ascii: "'"):
            return self.string(hasEscapes: false)
        case UInt8(ascii: "\""):
            return .quoted(self.quoted(until: byte))
        case UInt8(ascii: "$"):
            return self.dollar()
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            self.skip(while: Self.isNumber)
            return .number
        default:
            return Self.isWordStart(byte) ? self.word() : self.symbol(byte)
        }
    }

    // MARK: Words

    private mutating func word() -> SQLToken {
        let start = self.position
        let first = self.bytes[start] | 0x20
        if let next = self.peek(1) {
            // Letters that belong to the literal or the name behind them.
            if next == UInt8(ascii: "'"), "ebxn".utf8.contains(first) {
                self.position += 1
                return self.string(hasEscapes: first == UInt8(ascii: "e"))
            }
            if first == UInt8(ascii: "u"), next == UInt8(ascii: "&"), let quote = self.peek(2) {
                if quote == UInt8(ascii: "'") {
                    self.position += 2
                    _ = self.string(hasEscapes: false)
                    return .escapedString
                }
                if quote == UInt8(ascii: "\"") {
                    self.position += 2
                    _ = self.quoted(until: quote)
                    return .obscureName
                }
            }
        }
        self.skip(while: Self.isWord)
        let letters = self.bytes[start..<self.position].map {
            $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") ? $0 | 0x20 : $0
        }
        return .word(String(decoding: letters, as: UTF8.self))
    }

    private mutating func symbol(_ byte: UInt8) -> SQLToken {
        self.position += 1
        return .symbol(byte)
    }

    // MARK: Literals

    /// A literal in single quotes, at its first quote.
    private mutating func string(hasEscapes: Bool) -> SQLToken {
        self.position += 1
        let start = self.position
        var hasBackslash = false
        while let byte = self.peek() {
            self.position += 1
            if byte == UInt8(ascii: "\\") {
                hasBackslash = true
                if hasEscapes {
                    self.position += 1
                } else if self.peek() == UInt8(ascii: "'") {
                    // It ends here, or one quote later.
                    self.isAmbiguous = true
                }
            } else if byte == UInt8(ascii: "'") {
                guard self.peek() == byte else {
                    let content = self.bytes[start..<self.position - 1]
                    return hasBackslash
                        ? .escapedString : .string(String(decoding: content, as: UTF8.self))
                }
                self.position += 1
            }
        }
        self.cutOff()
        return .escapedString
    }

    /// What stands between two quotes, of which a doubled one is part; at the first quote.
    private mutating func quoted(until quote: UInt8) -> String {
        self.position += 1
        let start = self.position
        while let byte = self.peek() {
            self.position += 1
            guard byte == quote else { continue }
            if self.peek() != quote {
                return String(decoding: self.bytes[start..<self.position - 1], as: UTF8.self)
            }
            self.position += 1
        }
        self.cutOff()
        return ""
    }

    /// A literal in dollar quotes, or a parameter.
    private mutating func dollar() -> SQLToken {
        let start = self.position
        self.position += 1
        if let byte = self.peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            self.skip(while: Self.isNumber)
            return .number
        }
        self.skip { Self.isWord($0) && $0 != UInt8(ascii: "$") }
        guard self.peek() == UInt8(ascii: "$") else {
            self.position = start + 1
            return .symbol(UInt8(ascii: "$"))
        }
        self.position += 1
        let tag = self.bytes[start..<self.position]
        let content = self.position
        while self.position + tag.count <= self.bytes.count {
            if self.bytes[self.position] == UInt8(ascii: "$"),
                self.bytes[self.position..<self.position + tag.count].elementsEqual(tag)
            {
                let text = self.bytes[content..<self.position]
                self.position += tag.count
                return .string(String(decoding: text, as: UTF8.self))
            }
            self.position += 1
        }
        self.cutOff()
        return .escapedString
    }

    private mutating func cutOff() {
        self.position = self.bytes.count
        self.isAmbiguous = true
    }

    // MARK: Blanks

    private mutating func skipBlanksAndComments() {
        while let byte = self.peek() {
            switch byte {
            case UInt8(ascii: " "), 0x09...0x0d:
                self.position += 1
            case UInt8(ascii: "-") where self.peek(1) == byte:
                self.skip { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            case UInt8(ascii: "/") where self.peek(1) == UInt8(ascii: "*"):
                self.skipComment()
            default:
                return
            }
        }
    }

    /// A comment, and those in it.
    private mutating func skipComment() {
        var depth = 0
        while let byte = self.peek() {
            let next = self.peek(1)
            if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
                depth += 1
                self.position += 2
            } else if byte == UInt8(ascii: "*"), next == UInt8(ascii: "/") {
                depth -= 1
                self.position += 2
                if depth == 0 { return }
            } else {
                self.position += 1
            }
        }
        self.cutOff()
    }

    // MARK: Bytes

    private func peek(_ distance: Int = 0) -> UInt8? {
        let index = self.position + distance
        return index < self.bytes.count ? self.bytes[index] : nil
    }

    private mutating func skip(while isPart: (UInt8) -> Bool) {
        while let byte = self.peek(), isPart(byte) { self.position += 1 }
    }

    private static func isWordStart(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return (letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z"))
            || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        Self.isWordStart(byte) || byte == UInt8(ascii: "$")
            || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
    }

    private static func isNumber(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
}
