/// Looks at settings together: what is not supported, what contradicts itself, what is suspicious.
struct SettingsCheck {
    /// What makes the configuration unusable.
    private(set) var errors: [SettingsError] = []
    /// What is legal but probably not meant.
    private(set) var warnings: [String] = []

    private let settings: Settings
    private let origins: SettingsOrigins

    /// Prepares a check; the origins are for messages.
    init(_ settings: Settings, origins: SettingsOrigins = SettingsOrigins()) {
        self.settings = settings
        self.origins = origins
    }

    private var global: GlobalSettings { self.settings.global }

    private var entries: [DatabaseSettings] {
        let named = self.settings.databases.values.sorted { $0.name < $1.name }
        return named + (self.settings.fallbackDatabase.map { [$0] } ?? [])
    }

    /// Runs every check.
    mutating func run() {
        self.checkAuthentication()
        self.checkTLS()
        self.checkListening()
        self.checkPoolSizes()
        for database in self.entries { self.check(database) }
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
        if let database = self.global.authDbname {
            self.refuse("auth_dbname", database, SettingTable.noAuthQuery)
        }
        if self.global.authQuery != GlobalSettings.pgBouncerAuthQuery {
            self.refuse("auth_query", "…", SettingTable.noAuthQuery)
        }
        self.checkWhoMayLogIn()
    }

    private mutating func checkWhoMayLogIn() {
        switch self.global.authType {
        case .any:
            for database in self.entries where database.user == nil {
                self.warnings.append(
                    "database \(database.name) has no user=: with auth_type = any nobody can "
                        + "log in to it"
                )
            }
        case .trust, .plain, .md5, .scramSHA256:
            if self.global.authFile == nil, self.settings.inlineUsers.isEmpty {
                self.warnings.append("auth_file is not set: no user is known, nobody can log in")
            }
        case .cert, .hba, .ldap, .pam:
            break
        }
        let isOpen = self.global.authType == .trust || self.global.authType == .any
        if isOpen, !self.settings.inlineUsers.isEmpty {
            self.warnings.append(
                "auth_type = \(self.global.authType.rawValue): whoever reaches Weir gets in "
                    + "without the password of the database URL"
            )
        } else if isOpen, !self.global.listenAddr.allSatisfy(Self.isLoopback) {
            self.warnings.append(
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
        if self.global.peerID != 0 {
            self.refuse(
                "peer_id",
                String(self.global.peerID),
                "peers are not supported by this version"
            )
        }
    }

    private mutating func checkEffect() {
        let defaults = GlobalSettings()
        for setting in SettingTable.global where !setting.isEqual(self.global, defaults) {
            // This one matters at its default too, see below.
            guard let reason = setting.noEffect, setting.name != "max_prepared_statements"
            else { continue }
            self.warnings.append("\(setting.name) has no effect: \(reason)")
        }
        let modes =
            [self.global.poolMode] + self.entries.compactMap(\.poolMode)
            + self.settings.users.values.compactMap(\.poolMode)
        if self.global.maxPreparedStatements > 0, modes.contains(where: { $0 != .session }) {
            self.warnings.append(
                "max_prepared_statements has no effect: named prepared statements of the protocol "
                    + "only work in pool_mode = session with this version; set it to 0 if no "
                    + "client uses them"
            )
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
            self.warnings.append("max_client_conn = 0 lets no client in")
        }
        if self.entries.isEmpty {
            self.warnings.append("[databases] is empty: clients can only use the admin console")
        }
    }

    private mutating func checkPoolSizes() {
        let global = self.global
        let minimum = global.minPoolSize
        let place = self.origins.ofGlobal("min_pool_size", "default_pool_size")
        if global.defaultPoolSize != 0, minimum > global.defaultPoolSize {
            self.contradict(
                place,
                "min_pool_size = \(minimum) is above default_pool_size = \(global.defaultPoolSize)"
            )
        }
        let limits = [
            ("max_db_connections", global.maxDbConnections),
            ("max_user_connections", global.maxUserConnections),
            ("max_server_connections", global.maxServerConnections),
        ]
        for (name, limit) in limits where limit != 0 {
            if minimum > limit {
                self.contradict(
                    place,
                    "min_pool_size = \(minimum) is above \(name) = \(limit)"
                )
            } else if global.defaultPoolSize > limit {
                self.warnings.append(
                    "default_pool_size = \(global.defaultPoolSize) is above \(name) = \(limit), "
                        + "which will be the limit"
                )
            }
        }
        for (name, user) in self.settings.users.sorted(by: { $0.key < $1.key }) {
            guard let limit = user.maxUserConnections, limit != 0, minimum > limit else { continue }
            self.warnings.append(
                "user \(name): min_pool_size = \(minimum) is above max_user_connections = \(limit), "
                    + "which will be the limit"
            )
        }
        if global.reservePoolSize > 0, global.reservePoolTimeout.isZero {
            self.warnings.append(
                "reserve_pool_size = \(global.reservePoolSize) is never used: "
                    + "reserve_pool_timeout = 0 turns the reserve off"
            )
        }
        if global.reservePoolSize > 0, global.defaultPoolSize == 0 {
            self.warnings.append(
                "reserve_pool_size = \(global.reservePoolSize) is never used: "
                    + "default_pool_size = 0 has no limit"
            )
        }
    }

    /// Checks an entry of `[databases]`.
    ///
    /// Two values of one entry that contradict each other are an error; a value of its own against
    /// a global one is a warning, since files written for PgBouncer do that.
    private mutating func check(_ database: DatabaseSettings) {
        let place = self.origins.ofDatabase(database.name)
        let minimum = database.minPoolSize ?? self.global.minPoolSize
        let size = database.poolSize ?? self.global.defaultPoolSize
        let limit = database.maxDbConnections ?? self.global.maxDbConnections
        if size != 0, minimum > size, database.minPoolSize != nil || database.poolSize != nil {
            let text =
                "database \(database.name): min_pool_size = \(minimum) is above the pool size, "
                + "which is \(size)"
            if database.minPoolSize != nil, database.poolSize != nil {
                self.contradict(place, text)
            } else {
                self.warnings.append("\(text) and will be the limit")
            }
        }
        let hasOwn = database.minPoolSize != nil || database.maxDbConnections != nil
        if limit != 0, minimum > limit, hasOwn {
            let text =
                "database \(database.name): min_pool_size = \(minimum) is above "
                + "max_db_connections = \(limit)"
            if database.minPoolSize != nil, database.maxDbConnections != nil {
                self.contradict(place, text)
            } else {
                self.warnings.append("\(text), which will be the limit")
            }
        }
        if database.password != nil, database.user == nil {
            self.warnings.append(
                "database \(database.name) has password= but no user=: it is for the user that "
                    + "all clients would share"
            )
        }
        if (database.reservePoolSize ?? 0) > 0, self.global.reservePoolTimeout.isZero {
            self.warnings.append(
                "database \(database.name): reserve_pool_size is never used: "
                    + "reserve_pool_timeout = 0 turns the reserve off"
            )
        }
    }

    private mutating func checkTimes() {
        let userTimeout = TimeSetting.milliseconds(Int64(self.global.tcpUserTimeout))
        if self.global.serverCloseTimeout < userTimeout {
            self.warnings.append(
                "server_close_timeout = \(self.global.serverCloseTimeout) is below "
                    + "tcp_user_timeout = \(self.global.tcpUserTimeout) ms: a slot may be used again "
                    + "while the kernel still tries to reach the old connection's server"
            )
        }
        let wait = self.global.queryWaitTimeout
        let reserve = self.global.reservePoolTimeout
        if self.global.reservePoolSize > 0, !wait.isZero, !reserve.isZero, reserve >= wait {
            self.warnings.append(
                "reserve_pool_timeout = \(reserve) is not below query_wait_timeout = \(wait): "
                    + "clients give up before the reserve is used"
            )
        }
        if wait.isZero {
            self.warnings.append("query_wait_timeout = 0 lets clients wait for ever")
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

    private mutating func contradict(_ origin: SettingsOrigin, _ text: String) {
        self.errors.append(SettingsError(at: origin, .contradiction(text)))
    }

    private static func isLoopback(_ address: String) -> Bool {
        address.hasPrefix("127.") || address == "::1" || address == "localhost"
    }
}
