/// A SET or RESET, read from its tokens: which settings it concerns, and for how long.
struct SettingStatement {
    /// Settings that it sets for the session.
    private(set) var sets: [String] = []
    /// Settings that it sets back.
    private(set) var resets: [String] = []
    /// RESET ALL.
    private(set) var isAll = false
    /// Its setting's name is not seen.
    private(set) var isUnseen = false
    /// What later statements mean may depend on it.
    private(set) var changesParsing = false

    /// Whether it does something to the session.
    var isOfSession: Bool { !self.sets.isEmpty || !self.resets.isEmpty || self.isAll }

    private let tokens: ArraySlice<SQLToken>
    private var position: Int

    /// Reads a statement whose first token is SET or RESET.
    init(_ tokens: ArraySlice<SQLToken>, resets: Bool) {
        self.tokens = tokens
        self.position = tokens.startIndex + 1
        if resets { self.readReset() } else { self.readSet() }
    }

    private mutating func readReset() {
        if self.take("all") {
            self.isAll = true
            self.changesParsing = true
            return
        }
        if self.take("transaction") { return }
        if self.take("session"), self.take("authorization") {
            return self.note([SettingNames.sessionAuthorization, SettingNames.role], isReset: true)
        }
        if self.take("time"), self.take("zone") { return self.note(["timezone"], isReset: true) }
        guard let name = self.name() else { return self.unseen() }
        self.note([name], isReset: true)
    }

    private mutating func readSet() {
        let isLocal = self.take("local")
        if !isLocal, self.take("session") {
            if self.take("authorization") { return self.noteAuthorization(isLocal: false) }
            if self.take("characteristics") {
                return self.note(
                    [
                        "default_transaction_isolation", "default_transaction_read_only",
                        "default_transaction_deferrable",
                    ]
                )
            }
            // SET session = … is no setting of PostgreSQL's.
        } else if isLocal, self.take("session") {
            if self.take("authorization") { return self.noteAuthorization(isLocal: true) }
        }
        if self.take("transaction") || self.take("constraints") || self.take("seed") { return }
        guard let name = self.special() ?? self.name() else { return self.unseen() }
        if SettingNames.isOfTransaction(name) { return }
        if isLocal {
            self.changesParsing = SettingNames.affectsParsing(name)
        } else {
            self.note([name], isReset: self.isDefault)
        }
    }

    /// Settings that have a syntax of their own.
    private mutating func special() -> String? {
        let start = self.position
        if self.take("time"), self.take("zone") { return "timezone" }
        self.position = start
        if self.take("xml"), self.take("option") { return "xmloption" }
        self.position = start
        // As in `SET names = …`, which would be a setting of that name.
        guard let next = self.peek(1), !next.isSymbol("="), !next.isWord("to") else { return nil }
        if self.take("names") { return "client_encoding" }
        if self.take("schema") { return SettingNames.searchPath }
        if self.take("role") { return SettingNames.role }
        self.position = start
        return nil
    }

    private mutating func noteAuthorization(isLocal: Bool) {
        self.changesParsing = true
        if isLocal { return }
        self.note(
            [SettingNames.sessionAuthorization, SettingNames.role],
            isReset: self.isDefault
        )
    }

    private mutating func note(_ names: [String], isReset: Bool = false) {
        if isReset { self.resets = names } else { self.sets = names }
        self.changesParsing = names.contains(where: SettingNames.affectsParsing)
    }

    private mutating func unseen() {
        self.isUnseen = true
        self.changesParsing = true
    }

    /// A name, maybe of several parts, in lower case.
    private mutating func name() -> String? {
        guard var name = self.peek()?.name else { return nil }
        self.position += 1
        while self.peek()?.isSymbol(".") == true {
            guard let part = self.peek(1)?.name else { return nil }
            name += "." + part
            self.position += 2
        }
        // In what encoding it is, is not known here.
        return name.utf8.allSatisfy { $0 < 0x80 } ? name.lowercased() : nil
    }

    /// Whether the value is DEFAULT, which sets back.
    private var isDefault: Bool { self.tokens.last?.isWord("default") == true }

    private func peek(_ distance: Int = 0) -> SQLToken? {
        let index = self.position + distance
        return index < self.tokens.endIndex ? self.tokens[index] : nil
    }

    private mutating func take(_ word: String) -> Bool {
        guard self.peek()?.isWord(word) == true else { return false }
        self.position += 1
        return true
    }
}
