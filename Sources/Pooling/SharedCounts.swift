/// What all workers of the process count together: server connections against the limits of
/// their pool, database, user, PostgreSQL server and process, clients against theirs, and how
/// logins to a server go.
///
/// A worker holds this value only for as long as it opens or closes something; nothing on the data
/// path needs it. A `PoolSet` that is alone keeps it all the time.
public struct SharedCounts: Equatable, Sendable {
    /// What workers count together for one pool.
    public struct PoolCounts: Equatable, Sendable {
        /// The database's place among the caps.
        public let database: Int
        /// The user's place among the caps.
        public let user: Int

        /// Slots taken, those of connections that are being opened or closed included.
        public internal(set) var used = 0
        /// Of those, the ones whose connections are being opened.
        public internal(set) var opening = 0
        /// Of those, the ones whose connections are one client's own, being opened or open.
        public internal(set) var dedicated = 0
        /// Of those, the ones that stream: such a connection does not end by itself.
        public internal(set) var streaming = 0
        /// Of the slots taken, the ones whose connections are being closed.
        public internal(set) var closing = 0

        /// Of those being opened, the ones that have logged in, so that the fleet counts them.
        var inFleet = 0

        /// What all workers have told the fleet.
        var told = PoolSet.Told()
        /// The PostgreSQL servers that its connections may go to, for workers that have it not.
        var hosts: [Int] = []

        /// Clients that wait for a slot for a connection of their own.
        public internal(set) var dedicatedWanted = 0

        /// Of the slots taken, the ones whose connections clients keep beyond their transactions,
        /// or are about to.
        public internal(set) var pinned = 0

        /// Clients that are logged in to this pool.
        public internal(set) var clients = 0

        /// Logins that failed since the last good one.
        public internal(set) var failures = 0
        /// No login is tried before.
        public internal(set) var retryAt: Instant = .min
        /// Since when the server cannot be reached; nil when it can, or when it has not been tried.
        public internal(set) var downSince: Instant?
        /// Logins that may be under way at once, as the server has been seen to take them.
        var parallelism = PoolLimits.firstParallelism

        /// Slots whose connections serve, could serve, or soon will.
        public var living: Int { self.used - self.closing }

        /// Slots that are taken, or should be: while a client waits for a connection of its own,
        /// the pool is as full as if it had it, so that one of the others makes room.
        public var claimed: Int { self.living + self.dedicatedWanted }

        /// Slots whose connections any client of the pool can use, now or soon.
        var pooled: Int { self.living - self.dedicated }

        /// Slots whose connections have logged in, are not being closed, and serve whoever comes.
        public var serving: Int { self.pooled - self.opening }

        /// Idle ones that fill no minimum, as the workers have told.
        var spare: Int { max(0, self.serving - self.told.used) }

        /// Whether a connection stands that serves whoever comes.
        var hasServers: Bool { self.serving > 0 }

        /// Notes a failure to log in; the next try waits longer each time. Logins that were under
        /// way together and fail together are one try.
        mutating func backOff(now: Instant, longest: Nanoseconds) {
            guard now >= self.retryAt else { return }
            self.failures += 1
            self.parallelism = PoolLimits.firstParallelism
            let doublings = min(self.failures - 1, 20)
            let longest = max(longest, PoolLimits.retryDelayMin)
            self.retryAt = now + min(PoolLimits.retryDelayMin << Int64(doublings), longest)
        }

        /// Notes a login: the server takes what it is given, so it may be given more at once.
        mutating func loggedIn(atMost limit: Int) {
            self.failures = 0
            self.retryAt = .min
            self.downSince = nil
            if self.parallelism < limit { self.parallelism += 1 }
        }
    }

    /// The pools, by the place that is their `PoolID`.
    public internal(set) var pools: [PoolCounts] = []
    /// One cap for each database entry.
    public internal(set) var databases: [Cap] = []
    /// One cap for each user.
    public internal(set) var users: [Cap] = []
    /// One cap for each PostgreSQL server (`server_budget`). Replication is not among what these
    /// count: PostgreSQL has places of its own for it (`max_wal_senders`).
    public internal(set) var servers: [Cap] = []
    /// All together (`max_server_connections`).
    public internal(set) var process: Cap {
        get { self.processCaps[0] }
        set { self.processCaps[0] = newValue }
    }

    /// One, out of line: the data path copies what a `PoolSet` has in line.
    private var processCaps = [Cap()]

    /// Which databases give out no servers (`PAUSE`), by their place among the caps.
    var pausedDatabases: Set<Int> = []
    /// Whether no database gives out servers.
    var isPaused = false

    /// Creates the counts of a process that has nothing yet.
    public init() {}

    // MARK: Shape

    /// Adds a database entry; returns its place.
    public mutating func addDatabase(limit: Int) -> Int {
        self.databases.append(Cap(limit: limit))
        return self.databases.count - 1
    }

    /// Adds a user; returns its place.
    public mutating func addUser(limit: Int) -> Int {
        self.users.append(Cap(limit: limit))
        return self.users.count - 1
    }

    /// Adds a PostgreSQL server; returns its place.
    public mutating func addServer(limit: Int) -> Int {
        self.servers.append(Cap(limit: limit))
        return self.servers.count - 1
    }

    /// Adds a pool; returns its place.
    public mutating func addPool(database: Int, user: Int) -> PoolID {
        self.pools.append(PoolCounts(database: database, user: user))
        return PoolID(index: self.pools.count - 1)
    }

    /// Changes the cap of a database entry.
    public mutating func setDatabaseLimit(_ limit: Int, of database: Int) {
        self.databases[database].limit = limit
    }

    /// Changes the cap of a user.
    public mutating func setUserLimit(_ limit: Int, of user: Int) {
        self.users[user].limit = limit
    }

    /// Changes the cap of a PostgreSQL server; nil for one that is not known, which lets nothing
    /// be opened and closes nothing.
    public mutating func setServerLimit(_ limit: Int?, of server: Int) {
        self.servers[server].isUnknown = limit == nil
        self.servers[server].limit = limit ?? 0
    }

    /// Changes what the fleet allows at a PostgreSQL server; nil where there is no fleet.
    ///
    /// - Parameter inUse: connections that the fleet wants back, more than before, which may be
    ///   taken from clients as they come back.
    public mutating func setStanding(_ standing: FleetStanding?, inUse: Int, of server: Int) {
        self.servers[server].standing = standing
        let owed = max(0, (standing?.owed ?? 0) - self.servers[server].closing)
        self.servers[server].owedInUse = min(self.servers[server].owedInUse + inUse, owed)
    }

    /// Changes the cap of the process.
    public mutating func setProcessLimit(_ limit: Int) { self.process.limit = limit }

    /// Stops (or starts again) opening connections; nil means for all databases.
    public mutating func setPaused(_ isPaused: Bool, database: Int?) {
        guard let database else {
            self.isPaused = isPaused
            return
        }
        if isPaused {
            self.pausedDatabases.insert(database)
        } else {
            self.pausedDatabases.remove(database)
        }
    }

    func isPaused(_ pool: PoolID) -> Bool {
        self.isPaused || self.pausedDatabases.contains(self.pools[pool.index].database)
    }

    // MARK: Clients

    /// A limit on clients that has been reached.
    public enum ClientLimit: Equatable, Sendable {
        /// `max_db_client_connections`.
        case database
        /// `max_user_client_connections`.
        case user
    }

    /// A client logs in: it is counted, unless there are as many as may be already.
    ///
    /// - Parameters:
    ///   - database: the database entry's place.
    ///   - user: the place of the user that the client counts as.
    ///   - limits: the most clients of each; 0 for no limit.
    public mutating func admit(
        database: Int,
        user: Int,
        limits: (database: Int, user: Int)
    ) -> ClientLimit? {
        if limits.database > 0, self.databases[database].clients >= limits.database {
            return .database
        }
        if limits.user > 0, self.users[user].clients >= limits.user { return .user }
        self.databases[database].clients += 1
        self.users[user].clients += 1
        return nil
    }

    /// A client that was admitted has gone.
    public mutating func dismiss(database: Int, user: Int) {
        precondition(
            self.databases[database].clients > 0 && self.users[user].clients > 0,
            "more clients left than were admitted"
        )
        self.databases[database].clients -= 1
        self.users[user].clients -= 1
    }

    // MARK: Slots

    /// Whether pools share a limit with this one.
    func isLimited(_ pool: PoolID) -> Bool {
        let counts = self.pools[pool.index]
        return self.databases[counts.database].limit > 0 || self.users[counts.user].limit > 0
            || self.process.limit > 0
    }

    func hasRoom(for pool: PoolID) -> Bool {
        let counts = self.pools[pool.index]
        return self.databases[counts.database].hasRoom && self.users[counts.user].hasRoom
            && self.process.hasRoom
    }

    /// - Parameter server: the place of the PostgreSQL server's cap; nil where none counts it.
    mutating func count(_ change: SlotChange, in pool: PoolID, at server: Int?) {
        let counts = self.pools[pool.index]
        self.pools[pool.index].used += change.used
        self.pools[pool.index].opening += change.opening
        self.pools[pool.index].dedicated += change.dedicated
        self.pools[pool.index].closing += change.closing
        self.databases[counts.database].count(change)
        self.users[counts.user].count(change)
        if let server { self.servers[server].count(change) }
        self.process.count(change)
    }
}
