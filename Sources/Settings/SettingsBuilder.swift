/// Collects settings from their sources, and every mistake on the way.
struct SettingsBuilder {
    /// The global keys so far.
    var global = GlobalSettings()
    /// The database entries so far, `*` among them.
    var databases: [String: DatabaseSettings] = [:]
    /// The user entries so far.
    var users: [String: UserSettings] = [:]
    /// The server entries so far.
    var servers: [String: ServerSettings] = [:]
    var peers: [Int: PeerSettings] = [:]
    /// Users without a file.
    var inlineUsers: [InlineUser] = []

    private(set) var errors: [SettingsError] = []
    private var warnings: [String] = []
    private var origins = SettingsOrigins()

    /// Starts at the defaults.
    init() {}

    /// Starts where a finished configuration ended.
    init(continuing settings: Settings) {
        self.global = settings.global
        self.databases = settings.databases
        self.databases["*"] = settings.fallbackDatabase
        self.users = settings.users
        self.servers = settings.servers
        self.peers = settings.peers
        self.inlineUsers = settings.inlineUsers
    }

    /// Takes the statements of a file.
    mutating func add(_ file: SettingsFile) {
        self.errors += file.errors
        for entry in file.entries {
            switch entry.section {
            case .global:
                self.setGlobal(entry.key, to: entry.value, at: entry.origin)
            case .databases:
                self.addDatabase(entry)
            case .users:
                self.addUser(entry)
            case .servers:
                self.addServer(entry)
            case .peers:
                self.addPeer(entry)
            }
        }
    }

    /// Takes variables of the environment by key, and warns of those that are no settings.
    mutating func addEnvironment(_ variables: [(key: String, value: String)]) {
        for variable in variables {
            let name = "WEIR_" + variable.key.uppercased()
            let isKnown =
                SettingTable.globalIndex[variable.key] != nil
                || SettingTable.unsupportedGlobalKeys[variable.key] != nil
            if isKnown {
                self.setGlobal(
                    variable.key,
                    to: variable.value,
                    at: .environment(variable: name)
                )
            } else {
                self.warnings.append(
                    "environment variable \(name) is ignored: "
                        + "there is no setting \(variable.key)"
                )
            }
        }
    }

    /// Takes `--set` options.
    mutating func addOverrides(_ overrides: [(key: String, value: String)]) {
        for override in overrides {
            self.setGlobal(override.key, to: override.value, at: .commandLine)
        }
    }

    /// Gives a global key a value from a text.
    mutating func setGlobal(_ key: String, to text: String, at origin: SettingsOrigin) {
        guard let index = SettingTable.globalIndex[key] else {
            if let explanation = SettingTable.unsupportedGlobalKeys[key] {
                return self.fail(origin, .unsupported(key, explanation: explanation))
            }
            let suggestion = Spelling.nearest(to: key, among: SettingTable.global.map(\.name))
            return self.fail(
                origin,
                .unknownKey(key, section: "pgbouncer", suggestion: suggestion)
            )
        }
        let setting = SettingTable.global[index]
        self.origins.global[key] = origin
        if let problem = Self.write(text, to: setting, of: &self.global, named: key) {
            self.fail(origin, problem)
        }
    }

    /// Records a mistake, unless more than can be reported have been recorded already.
    mutating func fail(_ origin: SettingsOrigin, _ problem: SettingsError.Problem) {
        guard self.errors.count < SettingsLimits.reportedErrors else { return }
        self.errors.append(SettingsError(at: origin, problem))
    }

    /// Checks everything together and hands it over.
    consuming func finished() throws(SettingsErrors) -> Settings {
        let fallback = self.databases.removeValue(forKey: "*")
        var settings = Settings(
            global: self.global,
            databases: self.databases,
            fallbackDatabase: fallback,
            users: self.users,
            servers: self.servers,
            peers: self.peers,
            inlineUsers: self.inlineUsers
        )
        var check = SettingsCheck(settings, origins: self.origins)
        check.run()
        let errors = self.errors + check.errors
        guard errors.isEmpty else {
            throw SettingsErrors(Array(errors.prefix(SettingsLimits.reportedErrors)))
        }
        settings.warnings = self.warnings + check.warnings
        return settings
    }

    private mutating func addDatabase(_ entry: SettingsFile.Entry) {
        let name = entry.key
        guard (1...SettingsLimits.databaseNameBytes).contains(name.utf8.count) else {
            return self.fail(
                entry.origin,
                .invalidValue(
                    key: "databases",
                    given: name,
                    expected: "a name of 1 to \(SettingsLimits.databaseNameBytes) bytes"
                )
            )
        }
        guard name != "pgbouncer", name != "weir" else {
            return self.fail(
                entry.origin,
                .contradiction("database name \"\(name)\" is reserved")
            )
        }
        if self.origins.databases[name] != nil {
            self.warnings.append("\(entry.origin): database \(name) again; this line wins")
        }
        var database = DatabaseSettings(name: name)
        self.readPairs(
            of: entry,
            section: "databases/\(name)",
            into: &database,
            table: SettingTable.database,
            unsupported: SettingTable.unsupportedDatabaseKeys
        )
        self.databases[name] = database
        self.origins.databases[name] = entry.origin
    }

    private mutating func addUser(_ entry: SettingsFile.Entry) {
        let name = entry.key
        guard (1...SettingsLimits.userNameBytes).contains(name.utf8.count) else {
            return self.fail(
                entry.origin,
                .invalidValue(
                    key: "users",
                    given: name,
                    expected: "a name of 1 to \(SettingsLimits.userNameBytes) bytes"
                )
            )
        }
        if self.origins.users[name] != nil {
            self.warnings.append("\(entry.origin): user \(name) again; this line wins")
        }
        var user = UserSettings()
        self.readPairs(
            of: entry,
            section: "users/\(name)",
            into: &user,
            table: SettingTable.user,
            unsupported: [:]
        )
        self.users[name] = user
        self.origins.users[name] = entry.origin
    }

    private mutating func addServer(_ entry: SettingsFile.Entry) {
        let name = entry.key
        if self.origins.servers[name] != nil {
            self.warnings.append("\(entry.origin): server \(name) again; this line wins")
        }
        var server = ServerSettings()
        self.readPairs(
            of: entry,
            section: "servers/\(name)",
            into: &server,
            table: SettingTable.server,
            unsupported: [:]
        )
        self.servers[name] = server
        self.origins.servers[name] = entry.origin
    }

    private mutating func addPeer(_ entry: SettingsFile.Entry) {
        guard let number = IntegerText.value(of: entry.key), (1...16_383).contains(number) else {
            return self.fail(
                entry.origin,
                .contradiction(
                    "peer \"\(entry.key)\": expected the peer_id of a process, 1 to 16383"
                )
            )
        }
        if self.peers[number] != nil {
            self.warnings.append("\(entry.origin): peer \(number) again; this line wins")
        }
        var peer = PeerSettings()
        self.readPairs(
            of: entry,
            section: "peers/\(number)",
            into: &peer,
            table: SettingTable.peer,
            unsupported: [:]
        )
        if peer.hosts.count != 1 {
            self.fail(entry.origin, .contradiction("peer \(number) needs one host="))
        }
        self.peers[number] = peer
    }

    private mutating func readPairs<Root: Sendable>(
        of entry: SettingsFile.Entry,
        section: String,
        into root: inout Root,
        table: [SettingDescriptor<Root>],
        unsupported: [String: String]
    ) {
        let pairs: [(key: String, value: String)]
        do {
            pairs = try ConnectionString(entry.value).pairs
        } catch {
            return self.fail(
                entry.origin,
                .syntax("\(section): syntax error in connection string: \(error.text)")
            )
        }
        for pair in pairs {
            let key = SettingTable.entryAliases[pair.key] ?? pair.key
            if let setting = table.first(where: { $0.name == key }) {
                let name = "\(section) \(pair.key)"
                if let problem = Self.write(pair.value, to: setting, of: &root, named: name) {
                    self.fail(entry.origin, problem)
                }
            } else if let explanation = unsupported[key] {
                self.fail(
                    entry.origin,
                    .unsupported("\(section) \(pair.key)", explanation: explanation)
                )
            } else {
                let suggestion = Spelling.nearest(to: key, among: table.map(\.name))
                self.fail(
                    entry.origin,
                    .unknownKey(pair.key, section: section, suggestion: suggestion)
                )
            }
        }
    }

    /// Gives a key a value from a text, and returns what is wrong with it if anything is.
    private static func write<Root: Sendable>(
        _ text: String,
        to setting: SettingDescriptor<Root>,
        of root: inout Root,
        named name: String
    ) -> SettingsError.Problem? {
        guard !text.utf8.contains(0) else {
            return .invalidValue(key: name, given: nil, expected: "a text without zero bytes")
        }
        return switch setting.write(&root, text) {
        case .written:
            nil
        case .invalid:
            .invalidValue(
                key: name,
                given: setting.isSecret ? nil : text,
                expected: setting.expected
            )
        case .unsupported(let why):
            .unsupported("\(name) = \(text)", explanation: why)
        }
    }
}
