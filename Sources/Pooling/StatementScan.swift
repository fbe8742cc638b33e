/// The closer look at a statement's text that `TextMarks` has not called harmless: what it may
/// leave behind in its session.
///
/// No parser: keywords at a statement's beginning, names of PostgreSQL's functions and schemas.
/// What it does not know or cannot see counts as suspect, since suspicion costs one question to the
/// server and a miss would hand one client's state to another. What no text shows (a function that
/// sets something) is beyond it, and said in docs/transaction-pooling.md.
public struct StatementScan {
    /// Texts are looked at up to here.
    public static let lengthMax = 8_192

    /// What a text may leave behind.
    ///
    /// - Parameters:
    ///   - text: as much of it as is looked at.
    ///   - isWhole: whether that is all of it.
    public static func suspicion(of text: [UInt8], isWhole: Bool) -> Suspicion {
        let (tokens, isAmbiguous) = TokenReader.tokens(of: text)
        var suspicion = Suspicion.none
        var count = 0
        for statement in tokens.split(separator: .symbol(UInt8(ascii: ";"))) {
            var one = StatementScan(statement)
            one.scan()
            if count == 0 {
                suspicion = one.suspicion
            } else {
                suspicion.formUnion(one.suspicion)
            }
            count += 1
        }
        // What has been seen so far counts all the same.
        if isAmbiguous || !isWhole { suspicion.formUnion(.everything) }
        return suspicion
    }

    /// Whether a text begins with a command that ends a transaction, or goes back in it.
    public static func endsTransaction(_ text: [UInt8]) -> Bool {
        var reader = TokenReader(text)
        guard case .word(let word)? = reader.next() else { return false }
        return ["abort", "commit", "end", "prepare", "rollback"].contains(word)
    }

    private let tokens: ArraySlice<SQLToken>
    private var suspicion = Suspicion.none

    private init(_ tokens: ArraySlice<SQLToken>) { self.tokens = tokens }

    private mutating func scan() {
        guard let first = self.tokens.first else { return }
        self.findMarks()
        guard case .word(let word) = first else {
            if !first.isSymbol("(") { self.suspicion.formUnion(.everything) }
            return
        }
        switch word {
        case "set", "reset":
            self.scanSetting(resets: word == "reset")
        case "discard":
            self.scanDiscard()
        case "listen":
            self.suspect(.listens)
        case "unlisten", "close", "deallocate", "drop":
            self.suspicion.releases = true
        case "prepare":
            self.scanPrepare()
        case "execute":
            self.suspicion.executes = true
        case "declare":
            if self.hasWords("with", "hold") { self.suspect(.cursors) }
        case "load":
            self.suspect(.libraries)
        case "do":
            self.scanBody()
        case "call":
            self.suspicion.formUnion(.everything)
        case "create", "explain":
            if self.tokens.contains(where: { $0.isWord("execute") }) {
                self.suspicion.executes = true
            }
        default:
            guard !Self.harmless.contains(word) else { break }
            // Most likely a mistake, after which nothing means anything else.
            var unknown = Suspicion.everything
            unknown.changesParsing = false
            self.suspicion.formUnion(unknown)
        }
    }

    private mutating func suspect(_ kind: SessionKinds) {
        self.suspicion.kinds.formUnion(kind)
        self.suspicion.certain.formUnion(kind)
    }

    /// Whether two words follow each other.
    private func hasWords(_ first: String, _ second: String) -> Bool {
        zip(self.tokens, self.tokens.dropFirst()).contains {
            $0.isWord(first) && $1.isWord(second)
        }
    }

    private func token(_ offset: Int) -> SQLToken? {
        let index = self.tokens.startIndex + offset
        return index < self.tokens.endIndex ? self.tokens[index] : nil
    }

    // MARK: SET, RESET, DISCARD

    private mutating func scanSetting(resets: Bool) {
        let setting = SettingStatement(self.tokens, resets: resets)
        self.suspicion.changesParsing = setting.changesParsing
        self.suspicion.sets = setting.sets
        self.suspicion.resets = setting.resets
        self.suspicion.resetsAll = setting.isAll
        // A path in a literal with escapes may be that of temporary tables.
        if self.tokens.contains(.escapedString) { self.suspicion.kinds.formUnion(.temporaries) }
        self.suspicion.onlySets = setting.isOfSession && self.suspicion.kinds.isEmpty
        if setting.isUnseen {
            self.suspicion.formUnion(.everything)
            self.suspicion.hidesNames = true
        }
    }

    private mutating func scanDiscard() {
        guard let what = self.token(1) else { return }
        if what.isWord("plans") || what.isWord("sequences") { return }
        self.suspicion.releases = true
        if what.isWord("all") {
            self.suspicion.resetsAll = true
            self.suspicion.resets = [SettingNames.sessionAuthorization, SettingNames.role]
            self.suspicion.changesParsing = true
            self.suspicion.onlySets = true
        }
    }

    // MARK: PREPARE, DO

    private mutating func scanPrepare() {
        // PREPARE TRANSACTION 'name' prepares a commit.
        if self.token(1)?.isWord("transaction") == true, case .string? = self.token(2) { return }
        let prepared = self.suspicion
        self.suspicion = .none
        self.suspicion.prepares = [prepared]
        self.suspect(.statements)
    }

    /// The body of a DO: seen as text, and asked about if it does anything but to query and call
    /// functions, whose insides a SELECT shows no better.
    private mutating func scanBody() {
        for case .string(let body) in self.tokens {
            let (tokens, isAmbiguous) = TokenReader.tokens(of: Array(body.utf8))
            var inner = StatementScan(tokens[...])
            inner.findMarks()
            let acts = tokens.contains { token in
                if case .word(let word) = token { Self.acts.contains(word) } else { false }
            }
            self.suspicion.formUnion(inner.suspicion)
            guard acts || isAmbiguous else { continue }
            self.suspicion.formUnion(.everything)
            // SQL that is put together while it runs can hide any name.
            if tokens.contains(where: { $0.isWord("execute") }) { self.suspicion.hidesNames = true }
            for statement in tokens.indices where tokens[statement].isWord("set") {
                let setting = SettingStatement(tokens[statement...], resets: false)
                for name in setting.sets { self.suspicion.add(name) }
            }
        }
        if self.tokens.contains(.escapedString) {
            self.suspicion.formUnion(.everything)
            self.suspicion.hidesNames = true
        }
    }

    /// Words that do in a body what a question must be asked about.
    private static let acts: Set<String> = [
        "call", "create", "deallocate", "declare", "discard", "do", "drop", "execute", "listen",
        "load", "prepare", "reset", "set", "unlisten",
    ]

    // MARK: Functions and schemas

    /// Looks for names that mean something wherever they stand.
    private mutating func findMarks() {
        let makesFunction =
            self.tokens.first?.isWord("create") == true
            && self.tokens.prefix(5).contains { $0.isWord("function") || $0.isWord("procedure") }
        for index in self.tokens.indices {
            switch self.tokens[index] {
            case .word(let name):
                self.nameFound(name, at: index)
                if name == "temp" || name == "temporary" { self.temporaryFound(at: index) }
            case .quoted(let name):
                self.nameFound(name, at: index)
            case .string(let content) where !makesFunction:
                self.textFound(content)
            case .obscureName:
                self.obscureNameFound(at: index)
            default:
                break
            }
        }
    }

    private mutating func nameFound(_ name: String, at index: Int) {
        if name == "set_config" {
            let call = SettingCall(self.tokens[(index + 1)...])
            self.suspicion.changesParsing = self.suspicion.changesParsing || call.changesParsing
            for name in call.sets { self.suspicion.add(name) }
            if call.hidesPath { self.suspicion.kinds.formUnion(.temporaries) }
            if call.isUnseen {
                self.suspicion.setsUnseen = true
                self.suspicion.hidesNames = true
            }
        } else if name.hasPrefix("pg_advisory_unlock") {
            self.suspicion.releases = true
        } else if name.hasPrefix("pg_advisory_") || name.hasPrefix("pg_try_advisory_") {
            // The others last as long as the transaction.
            if !name.contains("_xact_") { self.suspect(.locks) }
        } else if name == "pg_temp" || name.hasPrefix("pg_temp_") {
            self.suspicion.kinds.formUnion(.temporaries)
            let isMade = self.tokens.first?.isWord("create") == true
            if isMade || self.isBehind("into", index) {
                self.suspicion.certain.formUnion(.temporaries)
            }
        }
    }

    /// A name that could be any: a function's, or a schema's.
    private mutating func obscureNameFound(at index: Int) {
        let next = index + 1
        guard next < self.tokens.endIndex, self.tokens[next].isSymbol("(") else {
            self.suspicion.kinds.formUnion(.temporaries)
            return
        }
        self.suspicion.formUnion(.everything)
        self.suspicion.hidesNames = true
    }

    /// TEMP is no reserved word: it counts where it can be a keyword.
    private mutating func temporaryFound(at index: Int) {
        if self.isBehind("into", index) {
            // A table may be called so.
            if self.isBehind("insert", index - 1) || self.isBehind("merge", index - 1) { return }
        } else {
            let places = ["create", "replace", "local", "global"]
            guard places.contains(where: { self.isBehind($0, index) }) else { return }
        }
        self.suspicion.kinds.formUnion(.temporaries)
        let goesWithItsTransaction = zip(
            zip(self.tokens, self.tokens.dropFirst()),
            self.tokens.dropFirst(2)
        ).contains { $0.0.isWord("on") && $0.1.isWord("commit") && $1.isWord("drop") }
        if !goesWithItsTransaction { self.suspicion.certain.formUnion(.temporaries) }
    }

    private func isBehind(_ word: String, _ index: Int) -> Bool {
        index > self.tokens.startIndex && self.tokens[index - 1].isWord(word)
    }

    /// A literal may be a name for a function that takes names, or SQL for one that runs it.
    private mutating func textFound(_ content: String) {
        let text = content.lowercased()
        if text.contains("pg_temp") { self.suspicion.kinds.formUnion(.temporaries) }
        if text.contains("pg_advisory") || text.contains("pg_try_advisory") {
            self.suspicion.kinds.formUnion(.locks)
        }
        if text.contains("set_config") {
            self.suspicion.setsUnseen = true
            self.suspicion.changesParsing = true
        }
    }

    /// First words of commands that leave nothing behind but by what `findMarks` finds.
    private static let harmless: Set<String> = [
        "abort", "alter", "analyse", "analyze", "begin", "checkpoint", "cluster", "comment",
        "commit", "copy", "delete", "end", "fetch", "grant", "import", "insert", "lock", "merge",
        "move", "notify", "reassign", "refresh", "reindex", "release", "revoke", "rollback",
        "savepoint", "security", "select", "show", "start", "table", "truncate", "update",
        "vacuum", "values", "with",
    ]
}
