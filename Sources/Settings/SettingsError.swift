/// One thing that is wrong with a configuration: where, what, and what would have been right.
public struct SettingsError: Error, Sendable, Equatable {
    /// Where the mistake is.
    public var origin: SettingsOrigin
    /// What is wrong.
    public var problem: Problem

    /// The kinds of mistake.
    public enum Problem: Sendable, Equatable {
        /// The line cannot be read; the text says what was expected.
        case syntax(String)
        /// A section that does not exist.
        case unknownSection(String)
        /// A key that does not exist in its section (`pgbouncer`, `databases/NAME`, `users/NAME`).
        case unknownKey(String, section: String, suggestion: String?)
        /// A key with a value that it cannot have. `given` is `nil` where it might be a secret.
        case invalidValue(key: String, given: String?, expected: String)
        /// Something that PgBouncer or a later version can do and this version cannot.
        case unsupported(String, explanation: String)
        /// Settings that are right one by one but not together.
        case contradiction(String)
        /// An `%include` that cannot be followed.
        case include(path: String, reason: String)
    }

    /// Makes an error from a place and a mistake.
    public init(at origin: SettingsOrigin, _ problem: Problem) {
        self.origin = origin
        self.problem = problem
    }
}

extension SettingsError: CustomStringConvertible {
    /// One line: the place, the key, what was given and what was expected.
    public var description: String { "\(self.origin): \(self.problem)" }
}

extension SettingsError.Problem: CustomStringConvertible {
    /// The mistake in words, without its place.
    public var description: String {
        switch self {
        case .syntax(let text), .contradiction(let text):
            return text
        case .unknownSection(let name):
            return "unknown section [\(name)]: expected [weir] (or [pgbouncer]), [databases], "
                + "[users] or [peers]"
        case .unknownKey(let key, let section, let suggestion):
            let hint = suggestion.map { "; did you mean \($0)?" } ?? ""
            return "unknown parameter: \(section)/\(key)\(hint)"
        case .invalidValue(let key, let given, let expected):
            // Quoted with escapes and cut, since this goes into logs and to the console.
            let value = given.map { " = \(Self.quoted($0))" } ?? ""
            return "\(key)\(value): expected \(expected)"
        case .unsupported(let what, let explanation):
            return "\(what): \(explanation)"
        case .include(let path, let reason):
            return "%include \(path): \(reason)"
        }
    }

    private static func quoted(_ text: String) -> String {
        let start = text.prefix(100)
        return String(start).debugDescription + (start.endIndex < text.endIndex ? "…" : "")
    }
}
