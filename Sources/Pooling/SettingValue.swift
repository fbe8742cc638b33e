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
