/// The tables of the simulated database, with all that they have been: who judges an answer later
/// asks what they were when it was given.
final class StatementCatalog {
    struct Version {
        var epoch: Int
        /// What a result of this table looks like.
        var shape: Int
        var exists: Bool
    }

    /// Counts the changes of all tables.
    private(set) var epoch = 0
    private var tables: [[Version]]
    private var meanings: [String: StatementMeaning] = [:]

    init(tables: Int) {
        self.tables = [[Version]](
            repeating: [Version(epoch: 0, shape: 1, exists: true)],
            count: tables
        )
    }

    var count: Int { self.tables.count }

    func version(of table: Int, at epoch: Int) -> Version {
        guard let version = self.tables[table].last(where: { $0.epoch <= epoch }) else {
            preconditionFailure("table \(table) asked for before its time")
        }
        return version
    }

    /// Gives a table other columns.
    func alter(_ table: Int) {
        var version = self.version(of: table, at: self.epoch)
        version.shape += 1
        self.change(table, to: version)
    }

    /// Drops a table, or makes it again.
    func toggle(_ table: Int) {
        var version = self.version(of: table, at: self.epoch)
        version.exists.toggle()
        self.change(table, to: version)
    }

    private func change(_ table: Int, to version: Version) {
        self.epoch += 1
        var version = version
        version.epoch = self.epoch
        self.tables[table].append(version)
    }

    /// What the columns of a text's result are; 0 for none.
    func shape(of meaning: StatementMeaning, at epoch: Int) -> Int {
        switch meaning {
        case .select(let table, _): self.version(of: table, at: epoch).shape
        case .failing: 1
        default: 0
        }
    }

    func meaning(of text: String) -> StatementMeaning {
        if let known = self.meanings[text] { return known }
        let meaning = StatementMeaning(text)
        self.meanings[text] = meaning
        return meaning
    }
}
