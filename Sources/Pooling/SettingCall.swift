/// The arguments of a call of `set_config(name, value, is_local)`, as far as the text shows them.
struct SettingCall {
    /// The setting, if it is set for the session.
    private(set) var sets: [String] = []
    /// The name is not seen, and it may be set for the session.
    private(set) var isUnseen = false
    /// What later statements mean may depend on it.
    private(set) var changesParsing = false
    /// It may put the session's own schema in front, and its text does not show it: tables made
    /// behind it may be temporary ones.
    private(set) var hidesPath = false

    /// Reads a call from the token behind its name on.
    init(_ tokens: ArraySlice<SQLToken>) {
        // Without arguments the name is one of something else.
        guard tokens.first?.isSymbol("(") == true else { return }
        let arguments = Self.arguments(tokens.dropFirst())
        let isLocal = arguments.count == 3 && Self.isTrue(arguments[2])
        let hasPlainValue = arguments.count > 1 && Self.literal(arguments[1]) != nil
        guard let first = arguments.first, let name = Self.literal(first) else {
            self.isUnseen = !isLocal
            self.changesParsing = true
            self.hidesPath = !hasPlainValue
            return
        }
        self.hidesPath = !hasPlainValue && name == SettingNames.searchPath
        if SettingNames.isOfTransaction(name) { return }
        self.changesParsing = SettingNames.affectsParsing(name)
        if isLocal { return }
        let takesRoleAlong = name == SettingNames.sessionAuthorization
        self.sets = takesRoleAlong ? [name, SettingNames.role] : [name]
    }

    /// The arguments' tokens, up to the parenthesis that ends them.
    private static func arguments(_ tokens: ArraySlice<SQLToken>) -> [ArraySlice<SQLToken>] {
        var arguments: [ArraySlice<SQLToken>] = []
        var start = tokens.startIndex
        var depth = 0
        for index in tokens.indices {
            let token = tokens[index]
            if token.isSymbol("(") || token.isSymbol("[") {
                depth += 1
            } else if depth > 0, token.isSymbol(")") || token.isSymbol("]") {
                depth -= 1
            } else if depth == 0, token.isSymbol(",") || token.isSymbol(")") {
                arguments.append(tokens[start..<index])
                start = index + 1
                if token.isSymbol(")") { break }
            }
        }
        return arguments
    }

    /// A literal, maybe with a cast to a type of one word; in lower case.
    private static func literal(_ tokens: ArraySlice<SQLToken>) -> String? {
        guard case .string(let text)? = tokens.first, text.utf8.allSatisfy({ $0 < 0x80 }) else {
            return nil
        }
        let rest = tokens.dropFirst()
        let isCast =
            rest.count == 3 && rest.prefix(2).allSatisfy { $0.isSymbol(":") }
            && rest.last?.name != nil
        return rest.isEmpty || isCast ? text.lowercased() : nil
    }

    private static func isTrue(_ tokens: ArraySlice<SQLToken>) -> Bool {
        if tokens.count == 1, tokens.first?.isWord("true") == true { return true }
        guard let text = Self.literal(tokens) else { return false }
        return ["t", "true", "on", "1", "yes"].contains(text)
    }
}
