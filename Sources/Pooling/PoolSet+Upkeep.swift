extension PoolSet {
    /// Something that is due because time has passed.
    public enum Due: Equatable, Sendable {
        /// The client has waited as long as it may; it has left the queue.
        case expired(ClientID, since: Instant, WaitEnd)
        /// Likewise for a client whose login waits.
        case greetingExpired(ClientID, WaitEnd)
        /// The client is told that it waits.
        case notify(ClientID)
        /// The server is closed; its place is `closing` already.
        case close(ServerID, CloseReason)
    }

    /// Why a wait ends without a server.
    public enum WaitEnd: Equatable, Sendable {
        /// `query_wait_timeout`.
        case timeout
        /// `database_down_timeout`.
        case databaseDown
    }

    /// Collects what is due at `now`. `nextOpening(now:)` is asked separately.
    public mutating func upkeep(now: Instant, _ due: inout [Due]) {
        for host in self.shared.servers.indices where self.shared.servers[host].isOwing {
            self.tellUse(at: host)
        }
        for index in self.pools.indices {
            self.expireWaiters(index, now: now, &due)
            self.closeIdle(index, now: now, &due)
        }
    }

    private mutating func expireWaiters(_ index: Int, now: Instant, _ due: inout [Due]) {
        let pool = self.pools[index]
        guard !pool.waiters.isEmpty || !pool.greetings.isEmpty || !pool.dedicated.isEmpty
        else { return }
        var limit: (age: Nanoseconds, end: WaitEnd)?
        if pool.limits.waitTimeout > 0 { limit = (pool.limits.waitTimeout, .timeout) }
        let shared = self.shared.pools[index]
        if pool.limits.downTimeout > 0, shared.downSince != nil, !shared.hasServers,
            pool.limits.downTimeout < limit?.age ?? .max
        {
            limit = (pool.limits.downTimeout, .databaseDown)
        }
        if let limit {
            let since = now - limit.age
            while let waiter = self.pools[index].waiters.popFirst(since: since) {
                due.append(.expired(waiter.client, since: waiter.since, limit.end))
            }
            while let waiter = self.pools[index].greetings.popFirst(since: since) {
                due.append(.greetingExpired(waiter.client, limit.end))
            }
            while let waiter = self.pools[index].dedicated.popFirst(since: since) {
                self.shared.pools[index].dedicatedWanted -= 1
                due.append(.greetingExpired(waiter.client, limit.end))
            }
        }
        if pool.limits.notifyAfter > 0 {
            self.pools[index].waiters.notify(since: now - pool.limits.notifyAfter) {
                due.append(.notify($0))
            }
        }
    }

    private mutating func closeIdle(_ index: Int, now: Instant, _ due: inout [Due]) {
        // The longest idle first; a copy, since moving one changes the list.
        for idle in self.pools[index].idle {
            guard let reason = self.reasonToCloseIdle(idle, index, now: now) else { continue }
            self.move(idle.server, to: .closing, now: now)
            due.append(.close(idle.server, reason))
        }
    }

    private mutating func reasonToCloseIdle(
        _ idle: Pool.Idle,
        _ index: Int,
        now: Instant
    ) -> CloseReason? {
        let record = self.record(idle.server)
        let pool = self.pools[index]
        if record.isCloseNeeded { return .closeNeeded }
        if self.isPaused(record.pool) { return .paused }
        let shared = self.shared.pools[index]
        if pool.isOverSize(shared.claimed) || self.isOverCap(record) { return .tooManyServers }
        if let host = record.host, self.isGivenBack(index, at: host) { return .givenBack }
        let limits = pool.limits
        if limits.idleTimeout > 0, now - idle.since >= limits.idleTimeout,
            shared.pooled > limits.minimumSize || (shared.clients == 0 && !pool.isAlwaysFilled)
        {
            return .serverIdleTimeout
        }
        guard self.isOverAge(record, now: now) else { return nil }
        self.pools[index].lastLifetimeClose = now
        return .serverLifetime
    }

    /// Whether one of the limits that a server shares with other pools' has been lowered below what
    /// there is.
    private func isOverCap(_ record: Record) -> Bool {
        let counts = self.shared.pools[record.pool.index]
        return self.shared.databases[counts.database].isOver
            || self.shared.users[counts.user].isOver || self.shared.process.isOver
            || (record.host.map { self.shared.servers[$0].isOver } ?? false)
    }

    /// Whether an idle server has been idle for so long that it is checked before its next use.
    /// Needs no shared counts.
    public mutating func needsCheck(_ server: ServerID, now: Instant) -> Bool {
        guard self.place(of: server) == .idle else { return false }
        let pool = self.pools[self.record(server).pool.index]
        guard let delay = pool.limits.checkDelay,
            let idle = pool.idle.first(where: { $0.server == server })
        else { return false }
        return now - idle.since >= delay
    }

    // MARK: Pause

    /// Stops (or starts again) giving out servers; nil means for all databases. Needs no shared
    /// counts.
    public mutating func setPaused(_ isPaused: Bool, database: Int?) {
        if let database {
            if isPaused {
                self.pausedDatabases.insert(database)
            } else {
                self.pausedDatabases.remove(database)
            }
        } else {
            self.isPaused = isPaused
        }
    }

    /// Slots that the database's connections take, those of all databases for nil.
    public func slots(ofDatabase database: Int?) -> Int {
        database.map { self.shared.databases[$0].used } ?? self.shared.process.used
    }

    /// Takes an idle server to be checked for a waiter that nothing is under way for: after another
    /// check has failed. Ask until nil, and before `nextServed`.
    public mutating func nextTest(_ pool: PoolID, now: Instant) -> ServerID? {
        guard let idle = self.idleForWaiter(pool), self.isCheckDue(idle, in: pool.index, now: now)
        else { return nil }
        self.move(idle.server, to: .testing, now: now)
        return idle.server
    }

    /// Takes a waiter that gets an idle server, checked or not, one a call: after a pause has
    /// ended, a check has failed or a client has been put back into the queue. Otherwise no server
    /// is idle while somebody waits.
    public mutating func nextServed(
        _ pool: PoolID,
        now: Instant
    ) -> (client: ClientID, server: ServerID, since: Instant)? {
        guard let idle = self.idleForWaiter(pool),
            let waiter = self.pools[pool.index].waiters.popFirst()
        else { return nil }
        self.move(idle.server, to: .active, now: now)
        return (waiter.client, idle.server, waiter.since)
    }

    /// An idle server that somebody waits for; those for whom a check is under way are as good as
    /// served.
    private func idleForWaiter(_ id: PoolID) -> Pool.Idle? {
        let pool = self.pools[id.index]
        guard !self.isPaused(id), pool.waiters.count > pool.count(.testing) else { return nil }
        return self.freshest(in: id.index)
    }
}
