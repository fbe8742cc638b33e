/// What `replication` in a startup packet asks for.
public enum ReplicationMode: Equatable, Sendable {
    /// An ordinary session.
    case none
    /// Streams of WAL, base backups: of the whole cluster, whatever database is named.
    case physical
    /// Streams of changes in one database, and SQL in it.
    case logical

    /// Reads the parameter's value as PostgreSQL does: `database`, or a Boolean in any spelling
    /// that it takes. Nil for anything else.
    public init?(startupValue value: String) {
        if value == "database" {
            self = .logical
            return
        }
        let text = value.lowercased()
        let isSpelled: (String) -> Bool = { !text.isEmpty && $0.hasPrefix(text) }
        if isSpelled("true") || isSpelled("yes") || text == "on" || text == "1" {
            self = .physical
        } else if isSpelled("false") || isSpelled("no") || text == "of" || text == "off"
            || text == "0"
        {
            self = .none
        } else {
            return nil
        }
    }

    /// The value that PostgreSQL is sent; nil where it is sent none.
    public var startupValue: String? {
        switch self {
        case .none: nil
        case .physical: "true"
        case .logical: "database"
        }
    }
}
