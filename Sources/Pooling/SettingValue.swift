/// A setting and what it is set to.
public struct SettingValue: Hashable, Sendable {
    /// The name, in lower case.
    public var name: String
    /// The value, in the encoding of the database: it is carried about and never looked into.
    public var value: [UInt8]

    /// Creates a setting with a value.
    public init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }

    /// The value as SQL that means the same whatever `client_encoding` and
    /// `standard_conforming_strings` are.
    var literal: String {
        let isPlain = self.value.allSatisfy {
            $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "'")
        }
        if isPlain { return "'\(String(decoding: self.value, as: UTF8.self))'" }
        return "pg_catalog.convert_from(\(Self.bytes(self.value)),pg_catalog.getdatabaseencoding())"
    }

    /// A statement that sets settings for the session.
    ///
    /// - Parameter onlyIfReset: leaves what the session has set itself as it is. PostgreSQL lists
    ///   the role and what is an application's own nowhere: those count as set back where they are
    ///   as in a new session.
    public static func statement(_ settings: [SettingValue], onlyIfReset: Bool) -> String {
        guard onlyIfReset else {
            let calls = settings.map {
                "pg_catalog.set_config(\(Self.literal($0.name)),\($0.literal),false)"
            }
            return "SELECT " + calls.joined(separator: ",")
        }
        let rows = settings.map { "(\(Self.literal($0.name)),\($0.literal))" }
        return "SELECT pg_catalog.set_config(w.n,w.v,false)"
            + " FROM (VALUES \(rows.joined(separator: ","))) w(n,v)"
            + " LEFT JOIN pg_catalog.pg_settings s"
            + " ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(w.n)"
            + " WHERE CASE WHEN s.source IS NOT NULL"
            + " THEN s.source OPERATOR(pg_catalog.<>) 'session'"
            + " ELSE COALESCE(pg_catalog.current_setting(w.n,true),'') OPERATOR(pg_catalog.=)"
            + " CASE WHEN w.n OPERATOR(pg_catalog.=) '\(SettingNames.role)'"
            + " THEN 'none' ELSE '' END END"
    }

    /// Any name as SQL, in the same way.
    static func literal(_ name: String) -> String {
        let value = SettingValue(name: name, value: Array(name.utf8))
        return value.literal
    }

    private static func bytes(_ value: [UInt8]) -> String {
        let digits = value.map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        return "pg_catalog.decode('\(digits)','hex')"
    }
}
