/// A worker's share of a pool: the server connections that one user has to one database, and the
/// clients that wait for one.
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

    /// The PostgreSQL servers that its connections may go to, by their places among the caps.
    public internal(set) var hosts: [Int] = []

    /// Idle servers, the longest idle first.
    var idle: [Idle] = []
    /// Clients that wait for a server.
    public internal(set) var waiters = WaitQueue()
    /// Clients whose login waits for what only a server can tell (the first ones of a pool).
    public internal(set) var greetings = WaitQueue()

    /// Clients whose login waits for a slot for a connection of their own.
    public internal(set) var dedicated = WaitQueue()

    /// Servers by place; idle ones are `idle`.
    var counts = PlaceCounts()

    /// Servers that other workers have sent here, or are asked for.
    var inbound = 0

    /// Servers being opened that have logged in, so that the fleet counts them.
    var inFleet = 0
    /// What the worker has told the fleet.
    var told = PoolSet.Told()

    /// Whether `minimumSize` applies although no client is connected (the database forces its
    /// user).
    public internal(set) var isAlwaysFilled = false
    /// Whether a login can be tried at all: pass-through keys exist only after a client's login.
    public internal(set) var hasCredentials = true

    /// When a connection was last closed for its age, so that not all are closed at once.
    var lastLifetimeClose: Instant = .min

    init(database: Int, user: Int, limits: PoolLimits) {
        self.database = database
        self.user = user
        self.limits = limits
    }

    /// A server goes from one place to another.
    mutating func moved(
        _ server: ServerID,
        from old: ServerPlace,
        to new: ServerPlace,
        now: Instant
    ) {
        self.counts.add(-1, at: old)
        self.counts.add(1, at: new)
        if old == .idle { self.removeIdle(server) }
        if new == .idle { self.idle.append(Idle(server: server, since: now)) }
    }

    private mutating func removeIdle(_ server: ServerID) {
        // The last one in is the first one out, as a rule.
        if self.idle.last?.server == server {
            self.idle.removeLast()
            return
        }
        let place = self.idle.lastIndex { $0.server == server }
        guard let place else { preconditionFailure("an idle server is not listed as idle") }
        self.idle.remove(at: place)
    }

    /// How many servers are at a place.
    public func count(_ place: ServerPlace) -> Int { self.counts.count(place) }

    /// Servers that somebody waits for and that are not on their way.
    var demand: Int {
        let asked = self.waiters.count + (self.greetings.isEmpty ? 0 : 1)
        return asked - self.count(.opening) - self.count(.testing) - self.inbound
    }

    /// Servers that are kept though nobody uses them.
    func minimum(_ shared: SharedCounts.PoolCounts) -> Int {
        guard shared.clients > 0 || self.isAlwaysFilled else { return 0 }
        let size = self.limits.size
        return size == 0 ? self.limits.minimumSize : min(self.limits.minimumSize, size)
    }

    /// Servers missing to the minimum.
    func shortfall(_ shared: SharedCounts.PoolCounts) -> Int {
        self.minimum(shared) - shared.pooled
    }

    /// Since when the oldest waiter of either kind waits.
    var oldestWait: Instant? {
        switch (self.waiters.oldest, self.greetings.oldest) {
        case (let first?, let second?): min(first, second)
        case (let first, let second): first ?? second
        }
    }

    /// Whether this pool's own limits allow one more connection beside those that take `slots`.
    ///
    /// - Parameter oldest: since when the oldest of those waits who want it.
    func hasRoom(beside slots: Int, oldest: Instant?, now: Instant) -> Bool {
        guard self.limits.size > 0 else { return true }
        if slots < self.limits.size { return true }
        guard self.limits.reserveSize > 0, self.limits.reserveTimeout > 0,
            let oldest, now - oldest >= self.limits.reserveTimeout
        else { return false }
        return slots < self.limits.size + self.limits.reserveSize
    }

    /// Whether so many connections are more than the pool's size: some are from the reserve.
    func isOverSize(_ living: Int) -> Bool { self.limits.size > 0 && living > self.limits.size }
}
