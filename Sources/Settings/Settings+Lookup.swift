/// What applies to a pool or a client, with PgBouncer's precedence: the user's value, then the
/// database's, then the global one.
///
/// `database` is the name that the client asked for; a name that has no entry is looked up as `*`.
/// `user` is the user of the pool (the database's `user=` if it has one) for what belongs to pools,
/// and the user who logged in for what belongs to clients.
extension Settings {
    /// The entry for a database's name: its own, or `*` under that name.
    ///
    /// - Returns: `nil` when there is neither, or when the name is longer than a name can be.
    public func database(named name: String) -> DatabaseSettings? {
        if let database = self.databases[name] { return database }
        guard var database = self.fallbackDatabase,
            name.utf8.count <= SettingsLimits.databaseNameBytes
        else { return nil }
        database.name = name
        return database
    }

    /// When the pool's server connections go back.
    public func poolMode(database: String, user: String) -> PoolMode {
        self.users[user]?.poolMode ?? self.entry(database)?.poolMode ?? self.global.poolMode
    }

    /// How many server connections the pool may have; 0 = no limit.
    public func poolSize(database: String, user: String) -> Int {
        self.users[user]?.poolSize ?? self.entry(database)?.poolSize ?? self.global.defaultPoolSize
    }

    /// How many more it may have when its clients wait long.
    public func reservePoolSize(database: String, user: String) -> Int {
        self.users[user]?.reservePoolSize ?? self.entry(database)?.reservePoolSize
            ?? self.global.reservePoolSize
    }

    /// How many it keeps open: never more than its size.
    public func minPoolSize(database: String, user: String) -> Int {
        let minimum = self.entry(database)?.minPoolSize ?? self.global.minPoolSize
        let size = self.poolSize(database: database, user: user)
        return size == 0 ? minimum : min(minimum, size)
    }

    /// How many server connections the database entry may have over all users; 0 = no limit.
    public func maxDbConnections(database: String) -> Int {
        self.entry(database)?.maxDbConnections ?? self.global.maxDbConnections
    }

    /// How many clients the database entry may have; 0 = no limit.
    public func maxDbClientConnections(database: String) -> Int {
        self.entry(database)?.maxDbClientConnections ?? self.global.maxDbClientConnections
    }

    /// How many server connections the user may have over all databases; 0 = no limit.
    public func maxUserConnections(user: String) -> Int {
        self.users[user]?.maxUserConnections ?? self.global.maxUserConnections
    }

    /// How many clients the user may have; 0 = no limit.
    public func maxUserClientConnections(user: String) -> Int {
        self.users[user]?.maxUserClientConnections ?? self.global.maxUserClientConnections
    }

    /// The age at which an unused server connection is closed.
    public func serverLifetime(database: String) -> TimeSetting {
        self.entry(database)?.serverLifetime ?? self.global.serverLifetime
    }

    /// How long a query of the user may take; zero = no limit.
    public func queryTimeout(user: String) -> TimeSetting {
        self.users[user]?.queryTimeout ?? self.global.queryTimeout
    }

    /// How long a transaction of the user may take; zero = no limit.
    public func transactionTimeout(user: String) -> TimeSetting {
        self.users[user]?.transactionTimeout ?? self.global.transactionTimeout
    }

    /// How long the user may be idle inside a transaction; zero = no limit.
    public func idleTransactionTimeout(user: String) -> TimeSetting {
        self.users[user]?.idleTransactionTimeout ?? self.global.idleTransactionTimeout
    }

    /// How long the user may be idle outside a transaction; zero = no limit.
    public func clientIdleTimeout(user: String) -> TimeSetting {
        self.users[user]?.clientIdleTimeout ?? self.global.clientIdleTimeout
    }

    /// From which duration on a statement is logged.
    public func slowQueryThreshold(database: String, user: String) -> SlowQueryThreshold {
        self.users[user]?.slowQueryThreshold ?? self.entry(database)?.slowQueryThreshold
            ?? self.global.slowQueryThreshold
    }

    /// What becomes of session state that no other server connection could have.
    public func sessionState(database: String, user: String) -> SessionState {
        self.users[user]?.sessionState ?? self.entry(database)?.sessionState
            ?? self.global.sessionState
    }

    /// How many server connections of the pool may be pinned; nil = no limit.
    public func maxPinned(database: String, user: String) -> Int? {
        let maximum =
            self.users[user]?.maxPinned ?? self.entry(database)?.maxPinned ?? self.global.maxPinned
        if maximum >= 0 { return maximum }
        let size = self.poolSize(database: database, user: user)
        return size == 0 ? nil : max(1, size - 1)
    }

    /// How long a pinned client may be idle; zero = no limit.
    public func pinTimeout(database: String, user: String) -> TimeSetting {
        self.users[user]?.pinTimeout ?? self.entry(database)?.pinTimeout ?? self.global.pinTimeout
    }

    /// How often an unnamed statement comes before it is prepared for all; 0 = never.
    public func prepareAnonymous(database: String, user: String) -> Int {
        self.users[user]?.prepareAnonymous ?? self.entry(database)?.prepareAnonymous
            ?? self.global.prepareAnonymous
    }

    private func entry(_ name: String) -> DatabaseSettings? {
        self.databases[name] ?? self.fallbackDatabase
    }
}
