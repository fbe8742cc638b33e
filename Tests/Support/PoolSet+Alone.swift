public import Pooling

/// A set that shares its pools with no other worker.
extension PoolSet {
    /// Adds a database entry; returns its place.
    public mutating func addDatabase(limit: Int) -> Int { self.shared.addDatabase(limit: limit) }

    /// Adds a user; returns its place.
    public mutating func addUser(limit: Int) -> Int { self.shared.addUser(limit: limit) }

    /// Adds a pool for a pair of database and user.
    public mutating func addPool(database: Int, user: Int, limits: PoolLimits) -> PoolID {
        let id = self.shared.addPool(database: database, user: user)
        self.addShare(database: database, user: user, limits: limits)
        return id
    }

    /// A server is ready for a client, or closed at once.
    public mutating func checkIn(_ server: ServerID, now: Instant) -> CheckIn {
        let living = self.shared.pools[self.pool(of: server).index].claimed
        let result = self.checkIn(server, living: living, now: now)
        if case .close = result { self.closeStarted(server, now: now) }
        return result
    }
}
