import Wire

/// Why a command of the console is refused before anything is done about it.
enum CommandError: Error, Equatable, Sendable {
    /// It is none; the text is what was sent.
    case invalid(String)
    /// A word is longer than any that could be right.
    case badArguments
    /// It takes an admin.
    case noAccess
    /// DISABLE or ENABLE of nothing.
    case databaseRequired
    /// The console's own database cannot be paused and the like; the verb is part of the message.
    case consoleDatabase(verb: String, name: String)
    /// RESUME of the console's own database.
    case consoleNotPaused(name: String)
    /// KILL_CLIENT with anything but a number.
    case invalidClient

    /// How much of an invalid command is repeated, in bytes: enough to recognise it.
    private static let echoLengthMax = 256

    /// What the asker is told, in PgBouncer's words.
    var fields: ErrorFields {
        let message =
            switch self {
            case .invalid(let text): "invalid command '\(Self.start(of: text))', use SHOW HELP;"
            case .badArguments: "bad arguments"
            case .noAccess: "admin access needed"
            case .databaseRequired: "a database is required"
            case .consoleDatabase(let verb, let name): "cannot \(verb) admin db: \(name)"
            case .consoleNotPaused(let name): "database \(name) is not paused"
            case .invalidClient: "invalid client pointer supplied"
            }
        return ErrorFields(.error, .protocolViolation, message)
    }

    /// The text, cut between characters. A character may itself be of any length, so bytes are
    /// counted.
    private static func start(of text: String) -> String {
        guard text.utf8.count > Self.echoLengthMax else { return text }
        var bytes = Array(text.utf8.prefix(Self.echoLengthMax))
        while let last = bytes.last, last & 0xc0 == 0x80 { bytes.removeLast() }
        if let last = bytes.last, last >= 0xc0 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self) + "…"
    }
}
