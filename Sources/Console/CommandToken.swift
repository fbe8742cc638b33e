/// One piece of a command.
enum CommandToken: Equatable, Sendable {
    /// A bare word.
    case word(String)
    /// `"…"`, without the quotes; never empty.
    case quoted(String)
    /// `'…'`, without the quotes.
    case string(String)
    /// `=`
    case equals
    /// `;`
    case semicolon

    /// Takes `text` apart, or answers nil where a quote or a comment does not end.
    ///
    /// Blanks and SQL comments separate. A bare word is wider than PgBouncer's (letters, digits,
    /// `_`): anything but blanks, quotes, `;` and `=`, so that `PAUSE my-db` and `SET query_timeout
    /// = 1.5` need no quotes.
    static func tokens(of text: String) -> [CommandToken]? {
        var scanner = CommandScanner(text)
        var tokens: [CommandToken] = []
        while scanner.skipBlanks() {
            guard let byte = scanner.peek else { return tokens }
            switch byte {
            case UInt8(ascii: ";"):
                scanner.advance()
                tokens.append(.semicolon)
            case UInt8(ascii: "="):
                scanner.advance()
                tokens.append(.equals)
            case UInt8(ascii: "\""):
                guard let value = scanner.quoted(), !value.isEmpty else { return nil }
                tokens.append(.quoted(value))
            case UInt8(ascii: "'"):
                guard let value = scanner.quoted() else { return nil }
                tokens.append(.string(value))
            default:
                tokens.append(.word(scanner.word()))
            }
        }
        return nil
    }
}
