/// A piece of SQL text, as far as it matters to who only wants to know what a statement is for.
enum SQLToken: Equatable, Sendable {
    /// A keyword or a name without quotes, its ASCII letters in lower case.
    case word(String)
    /// A name in quotes, without them.
    case quoted(String)
    /// A literal's content, as it stands between the quotes.
    case string(String)
    /// A literal with escapes, whose content is not looked into.
    case escapedString
    /// A name with escapes, which could be any.
    case obscureName
    /// A number or a parameter.
    case number
    /// Any other character.
    case symbol(UInt8)

    /// What a name means, with quotes or without.
    var name: String? {
        switch self {
        case .word(let text), .quoted(let text): text
        default: nil
        }
    }

    /// Whether it is that keyword.
    func isWord(_ keyword: String) -> Bool {
        if case .word(let text) = self { text == keyword } else { false }
    }

    /// Whether it is that character.
    func isSymbol(_ character: Unicode.Scalar) -> Bool {
        self == .symbol(UInt8(ascii: character))
    }
}
