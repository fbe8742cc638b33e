import Auth
import Logging
import Pooling
import Reactor
import Settings
import Wire

/// Databases, users and pools by name, and the settings that apply to them.
extension Worker {
    /// The database of a name; made from `*` if the configuration has that and not the name.
    func database(named name: String) -> DatabaseEntry? {
        if let entry = self.databaseEntries[name] {
            entry.use(now: self.loop.now)
            return entry
        }
        guard let settings = self.settings.database(named: name),
            self.databaseEntries.count + self.forgottenDatabases.count < Self.databasesMax
        else { return nil }
        return self.addDatabase(name, settings, isAutomatic: true)
    }

    private func addDatabase(
        _ name: String,
        _ settings: DatabaseSettings,
        isAutomatic: Bool
    ) -> DatabaseEntry {
        if let known = self.forgottenDatabases.removeValue(forKey: name) {
            self.recall(known, settings, isAutomatic: isAutomatic)
            known.clientsMax = self.settings.maxDbClientConnections(database: name)
            return known
        }
        let (shared, isNew) = self.process.database(name, now: self.loop.now)
        let entry = DatabaseEntry(
            name: name,
            shared: shared,
            settings: settings,
            isAutomatic: isAutomatic
        )
        self.setLimit(of: entry)
        self.refreshHosts(of: entry)
        entry.epoch = self.epoch
        if isNew, isAutomatic {
            self.logger.info("registered new auto-database: \(name)")
            self.tellPeers(.databaseChanged(name))
        }
        self.recallElsewhere(entry)
        entry.clientsMax = self.settings.maxDbClientConnections(database: name)
        self.databaseEntries[name] = entry
        return entry
    }

    private func setLimit(of entry: DatabaseEntry) {
        let limit = self.settings.maxDbConnections(database: entry.name)
        self.withShared { self.pools.shared.setDatabaseLimit(limit, of: entry.cap) }
    }

    /// A database that all had forgotten is used here.
    private func recallElsewhere(_ entry: DatabaseEntry) {
        guard self.process.recall(entry.cap) else { return }
        // Before anybody can log in, here or elsewhere.
        self.process.forgetFacts(ofDatabase: entry.cap)
        self.tellPeers(.databaseChanged(entry.name))
    }

    /// Another worker has made or forgotten an automatic database, or uses it again.
    func databaseChanged(_ name: String) {
        if let known = self.databaseEntries[name] {
            guard known.isAutomatic, self.process.isForgotten(known.cap) else { return }
            if self.process.isUsed(known.cap), self.process.recall(known.cap) {
                // Somebody has come here before the word did.
                self.tellPeers(.databaseChanged(name))
            } else {
                self.forget(known)
            }
        } else {
            _ = self.database(named: name)
        }
    }

    /// Brings back a database that was taken out, with its pools as if they were new.
    private func recall(
        _ entry: DatabaseEntry,
        _ settings: DatabaseSettings,
        isAutomatic: Bool
    ) {
        entry.settings = settings
        entry.isAutomatic = isAutomatic
        entry.isRemoved = false
        entry.isDisabled = false
        entry.use(now: self.loop.now)
        entry.hostTurn = 0
        entry.epoch = self.epoch
        self.databaseEntries[entry.name] = entry
        self.setLimit(of: entry)
        self.refreshHosts(of: entry)
        self.setPaused(false, entry.cap)
        // One that a reload brings back: the first worker reads it before all others.
        if self.isFirst, !isAutomatic { self.process.forgetFacts(ofDatabase: entry.cap) }
        self.recallElsewhere(entry)
        for pool in self.poolEntries where pool.database === entry {
            self.refreshSettings(of: pool)
        }
    }

    /// Brings a pool to the settings in force.
    private func refreshSettings(of pool: PoolEntry) {
        pool.policy = nil
        pool.mode = self.poolMode(pool.database.name, pool.user.name)
        self.pools.setLimits(self.limits(pool.database.name, pool.user.name), of: pool.id)
        self.refreshFilling(pool)
    }

    func userEntry(_ name: String) -> UserEntry {
        if let entry = self.userEntries[name] { return entry }
        let limit = self.settings.maxUserConnections(user: name)
        let entry = UserEntry(name: name, cap: self.process.user(name))
        self.withShared { self.pools.shared.setUserLimit(limit, of: entry.cap) }
        entry.clientsMax = self.settings.maxUserClientConnections(user: name)
        self.userEntries[name] = entry
        return entry
    }

    func pool(_ database: DatabaseEntry, _ userName: String) -> PoolEntry {
        let name = PoolName(database: database.name, user: userName)
        if let entry = self.poolsByName[name] { return entry }
        let user = self.userEntry(userName)
        let (shared, unknown) = self.process.pool(
            database: database.cap,
            user: user.cap,
            knownPools: self.poolsByID.count
        )
        // Pools of other workers get their places, and their settings when somebody here wants one.
        for other in unknown {
            self.pools.addShare(database: other.database, user: other.user, limits: PoolLimits())
            self.poolsByID.append(nil)
        }
        let entry = PoolEntry(
            shared,
            place: self.poolEntries.count,
            database: database,
            user: user
        )
        self.poolsByID[shared.id.index] = entry
        self.pools.setLimits(self.limits(database.name, userName), of: shared.id)
        entry.mode = self.poolMode(database.name, userName)
        self.poolEntries.append(entry)
        self.poolsByName[name] = entry
        self.refreshHosts(of: entry)
        self.refreshFilling(entry)
        return entry
    }

    /// Databases of the configuration and automatic ones, present and forgotten; a further name is
    /// taken for one that does not exist.
    static let databasesMax = 65_536

    /// Takes a database out. Its pools stay as empty places, since places are never renumbered; it
    /// gets them back when its name comes again, so that databases that come and go need no more.
    func forget(_ database: DatabaseEntry) {
        // PgBouncer's words, which log readers look for.
        let reason = "it does not exist anymore or inactive auto-database"
        self.logger.warning("dropping database '\(database.name)' as \(reason)")
        database.isRemoved = true
        self.databaseEntries[database.name] = nil
        self.forgottenDatabases[database.name] = database
        for pool in self.poolEntries where pool.database === database { self.refreshFilling(pool) }
    }

    // MARK: Settings

    private func poolMode(_ database: String, _ user: String) -> Pooling.PoolMode {
        switch self.settings.poolMode(database: database, user: user) {
        case .session: .session
        case .transaction: .transaction
        case .statement: .statement
        }
    }

    private static func rule(_ state: SessionState) -> SessionStateRule {
        switch state {
        case .pin: .pin
        case .reset: .reset
        case .reject: .reject
        case .ignore: .ignore
        }
    }

    private func limits(_ database: String, _ user: String) -> PoolLimits {
        let global = self.settings.global
        var limits = PoolLimits()
        limits.size = self.settings.poolSize(database: database, user: user)
        limits.minimumSize = self.settings.minPoolSize(database: database, user: user)
        limits.reserveSize = self.settings.reservePoolSize(database: database, user: user)
        limits.reserveTimeout = global.reservePoolTimeout.nanoseconds
        limits.loginParallelism = global.serverLoginParallelism
        limits.pinnedMax = self.settings.maxPinned(database: database, user: user)
        limits.lifetime = self.settings.serverLifetime(database: database).nanoseconds
        limits.idleTimeout = global.serverIdleTimeout.nanoseconds
        limits.checkDelay =
            global.serverCheckQuery.isEmpty ? nil : global.serverCheckDelay.nanoseconds
        limits.isRoundRobin = global.serverRoundRobin
        limits.waitTimeout = global.queryWaitTimeout.nanoseconds
        limits.downTimeout = global.databaseDownTimeout.nanoseconds
        limits.notifyAfter = global.queryWaitNotify.nanoseconds
        limits.retryDelayMax = global.serverLoginRetry.nanoseconds
        return limits
    }

    func policy(for client: ClientConnection, _ pool: PoolEntry) -> ClientPolicy {
        // A stream is one query that never ends, and a base backup a long one: neither has a limit,
        // nor is it slow.
        if client.replication != .none { return ClientPolicy(mode: .session) }
        let user = client.userName
        if let known = pool.policy, known.user == user { return known.value }
        let policy = ClientPolicy(
            mode: pool.mode,
            queryTimeout: self.settings.queryTimeout(user: user).nanoseconds,
            transactionTimeout: self.settings.transactionTimeout(user: user).nanoseconds,
            idleTransactionTimeout: self.settings.idleTransactionTimeout(user: user).nanoseconds,
            clientIdleTimeout: self.settings.clientIdleTimeout(user: user).nanoseconds,
            sessionState: Self.rule(
                self.settings.sessionState(database: pool.database.name, user: user)
            ),
            pinTimeout: self.settings.pinTimeout(database: pool.database.name, user: user)
                .nanoseconds,
            prepareAnonymous: self.settings.prepareAnonymous(
                database: pool.database.name,
                user: user
            ),
            slowThreshold: self.settings.slowQueryThreshold(
                database: pool.database.name,
                user: user
            )
            .time?.nanoseconds
        )
        pool.policy = (user, policy)
        return policy
    }

    /// Brings databases, users, pools and clients to the settings in force.
    func applySettings(_ settings: Settings) {
        self.settings = settings
        // The first worker hears of settings before all others.
        if self.isFirst { self.process.follow(settings.serverBudgets) }
        self.withShared {
            self.pools.shared.setProcessLimit(settings.global.maxServerConnections)
        }
        for (name, database) in settings.databases {
            if let entry = self.databaseEntries[name] {
                entry.settings = database
                entry.isAutomatic = false
            } else {
                let entry = self.addDatabase(name, database, isAutomatic: false)
                if let user = database.user { _ = self.pool(entry, user) }
            }
        }
        // Its sessions are the fleet's before the first client comes.
        self.process.know(roles: [settings.fallbackDatabase?.user].compactMap { $0 })
        for entry in self.databaseEntries.values {
            if entry.isAutomatic, let database = settings.database(named: entry.name) {
                entry.settings = database
            }
            self.setLimit(of: entry)
            self.refreshHosts(of: entry)
            entry.clientsMax = settings.maxDbClientConnections(database: entry.name)
        }
        self.leaveSeats()
        for user in self.userEntries.values {
            let limit = settings.maxUserConnections(user: user.name)
            self.withShared { self.pools.shared.setUserLimit(limit, of: user.cap) }
            user.clientsMax = settings.maxUserClientConnections(user: user.name)
        }
        for pool in self.poolEntries { self.refreshSettings(of: pool) }
        for client in self.clients.all where client.phase == .ready {
            guard let pool = client.pool else { continue }
            client.policy = self.policy(for: client, pool)
            client.session.isSimpleQueryDisabled = self.isSimpleQueryDisabled(for: client)
            // A client in the middle of something keeps its mode until it has no server.
            if client.server == nil { client.session.mode = client.policy.mode }
        }
    }

    func setUsers(_ users: UserList) {
        self.users = users
        self.process.know(roles: users.users)
        self.derivedSecrets.removeAll()
        for pool in self.poolEntries { self.refreshFilling(pool) }
    }
}
