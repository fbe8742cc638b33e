/// The users and secrets of a PgBouncer `auth_file`.
///
/// A line is `"user" "secret"` and anything after it; `""` within the quotes is one quote. Blank
/// lines and lines that start with `;` are skipped. Unlike PgBouncer, which stops reading at a
/// malformed line, a list with one is refused as a whole. Of two lines for one user the later
/// one counts. Names are compared byte for byte, as PostgreSQL does.
public struct UserList: Sendable {
    private var secrets: [[UInt8]: Secret] = [:]
    private var holdsPlain = false
    private var holdsSCRAM = false

    /// The names, each once, in the order in which they first appear.
    public private(set) var users: [String] = []

    /// Makes a list without users.
    public init() {}

    /// Parses a list.
    ///
    /// - Parameters:
    ///   - text: what the file holds.
    ///   - file: what to call it in errors.
    public init(parsing text: String, file: String) throws(UserListError) {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            do throws(LineError) {
                try self.add(line: line)
            } catch {
                throw UserListError(file: file, line: index + 1, expected: error.expected)
            }
        }
    }

    /// Returns what is stored for a user, or nil if the list does not have the user.
    public func secret(of user: String) -> Secret? {
        self.secrets[Array(user.utf8)]
    }

    /// Whether logging in as users of this list costs a key derivation under a method.
    ///
    /// It is what `Verifier.init` wants to know as `unknownUsersDerive`. In a mixed list it says
    /// yes, which hides the users whose logins take longer.
    public func derives(under method: ClientAuthMethod) -> Bool {
        switch method {
        case .plain: self.holdsSCRAM
        case .scramSHA256: self.holdsPlain
        case .trust, .any, .md5: false
        }
    }

    private mutating func add(line: Substring.UTF8View) throws(LineError) {
        var rest = line.drop(while: Self.isBlank)
        guard let first = rest.first, first != UInt8(ascii: ";") else { return }
        let name = try Self.quoted(&rest, what: "a user name")
        guard (1...AuthLimits.userNameLength).contains(name.count) else {
            throw LineError("a user name of 1 to \(AuthLimits.userNameLength) bytes")
        }
        guard let blank = rest.first, Self.isBlank(blank) else {
            throw LineError("a space between user name and secret")
        }
        rest = rest.drop(while: Self.isBlank)
        let stored = try Self.quoted(&rest, what: "a secret")
        guard stored.count <= AuthLimits.passwordLength else {
            throw LineError("a secret of at most \(AuthLimits.passwordLength) bytes")
        }
        guard !name.contains(0), !stored.contains(0) else {
            throw LineError("a line without zero bytes")
        }
        guard let secret = Secret(stored: String(decoding: stored, as: UTF8.self)) else {
            throw LineError(
                "SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey with 1 to "
                    + "\(AuthLimits.iterations) iterations after the prefix SCRAM-SHA-256$"
            )
        }
        switch secret {
        case .plain(let text): self.holdsPlain = self.holdsPlain || !text.isEmpty
        case .scram: self.holdsSCRAM = true
        case .md5: break
        }
        if self.secrets.updateValue(secret, forKey: name) == nil {
            self.users.append(String(decoding: name, as: UTF8.self))
        }
    }

    /// Reads a quoted text and what belongs to it, up to and with the closing quote.
    private static func quoted(
        _ rest: inout Substring.UTF8View,
        what: String
    ) throws(LineError) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        guard rest.first == quote else { throw LineError("\(what) in double quotes") }
        rest = rest.dropFirst()
        var text: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte != quote {
                text.append(byte)
            } else if rest.first == quote {
                text.append(quote)
                rest = rest.dropFirst()
            } else {
                return text
            }
        }
        throw LineError("a double quote at the end of \(what)")
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    /// What was expected in a line whose place the caller knows.
    private struct LineError: Error {
        let expected: String

        init(_ expected: String) { self.expected = expected }
    }
}
