/// What a server is asked when a transaction is over that may have left something behind, as one
/// query whose answer no client sees.
///
/// Rows have four columns of text: what the row is, a name, a value as hexadecimal digits of bytes
/// in the database's encoding, and where the value comes from.
public struct SessionQuestion: Equatable, Sendable {
    /// Settings that are asked for, in lower case.
    public var names: [String] = []
    /// Settings are asked for by what the server lists as set in its session.
    public var listsSettings = false
    /// What may be held.
    public var kinds: SessionKinds = []
    /// The client may have set a limit that would end the question, too.
    public var liftsTimeout = false

    /// Creates an empty question.
    public init() {}

    /// Whether nothing is asked.
    public var isEmpty: Bool {
        self.names.isEmpty && !self.listsSettings && self.kinds.isEmpty
    }

    static let timeout = "statement_timeout"

    /// The query.
    ///
    /// Operators are named with their schema: a client's `search_path` could put its own in front.
    public var text: String {
        let lifts =
            self.liftsTimeout || self.listsSettings || self.names.contains(Self.timeout)
        var parts: [String] = []
        let names = lifts ? self.names.filter { $0 != Self.timeout } : self.names
        if !names.isEmpty { parts.append(Self.values(of: names)) }
        if self.listsSettings { parts.append(Self.listed) }
        for (kind, condition) in Self.conditions where self.kinds.contains(kind) {
            parts.append(
                "SELECT '\(Self.held)','\(kind.rawValue)',NULL,NULL WHERE EXISTS (\(condition))"
            )
        }
        parts.append("SELECT '\(Self.end)',NULL,NULL,NULL")
        let text = parts.joined(separator: " UNION ALL ")
        guard lifts else { return text }
        // What the limit is, is asked before it is lifted; where it comes from, which takes longer,
        // only where there is none: an explicit 0 is told from one that RESET has left.
        let setting = "pg_catalog.current_setting('\(Self.timeout)')"
        let source =
            "CASE WHEN \(setting) OPERATOR(pg_catalog.=) '0' THEN"
            + " (SELECT source FROM pg_catalog.pg_settings"
            + " WHERE name OPERATOR(pg_catalog.=) '\(Self.timeout)') END"
        return "SELECT '\(Self.named)','\(Self.timeout)',\(Self.hexadecimal(setting)),\(source);"
            + "SET LOCAL \(Self.timeout) = 0;" + text
    }

    // Tags of rows.
    static let named = "n"
    static let list = "l"
    static let held = "h"
    static let end = "z"

    private static func hexadecimal(_ expression: String) -> String {
        "pg_catalog.encode(pg_catalog.convert_to("
            + "\(expression),pg_catalog.getdatabaseencoding()),'hex')"
    }

    private static func values(of names: [String]) -> String {
        let rows = names.map { "(\(SettingValue.literal($0)))" }.joined(separator: ",")
        let value = Self.hexadecimal("pg_catalog.current_setting(w.n,true)")
        return "SELECT '\(Self.named)',w.n,\(value),s.source FROM (VALUES \(rows)) w(n)"
            + " LEFT JOIN pg_catalog.pg_settings s"
            + " ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) w.n"
    }

    private static let listed =
        "SELECT '\(Self.list)',pg_catalog.lower(name),\(Self.hexadecimal("setting")),NULL"
        + " FROM pg_catalog.pg_settings WHERE source OPERATOR(pg_catalog.=) 'session'"
        + " AND name OPERATOR(pg_catalog.<>) '\(Self.timeout)'"

    private static let conditions: [(SessionKinds, String)] = [
        (.listens, "SELECT FROM pg_catalog.pg_listening_channels()"),
        (
            .locks,
            "SELECT FROM pg_catalog.pg_locks WHERE locktype OPERATOR(pg_catalog.=) 'advisory'"
                + " AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()"
        ),
        (
            .temporaries,
            "SELECT FROM pg_catalog.pg_depend WHERE refclassid OPERATOR(pg_catalog.=)"
                + " 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid"
                + " AND refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()"
        ),
        (.cursors, "SELECT FROM pg_catalog.pg_cursors WHERE is_holdable"),
        (.statements, "SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql"),
    ]
}
