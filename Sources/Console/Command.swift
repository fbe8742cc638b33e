import Pooling

/// A Query message of the console, understood and permitted.
enum Command: Equatable, Sendable {
    /// Nothing but blanks, comments and semicolons.
    case empty
    /// A table, or the help.
    case show(ShowTopic)
    /// A parameter that exists for drivers only.
    case pretendShow(PretendParameter)
    /// SET of such a parameter.
    case pretendSet
    /// Something for the shell to do.
    case control(ControlCommand)

    /// Limits in bytes; what is longer is no command. The last three are PgBouncer's.
    private enum LengthMax {
        /// A whole command with its blanks and comments, so that a message of gigabytes is not
        /// taken apart.
        static let text = 16_384
        static let command = 15
        static let argument = 63
        static let value = 255
    }

    /// Understands `text`: `WORD [WORD|"quoted"] [;]`, or `SET key = value`, or `SET key TO value`.
    ///
    /// - Throws: `CommandError` with what the asker is told. Access comes before arguments, so that
    ///   nobody learns names by asking.
    init(_ text: String, access: ConsoleAccess) throws(CommandError) {
        guard text.utf8.count <= LengthMax.text else { throw .badArguments }
        guard var tokens = CommandToken.tokens(of: text) else { throw .invalid(text) }
        while tokens.last == .semicolon { tokens.removeLast() }
        guard let first = tokens.first else {
            self = .empty
            return
        }
        guard case .word(let verb) = first else { throw .invalid(text) }
        guard verb.utf8.count <= LengthMax.command else { throw .badArguments }
        let rest = tokens.dropFirst()
        switch verb.lowercased() {
        case "set":
            self = try Self.set(Array(rest), access, text)
        case "show", "select":
            self = try Self.show(try Self.argument(rest, text), access, text)
        case let name:
            let argument = try Self.argument(rest, text)
            self = .control(try Self.control(name, argument, access, text))
        }
    }

    /// The only argument, if there is one.
    private static func argument(
        _ tokens: ArraySlice<CommandToken>,
        _ text: String
    ) throws(CommandError) -> String? {
        guard let token = tokens.first else { return nil }
        guard tokens.count == 1 else { throw .invalid(text) }
        switch token {
        case .word(let value), .quoted(let value):
            guard value.utf8.count <= LengthMax.argument else { throw .badArguments }
            return value
        case .string, .equals, .semicolon:
            throw .invalid(text)
        }
    }

    private static func show(
        _ argument: String?,
        _ access: ConsoleAccess,
        _ text: String
    ) throws(CommandError) -> Command {
        guard let name = argument?.lowercased() else { throw .invalid(text) }
        if let parameter = PretendParameter(rawValue: name) { return .pretendShow(parameter) }
        guard let topic = ShowTopic(rawValue: name) else { throw .invalid(text) }
        guard access == .admin || !topic.needsAdmin else { throw .noAccess }
        return .show(topic)
    }

    private static func set(
        _ tokens: [CommandToken],
        _ access: ConsoleAccess,
        _ text: String
    ) throws(CommandError) -> Command {
        guard tokens.count == 3, Self.isAssignment(tokens[1]) else { throw .invalid(text) }
        let key: String
        switch tokens[0] {
        case .word(let name), .quoted(let name): key = name.lowercased()
        case .string, .equals, .semicolon: throw .invalid(text)
        }
        let value: String
        switch tokens[2] {
        case .word(let given), .quoted(let given), .string(let given): value = given
        case .equals, .semicolon: throw .invalid(text)
        }
        guard key.utf8.count <= LengthMax.argument, value.utf8.count <= LengthMax.value else {
            throw .badArguments
        }
        if PretendParameter(rawValue: key) != nil { return .pretendSet }
        guard access == .admin else { throw .noAccess }
        return .control(.set(key: key, value: value))
    }

    private static func isAssignment(_ token: CommandToken) -> Bool {
        switch token {
        case .equals: true
        case .word(let word): word.lowercased() == "to"
        case .quoted, .string, .semicolon: false
        }
    }
}
