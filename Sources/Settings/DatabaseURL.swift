/// The parts of a PostgreSQL URL, `postgres://user:password@host:port/database?parameters`.
///
/// Every part may be percent-encoded. Its errors never quote the URL, which holds the password.
struct DatabaseURL {
    /// The user; `nil` when the URL names none.
    var user: String?
    /// The password; `nil` when the URL has none.
    var password: RedactedText?
    /// Host names, addresses (IPv6 without brackets) or socket directories.
    var hosts: [String] = []
    /// The ports given: none, one for all hosts, or one for each host.
    var ports: [Int] = []
    /// The database; `nil` when the URL names none.
    var database: String?
    /// The query parameters in order, apart from those that are parts of the above.
    var parameters: [(name: String, value: String)] = []

    /// What is wrong with a URL.
    struct Mistake: Error, Equatable {
        /// The mistake in words.
        var text: String
    }

    /// Takes a URL apart.
    init(_ url: String) throws(Mistake) {
        guard let scheme = ["postgres://", "postgresql://"].first(where: { url.hasPrefix($0) })
        else { throw Mistake(text: "expected a URL that starts with postgres:// or postgresql://") }
        var rest = url.dropFirst(scheme.count)
        if rest.contains("#") {
            throw Mistake(text: "# in a URL starts a fragment: write it as %23")
        }
        var query: Substring?
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            let name = try Self.decoded(rest[rest.index(after: slash)...], "the database")
            self.database = name.isEmpty ? nil : name
            rest = rest[..<slash]
        }
        // A password may hold an unencoded @; a host cannot.
        if let at = rest.lastIndex(of: "@") {
            try self.takeUser(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        try self.takeHosts(rest)
        if let query { try self.takeParameters(query) }
    }

    private mutating func takeUser(_ text: Substring) throws(Mistake) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = try Self.decoded(parts[0], "the user")
        self.user = user.isEmpty ? nil : user
        if parts.count > 1, !parts[1].isEmpty {
            self.password = RedactedText(try Self.decoded(parts[1], "the password"))
        }
    }

    private mutating func takeHosts(_ text: Substring) throws(Mistake) {
        guard !text.isEmpty else { return }
        for member in text.split(separator: ",", omittingEmptySubsequences: false) {
            var host = member
            var port: Substring?
            if host.hasPrefix("[") {
                guard let end = host.firstIndex(of: "]") else {
                    throw Mistake(text: "an IPv6 address has no closing ]")
                }
                let tail = host[host.index(after: end)...]
                guard tail.isEmpty || tail.hasPrefix(":") else {
                    throw Mistake(text: "expected : and a port after the ] of an IPv6 address")
                }
                port = tail.isEmpty ? nil : tail.dropFirst()
                host = host[host.index(after: host.startIndex)..<end]
            } else if let colon = host.firstIndex(of: ":") {
                port = host[host.index(after: colon)...]
                host = host[..<colon]
            }
            let name = try Self.decoded(host, "a host")
            guard !name.isEmpty || text.allSatisfy({ $0 != "," }) else {
                throw Mistake(text: "a member of the host list is empty")
            }
            if !name.isEmpty { self.hosts.append(name) }
            if let port, !port.isEmpty { self.ports.append(try Self.port(port)) }
        }
    }

    private mutating func takeParameters(_ query: Substring) throws(Mistake) {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try Self.decoded(parts[0], "a parameter's name")
            guard parts.count == 2 else {
                throw Mistake(text: "the parameter \(name) has no value")
            }
            let value = try Self.decoded(parts[1], "the parameter \(name)")
            switch name {
            case "host":
                let hosts = value.split(separator: ",", omittingEmptySubsequences: false)
                guard !hosts.contains("") else {
                    throw Mistake(text: "a member of the host list is empty")
                }
                self.hosts = hosts.map(String.init)
            case "port":
                self.ports = []
                for port in value.split(separator: ",", omittingEmptySubsequences: false) {
                    self.ports.append(try Self.port(port))
                }
            case "user": self.user = value.isEmpty ? nil : value
            case "password": self.password = value.isEmpty ? nil : RedactedText(value)
            case "dbname": self.database = value.isEmpty ? nil : value
            default: self.parameters.append((name, value))
            }
        }
    }

    private static func port(_ text: Substring) throws(Mistake) -> Int {
        guard text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            let port = Int(text), (1...65_535).contains(port)
        else {
            throw Mistake(
                text: "expected a port from 1 to 65535 (in a password / ? # must be written as "
                    + "%2F %3F %23)"
            )
        }
        return port
    }

    private static func decoded(_ text: Substring, _ part: String) throws(Mistake) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Self.hexDigit),
                let low = rest.popFirst().flatMap(Self.hexDigit)
            else { throw Mistake(text: "\(part) holds a % without two hexadecimal digits") }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
            throw Mistake(text: "\(part) is not UTF-8 text, or holds a zero byte")
        }
        return decoded
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
