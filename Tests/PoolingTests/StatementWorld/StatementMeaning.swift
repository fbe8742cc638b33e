/// What a text does in the simulation of prepared statements, for the model of PostgreSQL.
enum StatementMeaning: Equatable {
    /// `SELECT 4 FROM t2`, `SELECT 4 FROM t2 WHERE $1`: two rows. The number tells texts apart
    /// that mean the same.
    case select(table: Int, takesValue: Bool)
    /// `UPDATE t2`: no result.
    case update(table: Int)
    /// `SELECT 1/0`: fails when it is run.
    case failing
    /// `SELEC`: fails when it is parsed.
    case mistaken
    case empty
    case begin
    case commit
    case rollback
    case deallocate(String)
    case deallocateAll
    case discardAll
    case execute(String)

    init(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        switch words.first {
        case nil: self = .empty
        case "BEGIN": self = .begin
        case "COMMIT": self = .commit
        case "ROLLBACK": self = .rollback
        case "DISCARD": self = .discardAll
        case "DEALLOCATE": self = words[1] == "ALL" ? .deallocateAll : .deallocate(words[1])
        case "EXECUTE": self = .execute(words[1])
        case "UPDATE": self = .update(table: Self.table(words[1]))
        case "SELECT" where words.count >= 4:
            self = .select(table: Self.table(words[3]), takesValue: words.count > 4)
        case "SELECT": self = .failing
        default: self = .mistaken
        }
    }

    private static func table(_ word: String) -> Int { Int(word.dropFirst()) ?? 0 }

    /// Whether a transaction that has failed takes it.
    var endsTransaction: Bool { self == .commit || self == .rollback }

    /// The table that it needs.
    var table: Int? {
        switch self {
        case .select(let table, _), .update(let table): table
        default: nil
        }
    }

    var returnsRows: Bool {
        switch self {
        case .select, .failing: true
        default: false
        }
    }

    var valueCount: Int { if case .select(_, true) = self { 1 } else { 0 } }
}
