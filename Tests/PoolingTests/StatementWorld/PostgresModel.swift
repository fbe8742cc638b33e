import Wire

/// A session of PostgreSQL as far as prepared statements go: each message is read at once, stage by
/// stage, and answered.
///
/// Written after PostgreSQL 15's `postgres.c` and `plancache.c`, not after Weir: a simple query
/// drops the unnamed statement, a Parse drops it before it looks at the text, an error skips all up
/// to the next Sync and leaves a transaction failed, portals end with their transaction, and the
/// result of a statement is what it was when it was prepared, or else 0A000.
struct PostgresModel {
    struct Statement {
        var text: String
        var meaning: StatementMeaning
        /// The session's settings when it was parsed.
        var parsing: Int
        /// Its columns when it was parsed.
        var shape: Int
    }

    struct Portal {
        var statement: Statement
        var value: String
        var rowsLeft: Int
        var isDone = false
    }

    /// What a step is to do whatever the model thinks.
    enum Order: Equatable {
        case none
        /// It fails.
        case fail(String)
        /// It fails before PostgreSQL has heard of it.
        case refuse(String)
        /// It goes well, though a table is gone or has changed.
        case pass
    }

    let catalog: StatementCatalog
    private(set) var statements: [String: Statement] = [:]
    private(set) var portals: [String: Portal] = [:]
    private(set) var status = TransactionStatus.idle
    /// Everything up to the next Sync is thrown away.
    private(set) var isSkipping = false
    /// Something has been run since the last Sync.
    private(set) var hasRun = false
    /// A message of the extended protocol has been read since the last Sync.
    private(set) var isBatchOpen = false
    /// What statements are parsed by.
    var parsing = 0
    /// The tables that the transaction has looked at, a bit each, which nobody can change
    /// meanwhile.
    private(set) var locks: UInt64 = 0
    /// The replies of the last step.
    var output: [PostgresReply] = []

    init(catalog: StatementCatalog) { self.catalog = catalog }

    /// Whether nothing of the last user is open.
    var isAtRest: Bool { self.status == .idle && !self.isSkipping && !self.isBatchOpen }

    // MARK: Steps

    /// Takes the step `stage` of a message; true when it was the last one.
    mutating func step(
        _ request: PostgresRequest,
        stage: Int,
        at epoch: Int,
        order: Order = .none
    ) -> Bool {
        if case .sync = request {
            if case .fail(let code) = order {
                self.fail(PostgresFailure(code, "as told"))
                return false
            }
            self.sync()
            return true
        }
        if self.isSkipping { return true }
        if case .refuse(let code) = order {
            self.fail(PostgresFailure(code, "as told"))
            if case .query = request { self.queryEnded() } else { self.isSkipping = true }
            return true
        }
        if case .query(let text) = request { return self.query(text, stage, epoch, order) }
        if case .flush = request { return true }
        self.isBatchOpen = true
        do throws(PostgresFailure) {
            // Whatever happens to it, a Parse drops the unnamed statement first.
            if case .parse("", _) = request { self.statements[""] = nil }
            try Self.obey(order)
            return try self.extended(request, stage, epoch, order == .pass)
        } catch {
            self.fail(error)
            self.isSkipping = true
            return true
        }
    }

    private static func obey(_ order: Order) throws(PostgresFailure) {
        if case .fail(let code) = order { throw PostgresFailure(code, "as told") }
    }

    private mutating func extended(
        _ request: PostgresRequest,
        _ stage: Int,
        _ epoch: Int,
        _ passes: Bool
    ) throws(PostgresFailure) -> Bool {
        switch request {
        case .parse(let name, let text):
            try self.parse(name, text, epoch, passes)
        case .bind(let portal, let name, let values, _):
            try self.bind(portal, name, values, epoch, passes)
        case .describeStatement(let name):
            if stage == 0 {
                try self.describeParameters(name)
                return false
            }
            try self.describeColumns(name, epoch, passes)
        case .describePortal(let name):
            try self.describe(portal: name)
        case .execute(let portal, let limit):
            try self.execute(portal, limit, epoch)
        case .closeStatement(let name):
            self.statements[name] = nil
            self.say(.closeComplete)
        case .closePortal(let name):
            self.portals[name] = nil
            self.say(.closeComplete)
        case .query, .sync, .flush, .terminate:
            break
        }
        return true
    }

    private mutating func say(_ kind: BackendKind, text: String = "", shape: Int = 0) {
        self.output.append(PostgresReply(kind: kind, text: text, shape: shape))
    }

    private mutating func fail(_ failure: PostgresFailure) {
        var reply = PostgresReply(kind: .error, code: failure.code, text: failure.text)
        reply.isOfCopy = failure.isOfCopy
        self.output.append(reply)
        if self.status == .transaction { self.status = .failed }
        self.transactionEnded()
    }

    private mutating func transactionEnded() {
        if !self.portals.isEmpty { self.portals.removeAll(keepingCapacity: true) }
        self.locks = 0
    }

    private mutating func sync() {
        self.isSkipping = false
        self.isBatchOpen = false
        self.hasRun = false
        if self.status == .idle { self.transactionEnded() }
        self.ready()
    }

    private mutating func ready() {
        self.output.append(PostgresReply(kind: .readyForQuery, status: self.status))
    }

    /// Something outside of this session, or of the simulation, has taken its statements away.
    mutating func loseStatements() {
        // The unnamed one is none of those that SQL knows.
        self.statements = self.statements.filter(\.key.isEmpty)
    }

    /// What a statement looked like is forgotten: it is as if it had been parsed now.
    mutating func adopt(_ name: String, at epoch: Int) {
        guard let meaning = self.statements[name]?.meaning else { return }
        self.statements[name]?.shape = self.catalog.shape(of: meaning, at: epoch)
    }

    // MARK: Statements

    private mutating func parse(
        _ name: String,
        _ text: String,
        _ epoch: Int,
        _ passes: Bool
    ) throws(PostgresFailure) {
        let meaning = self.catalog.meaning(of: text)
        try self.check(meaning)
        if !passes { try self.lock(meaning, epoch) }
        guard self.statements[name] == nil else {
            throw PostgresFailure("42P05", "prepared statement \"\(name)\" already exists")
        }
        self.statements[name] = Statement(
            text: text,
            meaning: meaning,
            parsing: self.parsing,
            shape: self.catalog.shape(of: meaning, at: epoch)
        )
        self.say(.parseComplete)
    }

    /// What a text gets before its tables are looked at.
    private func check(_ meaning: StatementMeaning) throws(PostgresFailure) {
        if meaning == .mistaken { throw PostgresFailure("42601", "syntax error") }
        if self.status == .failed, !meaning.endsTransaction, meaning != .empty {
            throw .aborted
        }
    }

    /// Looks a statement's table up, and keeps it as it is up to the transaction's end.
    private mutating func lock(
        _ meaning: StatementMeaning,
        _ epoch: Int
    ) throws(PostgresFailure) {
        guard let table = meaning.table else { return }
        guard self.catalog.version(of: table, at: epoch).exists else {
            throw PostgresFailure("42P01", "relation \"t\(table)\" does not exist")
        }
        self.locks |= 1 << UInt64(table)
    }

    /// A statement is about to be used: whether it still means what it did.
    private mutating func revalidate(
        _ statement: Statement,
        _ epoch: Int
    ) throws(PostgresFailure) {
        try self.lock(statement.meaning, epoch)
        guard self.catalog.shape(of: statement.meaning, at: epoch) == statement.shape else {
            throw .changed
        }
    }

    private func statement(_ name: String) throws(PostgresFailure) -> Statement {
        guard let statement = self.statements[name] else { throw .missing(name) }
        return statement
    }

    private mutating func bind(
        _ portal: String,
        _ name: String,
        _ values: [String],
        _ epoch: Int,
        _ passes: Bool
    ) throws(PostgresFailure) {
        var statement = try self.statement(name)
        guard values.count == statement.meaning.valueCount else {
            throw PostgresFailure(
                "08P01",
                "bind message supplies \(values.count) parameters, but prepared statement"
                    + " \"\(name)\" requires \(statement.meaning.valueCount)"
            )
        }
        if self.status == .failed, !statement.meaning.endsTransaction { throw .aborted }
        if !portal.isEmpty, self.portals[portal] != nil {
            throw PostgresFailure("42P03", "cursor \"\(portal)\" already exists")
        }
        if values.first == "bad" { throw PostgresFailure("22P02", "invalid input syntax") }
        if passes {
            statement.shape = self.catalog.shape(of: statement.meaning, at: epoch)
        } else {
            try self.revalidate(statement, epoch)
        }
        self.portals[portal] = Portal(
            statement: statement,
            value: values.first ?? "",
            rowsLeft: 2
        )
        self.say(.bindComplete)
    }

    private mutating func describeParameters(_ name: String) throws(PostgresFailure) {
        let statement = try self.statement(name)
        if self.status == .failed, statement.meaning.returnsRows { throw .aborted }
        self.say(.parameterDescription)
    }

    private mutating func describeColumns(
        _ name: String,
        _ epoch: Int,
        _ passes: Bool
    ) throws(PostgresFailure) {
        let statement = try self.statement(name)
        guard statement.meaning.returnsRows else { return self.say(.noData) }
        if !passes { try self.revalidate(statement, epoch) }
        let shape = self.catalog.shape(of: statement.meaning, at: epoch)
        self.say(.rowDescription, shape: shape)
    }

    // MARK: Portals

    private func portal(_ name: String) throws(PostgresFailure) -> Portal {
        guard let portal = self.portals[name] else {
            throw PostgresFailure("34000", "portal \"\(name)\" does not exist")
        }
        return portal
    }

    private mutating func describe(portal name: String) throws(PostgresFailure) {
        let portal = try self.portal(name)
        if self.status == .failed, portal.statement.meaning.returnsRows { throw .aborted }
        if portal.statement.meaning.returnsRows {
            self.say(.rowDescription, shape: portal.statement.shape)
        } else {
            self.say(.noData)
        }
    }

    private mutating func execute(
        _ name: String,
        _ limit: Int,
        _ epoch: Int
    ) throws(PostgresFailure) {
        let portal = try self.portal(name)
        let meaning = portal.statement.meaning
        if self.status == .failed, !meaning.endsTransaction { throw .aborted }
        if case .select = meaning {
            let count = limit > 0 ? min(limit, portal.rowsLeft) : portal.rowsLeft
            for _ in 0..<count { self.say(row: portal.statement, value: portal.value) }
            self.portals[name]?.rowsLeft -= count
            // All that was asked for has come: whether there is more is not known.
            if limit > 0, count == limit {
                self.say(.portalSuspended)
            } else {
                self.say(.commandComplete, text: "SELECT \(count)")
            }
            self.hasRun = true
            return
        }
        guard !portal.isDone else {
            throw PostgresFailure("55000", "portal \"\(name)\" cannot be run")
        }
        self.portals[name]?.isDone = true
        try self.run(meaning, isAlone: !self.hasRun, epoch)
        self.hasRun = true
    }

    private mutating func say(row statement: Statement, value: String) {
        var reply = PostgresReply(kind: .dataRow)
        reply.row = PostgresReply.Row(
            text: statement.text,
            parsing: statement.parsing,
            shape: statement.shape,
            value: value
        )
        self.output.append(reply)
    }

    // MARK: Commands

    /// Runs what returns no rows of a portal.
    ///
    /// - Parameter isAlone: nothing has been run before in the same batch.
    private mutating func run(
        _ meaning: StatementMeaning,
        isAlone: Bool,
        _ epoch: Int
    ) throws(PostgresFailure) {
        switch meaning {
        case .empty: return self.say(.emptyQuery)
        case .failing: throw PostgresFailure("22012", "division by zero")
        case .begin:
            self.status = .transaction
            self.say(.commandComplete, text: "BEGIN")
        case .commit, .rollback:
            let isCommit = meaning == .commit && self.status != .failed
            self.status = .idle
            self.transactionEnded()
            self.say(.commandComplete, text: isCommit ? "COMMIT" : "ROLLBACK")
        case .deallocate(let name):
            guard self.statements[name] != nil, !name.isEmpty else { throw .missing(name) }
            self.statements[name] = nil
            self.say(.commandComplete, text: "DEALLOCATE")
        case .deallocateAll:
            self.forgetNamed()
            self.say(.commandComplete, text: "DEALLOCATE ALL")
        case .discardAll:
            guard self.status == .idle, isAlone else {
                throw PostgresFailure("25001", "DISCARD ALL cannot run inside a transaction block")
            }
            self.forgetNamed()
            self.say(.commandComplete, text: "DISCARD ALL")
        case .execute(let name):
            try self.executePrepared(name, epoch)
        case .update:
            self.say(.commandComplete, text: "UPDATE 1")
        case .select, .mistaken:
            preconditionFailure("\(meaning) run as a command")
        }
    }

    private mutating func forgetNamed() {
        self.statements = self.statements.filter { $0.key.isEmpty }
    }

    private mutating func executePrepared(
        _ name: String,
        _ epoch: Int
    ) throws(PostgresFailure) {
        guard !name.isEmpty else { throw .missing(name) }
        let statement = try self.statement(name)
        guard statement.meaning.valueCount == 0 else {
            throw PostgresFailure("42601", "wrong number of parameters")
        }
        try self.revalidate(statement, epoch)
        switch statement.meaning {
        case .select:
            self.say(row: statement, value: "")
            self.say(.commandComplete, text: "SELECT 1")
        case .update: self.say(.commandComplete, text: "UPDATE 1")
        case .failing: throw PostgresFailure("22012", "division by zero")
        default: throw PostgresFailure("0A000", "not this one")
        }
    }

    // MARK: Simple queries

    private mutating func query(_ text: String, _ stage: Int, _ epoch: Int, _ order: Order) -> Bool
    {
        let texts = text.split(separator: ";").map(String.init)
        do throws(PostgresFailure) {
            if stage == 0 {
                self.statements[""] = nil
                self.portals[""] = nil
                self.isBatchOpen = false
            }
            try Self.obey(order)
            if stage == 0 {
                if texts.contains(where: { self.catalog.meaning(of: $0) == .mistaken }) {
                    throw PostgresFailure("42601", "syntax error")
                }
                if texts.isEmpty { self.say(.emptyQuery) }
            }
            if stage < texts.count {
                try self.run(text: texts[stage], isAlone: texts.count == 1, epoch, order == .pass)
            }
        } catch {
            self.fail(error)
            self.queryEnded()
            return true
        }
        guard stage + 1 >= texts.count else { return false }
        self.queryEnded()
        return true
    }

    private mutating func queryEnded() {
        self.hasRun = false
        if self.status == .idle { self.transactionEnded() }
        self.ready()
    }

    private mutating func run(
        text: String,
        isAlone: Bool,
        _ epoch: Int,
        _ passes: Bool
    ) throws(PostgresFailure) {
        let meaning = self.catalog.meaning(of: text)
        try self.check(meaning)
        try self.lock(meaning, epoch)
        if passes, case .execute(let name) = meaning { self.adopt(name, at: epoch) }
        guard case .select = meaning else {
            return try self.run(meaning, isAlone: isAlone, epoch)
        }
        let shape = self.catalog.shape(of: meaning, at: epoch)
        self.say(.rowDescription, shape: shape)
        for _ in 0..<2 {
            self.say(
                row: Statement(
                    text: text,
                    meaning: meaning,
                    parsing: self.parsing,
                    shape: shape
                ),
                value: ""
            )
        }
        self.say(.commandComplete, text: "SELECT 2")
    }
}
