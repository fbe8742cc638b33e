/// The server connections that one user has to one database, and the clients that wait for one.
///
/// A part of `PoolSet`, which alone changes it: limits that pools share can only be kept from
/// there.
public struct Pool: Equatable, Sendable {
    /// An idle server.
    struct Idle: Equatable, Sendable {
        var server: ServerID
        var since: Instant
    }

    /// Its settings.
    public internal(set) var limits: PoolLimits
    /// The database's place among the caps.
    public let database: Int
    /// The user's place among the caps.
    public let user: Int

    /// Idle servers, the longest idle first.
    var idle: [Idle] = []
    /// Clients that wait for a server.
    public internal(set) var waiters = WaitQueue()
    /// Clients whose login waits for what only a server can tell (the first ones of a pool).
    public internal(set) var greetings = WaitQueue()

    /// Servers by place; idle ones are `idle`.
    var counts = PlaceCounts()

    /// Clients that are logged in to this pool.
    public internal(set) var clients = 0
    /// Whether `minimumSize` applies although no client is connected (the database forces its
    /// user).
    public internal(set) var isAlwaysFilled = false
    /// Whether a login can be tried at all: pass-through keys exist only after a client's login.
    public internal(set) var hasCredentials = true

    /// Logins that failed since the last good one.
    public internal(set) var failures = 0
    /// No login is tried before.
    public internal(set) var retryAt: Instant = .min
    /// Since when the server cannot be reached; nil when it can, or when it has not been tried.
    public internal(set) var downSince: Instant?
    /// When a connection was last closed for its age, so that not all are closed at once.
    var lastLifetimeClose: Instant = .min

    init(database: Int, user: Int, limits: PoolLimits) {
        self.database = database
        self.user = user
        self.limits = limits
    }

    /// How many servers are at a place.
    public func count(_ place: ServerPlace) -> Int { self.counts.count(place) }

    /// Slots taken.
    public var slots: Int { self.counts.total }

    /// Slots whose connections serve or could serve.
    var living: Int { self.slots - self.count(.closing) }

    /// Servers that somebody waits for and that are not on their way.
    var demand: Int {
        let asked = self.waiters.count + (self.greetings.isEmpty ? 0 : 1)
        return asked - self.count(.opening) - self.count(.testing)
    }

    /// Servers missing to the minimum.
    var shortfall: Int {
        guard self.clients > 0 || self.isAlwaysFilled else { return 0 }
        let size = self.limits.size
        let minimum = size == 0 ? self.limits.minimumSize : min(self.limits.minimumSize, size)
        return minimum - self.living
    }

    /// Since when the oldest waiter of either kind waits.
    var oldestWait: Instant? {
        switch (self.waiters.oldest, self.greetings.oldest) {
        case (let first?, let second?): min(first, second)
        case (let first, let second): first ?? second
        }
    }

    /// Whether this pool's own limits allow one more connection.
    func hasRoom(now: Instant) -> Bool {
        guard self.limits.size > 0 else { return true }
        if self.slots < self.limits.size { return true }
        guard self.limits.reserveSize > 0, self.limits.reserveTimeout > 0,
            let oldest = self.waiters.oldest, now - oldest >= self.limits.reserveTimeout
        else { return false }
        return self.slots < self.limits.size + self.limits.reserveSize
    }

    /// Whether connections from the reserve are in use.
    var isOverSize: Bool { self.limits.size > 0 && self.living > self.limits.size }

    /// Notes a failure to log in; the next try waits longer each time.
    mutating func backOff(now: Instant) {
        self.failures += 1
        let doublings = min(self.failures - 1, 20)
        let longest = max(self.limits.retryDelayMax, PoolLimits.retryDelayMin)
        let delay = min(PoolLimits.retryDelayMin << Int64(doublings), longest)
        self.retryAt = now + delay
    }
}
