/// Servers that go from one worker to another. Their slots go with them, so nothing here needs the
/// shared counts.
extension PoolSet {
    /// Takes an idle server that another worker has somebody waiting for; nil when there is none
    /// to spare.
    public mutating func nextDeparture(
        from pool: PoolID,
        now: Instant
    ) -> (server: ServerID, needsCheck: Bool)? {
        guard self.pools[pool.index].waiters.isEmpty, !self.isPaused(pool),
            let idle = self.freshest(in: pool.index)
        else { return nil }
        let needsCheck = self.isCheckDue(idle, in: pool.index, now: now)
        self.move(idle.server, to: .leaving, now: now)
        return (idle.server, needsCheck)
    }

    /// Takes a server that has just come free, and that somebody who waits elsewhere has waited
    /// for clearly longer than anybody here. False when it is to be closed, so that `checkIn` must
    /// decide.
    public mutating func depart(_ server: ServerID, now: Instant) -> Bool {
        let record = self.record(server)
        guard !record.isCloseNeeded, !self.isPaused(record.pool) else { return false }
        self.move(server, to: .leaving, now: now)
        return true
    }

    /// A server has left; returns when it was connected, which the next worker must know.
    public mutating func departed(_ server: ServerID) -> Instant {
        let record = self.record(server)
        precondition(record.place == .leaving, "\(server) has left while \(record.place)")
        self.pools[record.pool.index].counts.add(-1, at: .leaving)
        self.leave(server)
        return record.connectedAt
    }

    /// A server has come from another worker; `checkIn` follows, or what is known of a server
    /// that is to be checked.
    public mutating func arrived(
        _ server: ServerID,
        in pool: PoolID,
        host: Int?,
        connectedAt: Instant,
        needsCheck: Bool
    ) {
        let place: ServerPlace = needsCheck ? .testing : .recovering
        self.enter(server, in: pool, at: place, host: host, connectedAt: connectedAt)
    }

    /// How many servers other workers have sent here, or are asked for: those are not opened.
    public mutating func setInbound(_ count: Int, of pool: PoolID) {
        self.pools[pool.index].inbound = count
    }

    /// How a pool stands here, for the other workers.
    ///
    /// Mutating although it changes nothing: so it is called in place, where any other call from
    /// another module copies the whole set and counts all its memory, twice a transaction.
    public mutating func notice(of pool: PoolID) -> PoolNotice {
        let index = pool.index
        let awaitsDedicated = self.awaitsDedicated(pool)
        if self.isPaused(pool) {
            return PoolNotice(
                wanting: 0,
                demand: 0,
                awaitsDedicated: awaitsDedicated,
                oldest: 0,
                spare: 0
            )
        }
        let wanting = max(
            0,
            self.pools[index].waiters.count - self.pools[index].count(.opening)
                - self.pools[index].count(.testing)
        )
        return PoolNotice(
            wanting: wanting,
            demand: max(0, self.pools[index].demand),
            awaitsDedicated: awaitsDedicated,
            oldest: wanting > 0 ? self.pools[index].waiters.oldest ?? 0 : 0,
            spare: self.spare(index)
        )
    }

    /// Servers that somebody waits for here, clients that log in included, and that nothing is
    /// under way for.
    public func demand(_ pool: PoolID) -> Int {
        self.isPaused(pool) ? 0 : max(0, self.pools[pool.index].demand)
    }

    /// Since when the oldest client waits here; nil when nobody does.
    // Mutating as `notice(of:)` is: asked whenever a server comes free while others wait.
    public mutating func oldestWait(_ pool: PoolID) -> Instant? {
        self.pools[pool.index].waiters.oldest
    }

    /// Idle servers that could be given away.
    private func spare(_ index: Int) -> Int {
        guard self.pools[index].waiters.isEmpty else { return 0 }
        if self.obsolete == 0 { return self.pools[index].idle.count }
        var count = 0
        for idle in self.pools[index].idle
        where !self.records[Int(idle.server.index)].isCloseNeeded {
            count += 1
        }
        return count
    }
}
