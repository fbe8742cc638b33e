/// Looks at settings together: what is not supported, what contradicts itself, what is suspicious.
struct SettingsCheck {
    /// What makes the configuration unusable.
    private(set) var errors: [SettingsError] = []
    /// What is legal but probably not meant.
    private(set) var warnings: [String] = []

    let settings: Settings
    let origins: SettingsOrigins

    /// Prepares a check; the origins are for messages.
    init(_ settings: Settings, origins: SettingsOrigins = SettingsOrigins()) {
        self.settings = settings
        self.origins = origins
    }

    /// The keys of `[weir]`.
    var global: GlobalSettings { self.settings.global }

    /// The entries of `[databases]` by name, `*` last.
    var entries: [DatabaseSettings] { self.settings.entries }

    /// Runs every check.
    mutating func run() {
        self.checkAuthentication()
        self.checkTLS()
        self.checkListening()
        self.checkPools()
        self.checkServers()
        self.checkFleet()
        self.checkTimes()
        self.checkEffect()
    }

    // MARK: What this version cannot do

    private mutating func checkAuthentication() {
        switch self.global.authType {
        case .cert, .hba, .ldap, .pam:
            self.refuse(
                "auth_type",
                self.global.authType.rawValue,
                "not supported by this version: use scram-sha-256, md5, plain, trust or any"
            )
        case .any, .trust, .plain, .md5, .scramSHA256:
            break
        }
        if let user = self.global.authUser {
            self.refuse("auth_user", user, SettingTable.noAuthQuery)
        }
        self.checkWhoMayLogIn()
    }

    private mutating func checkWhoMayLogIn() {
        switch self.global.authType {
        case .any:
            for database in self.entries where database.user == nil {
                self.warn(
                    "database \(database.name) has no user=: with auth_type = any nobody can "
                        + "log in to it"
                )
            }
        case .trust, .plain, .md5, .scramSHA256:
            if self.global.authFile == nil, self.settings.inlineUsers.isEmpty {
                self.warn("auth_file is not set: no user is known, nobody can log in")
            }
        case .cert, .hba, .ldap, .pam:
            break
        }
        let isOpen = self.global.authType == .trust || self.global.authType == .any
        if isOpen, !self.settings.inlineUsers.isEmpty {
            self.warn(
                "auth_type = \(self.global.authType.rawValue): whoever reaches Weir gets in "
                    + "without the password of the database URL"
            )
        } else if isOpen, !self.global.listenAddr.allSatisfy(Self.isLoopback) {
            self.warn(
                "auth_type = \(self.global.authType.rawValue) lets everybody in who can reach "
                    + "listen_addr = \(self.global.listenAddr.joined(separator: ","))"
            )
        }
    }

    private mutating func checkTLS() {
        if self.global.clientTLSMode != .disable {
            self.refuse(
                "client_tls_sslmode",
                self.global.clientTLSMode.rawValue,
                "TLS is not supported by this version: only disable can be used"
            )
        }
        switch self.global.serverTLSMode {
        case .require, .verifyCA, .verifyFull:
            self.refuse(
                "server_tls_sslmode",
                self.global.serverTLSMode.rawValue,
                "TLS is not supported by this version: only disable, allow and prefer can be used"
            )
        case .disable, .allow, .prefer:
            break
        }
    }

    private mutating func checkEffect() {
        let defaults = GlobalSettings()
        for setting in SettingTable.global where !setting.isEqual(self.global, defaults) {
            guard let reason = setting.noEffect else { continue }
            self.warn("\(setting.name) has no effect: \(reason)")
        }
    }

    // MARK: What contradicts itself

    private mutating func checkListening() {
        let directory = self.global.unixSocketDir
        if self.global.listenAddr.isEmpty, directory.isEmpty {
            self.contradict(
                self.origins.ofGlobal("listen_addr", "unix_socket_dir"),
                "listen_addr and unix_socket_dir are both empty: there is nothing to listen on"
            )
        }
        let path = "\(directory)/.s.PGSQL.\(self.global.listenPort)"
        if !directory.isEmpty, path.utf8.count > SettingsLimits.socketPathBytes {
            self.contradict(
                self.origins.ofGlobal("unix_socket_dir"),
                "unix_socket_dir is too long: \(path) has \(path.utf8.count) bytes, a socket's "
                    + "path can have \(SettingsLimits.socketPathBytes)"
            )
        }
        if self.global.maxClientConn == 0 {
            self.warn("max_client_conn = 0 lets no client in")
        }
        if self.entries.isEmpty {
            self.warn("[databases] is empty: clients can only use the admin console")
        }
    }

    // MARK: Helpers

    private mutating func refuse(_ key: String, _ value: String, _ explanation: String) {
        self.errors.append(
            SettingsError(
                at: self.origins.ofGlobal(key),
                .unsupported("\(key) = \(value)", explanation: explanation)
            )
        )
    }

    /// Records settings that cannot be true together.
    mutating func contradict(_ origin: SettingsOrigin, _ text: String) {
        self.errors.append(SettingsError(at: origin, .contradiction(text)))
    }

    /// Records something suspicious.
    mutating func warn(_ text: String) {
        self.warnings.append(text)
    }

    private static func isLoopback(_ address: String) -> Bool {
        address.hasPrefix("127.") || address == "::1" || address == "localhost"
    }
}
