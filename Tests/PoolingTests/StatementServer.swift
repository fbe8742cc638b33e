import TestSupport

/// PostgreSQL as prepared statements see it: reads messages, keeps statements, answers.
///
/// What a text is does not matter but for a few words: `fail` fails when it is run, `nothing` has
/// no result, `notice` gives a notice when it is parsed, `gone` cannot be parsed while
/// `hasLostTables`; `DEALLOCATE`, `DISCARD ALL`, `EXECUTE`, `BEGIN` and `ROLLBACK` are what they
/// are.
struct StatementServer {
    struct Statement {
        var text: String
        /// The shape of the result when it was parsed.
        var shape: Int
        /// The types of the parameters: those declared, or those found then.
        var types: [UInt8]
    }

    private(set) var statements: [String: Statement] = [:]
    /// The types that are found now where none are declared.
    var types: [UInt8] = [0, 0]
    /// What results look like now; a change is what ALTER TABLE does.
    var shape = 1
    /// Texts with `gone` in them cannot be parsed.
    var hasLostTables = false
    /// The next message of this kind meets a cancel.
    var canceled: Character?
    private var status = "I"
    private var bound: String?
    private var isSkipping = false

    /// Reads one message and answers it.
    mutating func read(_ message: RawMessage) -> [RawMessage] {
        let parts = message.body.split(separator: 0, omittingEmptySubsequences: false)
        let words = parts.map { String(decoding: $0, as: UTF8.self) }
        if message.kind == UInt8(ascii: "S") {
            self.isSkipping = false
            return [RawMessage("Z", self.status)]
        }
        if self.isSkipping { return [] }
        if self.canceled == Character(Unicode.Scalar(message.kind)) {
            self.canceled = nil
            return self.fail("57014")
        }
        switch Character(Unicode.Scalar(message.kind)) {
        case "P":
            let declared = Array(message.body.dropFirst(parts[0].count + parts[1].count + 2))
            return self.parse(words[0], words[1], declared)
        case "B": return self.bind(words[1])
        case "D": return self.describe(String(words[0].dropFirst()))
        case "C":
            self.statements[String(words[0].dropFirst())] = nil
            return [RawMessage("3")]
        case "E":
            guard let bound = self.bound else { return self.fail("34000") }
            return self.run(bound)
        case "Q":
            let answers = self.query(words[0])
            self.isSkipping = false
            return answers + [RawMessage("Z", self.status)]
        default: return []
        }
    }

    private mutating func query(_ text: String) -> [RawMessage] {
        self.statements[""] = nil
        if self.status == "E", text != "ROLLBACK" { return self.fail("25P02") }
        return text == "refused" ? self.fail("42601") : self.run(text)
    }

    private mutating func run(_ text: String) -> [RawMessage] {
        let words = text.split(separator: " ").map(String.init)
        switch words.first {
        case "BEGIN": self.status = "T"
        case "ROLLBACK": self.status = "I"
        case "DEALLOCATE" where words[1] != "ALL":
            guard self.statements.removeValue(forKey: words[1]) != nil else {
                return self.fail("26000")
            }
            return [RawMessage("C", "DEALLOCATE\0")]
        case "DEALLOCATE", "DISCARD":
            self.statements = self.statements.filter { $0.key.isEmpty }
            return [RawMessage("C", "\(words[0]) ALL\0")]
        case "EXECUTE":
            guard let statement = self.statements[words[1]] else { return self.fail("26000") }
            return self.run(statement.text)
        default: break
        }
        return text.contains("fail") ? self.fail("22012") : [RawMessage("C", "\(text)\0")]
    }

    private mutating func parse(
        _ name: String,
        _ text: String,
        _ declared: [UInt8]
    ) -> [RawMessage] {
        if self.status == "E", text != "ROLLBACK" { return self.fail("25P02") }
        if self.hasLostTables, text.contains("gone") { return self.fail("42P01") }
        if name.isEmpty { self.statements[name] = nil }
        let notices = text.contains("notice") ? [RawMessage("N")] : []
        guard self.statements[name] == nil else { return notices + self.fail("42P05") }
        let types = declared == [0, 0] ? self.types : declared
        self.statements[name] = Statement(text: text, shape: self.shape, types: types)
        return notices + [RawMessage("1")]
    }

    private mutating func bind(_ name: String) -> [RawMessage] {
        self.bound = nil
        guard let statement = self.statements[name] else { return self.fail("26000") }
        guard statement.shape == self.shape else { return self.fail("0A000") }
        self.bound = statement.text
        return [RawMessage("2")]
    }

    private mutating func describe(_ name: String) -> [RawMessage] {
        guard let statement = self.statements[name] else { return self.fail("26000") }
        let parameters = RawMessage(UInt8(ascii: "t"), statement.types)
        if statement.text.contains("nothing") { return [parameters, RawMessage("n")] }
        guard statement.shape == self.shape else { return [parameters] + self.fail("0A000") }
        let column = Array("column \(self.shape)\0".utf8) + [UInt8](repeating: 0, count: 18)
        return [parameters, RawMessage(UInt8(ascii: "T"), [0, 1] + column)]
    }

    private mutating func fail(_ code: String) -> [RawMessage] {
        self.isSkipping = true
        self.bound = nil
        if self.status == "T" { self.status = "E" }
        return [RawMessage("E", "C\(code)\0\0")]
    }
}
