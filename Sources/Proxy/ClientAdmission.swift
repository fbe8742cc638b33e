import Auth
import Logging
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// Clients that have shown who they are become clients of a pool.
extension Worker {
    func authenticated(_ client: ClientConnection, _ proof: LearnedCredentials) {
        if Self.isConsole(client.databaseName) {
            guard let access = self.consoleAccess(client.userName) else {
                return self.closeClient(
                    client,
                    .loginFailed,
                    ErrorFields(
                        .fatal,
                        .insufficientPrivilege,
                        "not allowed",
                        detail:
                            "User \"\(client.userName)\" is in neither admin_users nor stats_users."
                    )
                )
            }
            return self.openConsole(client, access)
        }
        guard let database = self.database(named: client.databaseName), !database.isRemoved else {
            let name = client.databaseName
            // What pg_basebackup and pg_receivewal ask for, though it is no database to PostgreSQL.
            let isTool = client.replication == .physical && name == "replication"
            return self.closeClient(
                client,
                .loginFailed,
                ErrorFields(
                    .fatal,
                    .invalidCatalogName,
                    "database \"\(name)\" does not exist",
                    hint: isTool
                        ? "Physical replication needs an entry of this name, or one for \"*\"."
                        : nil
                )
            )
        }
        guard !database.isDisabled else {
            return self.refuse(
                client,
                .cannotConnectNow,
                "database \"\(database.name)\" is disabled"
            )
        }
        let serverUser = database.settings.user ?? client.userName
        if self.settings.global.authType == .any, database.settings.user == nil {
            return self.refuse(
                client,
                .invalidAuthorization,
                "auth_type \"any\" needs a user in the database entry"
            )
        }
        // Under `any` a client may call itself what it likes; it counts as the user it becomes.
        let isAnybody = self.settings.global.authType == .any
        let user = self.userEntry(isAnybody ? serverUser : client.userName)
        guard self.counts(client, database, user) else { return }
        let pool = self.pool(database, serverUser)
        self.learn(pool, database.settings.user == nil ? proof : nil)
        self.refreshFilling(pool)
        client.pool = pool
        client.user = user
        self.withShared { self.pools.clientJoined(pool.id) }
        pool.counters.clientLoginCount += 1
        if client.replication != .none { return self.joinForReplication(client, pool) }
        client.phase = .greeting
        if pool.hasGreeting {
            self.greet(client)
        } else {
            client.ticket = self.pools.awaitGreeting(
                pool.id,
                client: client.id,
                now: self.loop.now
            )
        }
        self.openServers(in: pool)
    }

    private func refuse(_ client: ClientConnection, _ state: SQLState, _ message: String) {
        self.closeClient(client, .loginFailed, ErrorFields(.fatal, state, message))
    }

    /// Counts a client against the limits of its database and its user; false, and the client is
    /// refused, where one is reached.
    private func counts(
        _ client: ClientConnection,
        _ database: DatabaseEntry,
        _ user: UserEntry
    ) -> Bool {
        let full: (key: String, limit: Int)
        let limit = self.withShared {
            self.pools.shared.admit(
                database: database.cap,
                user: user.cap,
                limits: (database.clientsMax, user.clientsMax)
            )
        }
        switch limit {
        case nil: return true
        case .database?: full = ("max_db_client_connections", database.clientsMax)
        case .user?: full = ("max_user_client_connections", user.clientsMax)
        }
        self.closeClient(
            client,
            .loginFailed,
            ErrorFields(
                .fatal,
                .tooManyConnections,
                "client connections exceeded (\(full.key))",
                detail: "\(full.limit) of \(full.limit) client connections are in use.",
                hint: "Raise \(full.key)."
            )
        )
        return false
    }

    /// A login has shown what the server will want to see; what it was before may have changed.
    private func learn(_ pool: PoolEntry, _ proof: LearnedCredentials?) {
        pool.shared.learn { facts in
            facts.clientsHaveLoggedIn = true
            guard let proof else { return }
            if let password = proof.password { facts.learned.password = password }
            if let keys = proof.scramKeys { facts.learned.scramKeys = keys }
            facts.learned.storedSecret = proof.storedSecret ?? facts.learned.storedSecret
        }
    }

    /// What there is to log in to the server of a pool with.
    func credentials(for pool: PoolEntry) -> ServerCredentials {
        if pool.database.settings.user != nil {
            if let password = pool.database.settings.password {
                return ServerCredentials(password: password.exposed)
            }
        }
        let stored = self.users.secret(of: pool.user.name)
        var credentials = ServerCredentials(pool.shared.known.learned)
        credentials.storedSecret = stored ?? credentials.storedSecret
        if case .plain(let password)? = stored { credentials.password = password }
        // A password in the database entry is for whoever connects, unless the user has a better
        // one.
        if credentials.password == nil, let password = pool.database.settings.password {
            credentials.password = password.exposed
        }
        return credentials
    }

    /// Whether a pool's server could be logged in to before any client has shown its keys.
    func hasCredentials(_ pool: PoolEntry) -> Bool {
        if pool.shared.known.clientsHaveLoggedIn { return true }
        if case .scram? = self.users.secret(of: pool.user.name),
            pool.database.settings.password == nil
        {
            return false
        }
        return true
    }

    /// Tells the pool set whether the pool's minimum can and must be kept.
    func refreshFilling(_ pool: PoolEntry) {
        self.pools.setFilling(
            of: pool.id,
            always: pool.database.settings.user == pool.user.name && !pool.database.isRemoved,
            hasCredentials: self.hasCredentials(pool)
        )
    }

    // MARK: The greeting

    /// Ends a login: the client learns what the server says of itself, its key, and that it may
    /// begin.
    func greet(_ client: ClientConnection) {
        guard let pool = client.pool, let login = client.login else {
            preconditionFailure("a client greeted before its time")
        }
        self.addHost(to: login, of: client)
        self.writer.removeAll()
        self.writer.authentication(code: AuthenticationRequest.ok.code)
        let wanted = pool.spellings.spelled(login.wanted)
        guard let values = pool.greeting?.write(to: &self.writer, wanted: wanted) else {
            preconditionFailure("a client greeted without a greeting")
        }
        client.parameters = self.parameters.hold(self.wish(values, client, login, pool))
        client.login = nil
        self.enterPool(client, pool)
        self.readyClients.append(client.id)
    }

    /// Sends a greeting whose first part is in the writer, and opens the client's session.
    func enterPool(_ client: ClientConnection, _ pool: PoolEntry) {
        let key = self.newKey(for: client)
        self.writer.backendKeyData(key)
        self.writer.readyForQuery(.idle)
        client.policy = self.policy(for: client, pool)
        client.session = ClientSession(mode: client.policy.mode)
        client.sharesStatements =
            client.policy.mode != .session && client.replication == .none
            && self.settings.global.maxPreparedStatements > 0
        client.session.isSimpleQueryDisabled = self.isSimpleQueryDisabled(for: client)
        client.reader = FrameReader(limit: self.settings.global.maxPacketSize)
        client.phase = .ready
        client.ticket = .none
        client.idleSince = self.loop.now
        self.send(self.writer.bytes, to: client.socket)
    }

    /// Replication commands are simple queries, so `disable_pqexec` does not concern them.
    func isSimpleQueryDisabled(for client: ClientConnection) -> Bool {
        self.settings.global.disablePqexec && client.replication == .none
    }

    /// `application_name_add_host`: PostgreSQL's own views then say where a client really is.
    func addHost(to login: ClientLogin, of client: ClientConnection) {
        guard self.settings.global.applicationNameAddHost,
            let place = self.parameters.place(of: "application_name")
        else { return }
        let name = login.wanted[place] ?? ""
        let address = client.address
        login.wanted[place] = name.isEmpty ? address : "\(name) - \(address)"
    }

    /// Gives a client its cancel key. Nothing in it is a server's, so its form is the one of the
    /// protocol spoken with the client, whatever the servers speak.
    func newKey(for client: ClientConnection) -> CancelKey {
        let length =
            client.protocolMinor >= 2 ? CancelKeys.longSecretLength : CancelKeys.shortSecretLength
        while true {
            let number = UInt32(truncatingIfNeeded: self.random.next())
            let key = CancelKey(
                processID: CancelKeys.processID(
                    number,
                    worker: self.index,
                    origin: self.origin
                ),
                secret: self.random.bytes(length)
            )
            if key.processID != 0, self.keys.insert(key, for: client.id) {
                client.processID = key.processID
                return key
            }
        }
    }
}
