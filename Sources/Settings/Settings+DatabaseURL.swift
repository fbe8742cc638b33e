/// `weir run --database-url URL`: a configuration without a file.
extension Settings {
    /// Makes settings that put Weir in front of the one database of a URL.
    ///
    /// Clients log in as the URL's user with its password (SCRAM), to the URL's database under its
    /// own name; nobody else gets in. Weir listens on loopback port 6432 unless told otherwise, and
    /// on no Unix socket.
    ///
    /// - Parameters:
    ///   - url: `postgres://user:password@host:port/database?parameters`; user, password, host and
    ///     database are required. Several hosts, IPv6 addresses in brackets, socket directories
    ///     (`?host=/run/postgresql`, or `%2Frun%2Fpostgresql` as the host) and the parameters
    ///     `application_name`, `client_encoding`, `connect_timeout` (seconds) and `sslmode`
    ///     (disable, allow, prefer) are understood.
    ///   - listen: `ADDRESS:PORT`, `ADDRESS`, or `:PORT` (on loopback); `*` is every address.
    ///   - environment: As for ``init(parsing:file:environment:overrides:include:)``.
    ///   - overrides: As there; they win over everything else.
    public static func forDatabaseURL(
        _ url: String,
        listen: String? = nil,
        environment: [(key: String, value: String)] = [],
        overrides: [(key: String, value: String)] = []
    ) throws(SettingsErrors) -> Settings {
        var builder = SettingsBuilder()
        builder.setGlobal("listen_addr", to: "127.0.0.1", at: .databaseURL)
        builder.setGlobal("unix_socket_dir", to: "", at: .databaseURL)
        builder.setGlobal("auth_type", to: "scram-sha-256", at: .databaseURL)
        builder.add(url: url)
        builder.addEnvironment(environment)
        if let listen { builder.add(listen: listen) }
        builder.addOverrides(overrides)
        return try builder.finished()
    }
}

extension SettingsBuilder {
    fileprivate mutating func add(url: String) {
        let parts: DatabaseURL
        do {
            parts = try DatabaseURL(url)
        } catch {
            return self.fail(.databaseURL, .syntax(error.text))
        }
        guard
            let user = self.required(parts.user, "user", "postgres://USER:PASSWORD@HOST/DATABASE"),
            let password = self.required(
                parts.password,
                "password",
                "clients log in to Weir with it, and the port is never open without one"
            ),
            let name = self.required(parts.database, "database", "add /NAME after the host")
        else { return }
        if parts.hosts.isEmpty {
            self.fail(.databaseURL, .syntax("the URL names no host"))
        }
        if Set(parts.ports).count > 1 {
            self.fail(.databaseURL, .syntax("the hosts must all have the same port"))
        }
        if parts.ports.count > 1, parts.ports.count != parts.hosts.count {
            self.fail(.databaseURL, .syntax("give one port for all hosts, or one for each"))
        }
        self.checkLength(of: user, "the user", SettingsLimits.userNameBytes)
        self.checkLength(of: password.exposed, "the password", SettingsLimits.passwordBytes)
        self.checkLength(of: name, "the database", SettingsLimits.databaseNameBytes)
        if name == "pgbouncer" || name == "weir" || name == "*" {
            self.fail(.databaseURL, .contradiction("database name \"\(name)\" is reserved"))
        }
        var database = DatabaseSettings(name: name)
        database.dbname = name
        database.hosts = parts.hosts
        database.port = parts.ports.first ?? database.port
        database.user = user
        database.password = password
        for parameter in parts.parameters {
            self.apply(parameter.name, parameter.value, to: &database)
        }
        self.databases[name] = database
        self.inlineUsers = [InlineUser(name: user, secret: password)]
    }

    private mutating func apply(
        _ name: String,
        _ value: String,
        to database: inout DatabaseSettings
    ) {
        switch name {
        case "application_name":
            database.applicationName = value.isEmpty ? nil : value
        case "client_encoding":
            database.clientEncoding = value.isEmpty ? nil : value
        case "connect_timeout":
            guard let seconds = Int64(value), seconds <= 1_000_000_000 else {
                let expected = "a whole number of seconds"
                return self.fail(
                    .databaseURL,
                    .invalidValue(key: name, given: value, expected: expected)
                )
            }
            self.global.serverConnectTimeout = .seconds(seconds)
        case "sslmode":
            switch TLSMode(rawValue: value) {
            case .disable?, .allow?, .prefer?:
                break
            case .require?, .verifyCA?, .verifyFull?:
                self.fail(
                    .databaseURL,
                    .unsupported(
                        "sslmode=\(value)",
                        explanation: "TLS is not supported by this version"
                    )
                )
            case nil:
                self.fail(
                    .databaseURL,
                    .invalidValue(key: name, given: value, expected: "disable, allow, prefer")
                )
            }
        case "options":
            self.fail(
                .databaseURL,
                .unsupported(
                    "options",
                    explanation: "all clients share the server connections: let each "
                        + "client send its own options"
                )
            )
        default:
            self.fail(
                .databaseURL,
                .unsupported(
                    "the URL's parameter \(name)",
                    explanation: "expected host, port, user, password, dbname, application_name, "
                        + "client_encoding, connect_timeout or sslmode"
                )
            )
        }
    }

    fileprivate mutating func add(listen: String) {
        var address = Substring(listen)
        var port: Substring?
        if address.hasPrefix("["), let end = address.firstIndex(of: "]") {
            let tail = address[address.index(after: end)...]
            address = address[..<end].dropFirst()
            port = tail.isEmpty ? nil : tail.hasPrefix(":") ? tail.dropFirst() : "?"
        } else if let colon = address.firstIndex(of: ":"),
            !address[address.index(after: colon)...].contains(":")
        {
            port = address[address.index(after: colon)...]
            address = address[..<colon]
        }
        if address.isEmpty, port == nil || listen.hasPrefix("[") || address.contains(",") {
            let expected = "ADDRESS:PORT, ADDRESS or :PORT"
            return self.fail(
                .listenOption,
                .invalidValue(key: "--listen", given: listen, expected: expected)
            )
        }
        if !address.isEmpty {
            self.setGlobal("listen_addr", to: String(address), at: .listenOption)
        }
        if let port { self.setGlobal("listen_port", to: String(port), at: .listenOption) }
    }

    private mutating func required<Part>(_ part: Part?, _ name: String, _ hint: String) -> Part? {
        if part == nil {
            self.fail(.databaseURL, .syntax("the URL names no \(name): \(hint)"))
        }
        return part
    }

    private mutating func checkLength(of text: String, _ part: String, _ limit: Int) {
        if text.utf8.count > limit {
            self.fail(.databaseURL, .syntax("\(part) has more than \(limit) bytes"))
        }
    }
}
