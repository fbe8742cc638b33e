/// Connections that are one client's own (replication): opened for it, closed with it, given to
/// nobody else. Each takes a slot of its pool and of every cap, like any other, but none of the
/// PostgreSQL server's.
///
/// Where the pool is full, the wish itself counts as a slot taken (`PoolCounts.claimed`): then the
/// pool is over its size, and the next server that comes free, at any worker, is closed rather than
/// handed on. Where a cap is full that pools share, an idle server of any of them goes.
extension PoolSet {
    /// A client's login waits until there is a slot for a connection of its own.
    public mutating func awaitDedicated(
        _ pool: PoolID,
        client: ClientID,
        now: Instant
    ) -> WaitQueue.Ticket {
        self.shared.pools[pool.index].dedicatedWanted += 1
        return self.pools[pool.index].dedicated.append(client, since: now)
    }

    /// A client that waited for a connection of its own has gone; false when it did not wait.
    @discardableResult
    public mutating func leaveDedicated(
        _ pool: PoolID,
        client: ClientID,
        ticket: WaitQueue.Ticket
    ) -> Bool {
        guard self.pools[pool.index].dedicated.remove(ticket, client: client) else { return false }
        self.shared.pools[pool.index].dedicatedWanted -= 1
        return true
    }

    /// Whether clients wait for connections of their own. Needs no shared counts.
    public func awaitsDedicated(_ pool: PoolID) -> Bool {
        !self.pools[pool.index].dedicated.isEmpty
    }

    /// Takes the client whose connection is to be opened now, or nil; `openedDedicated` follows.
    /// Ask until nil.
    ///
    /// A failure to log in concerns that client alone, so there is no pause after one: clients of
    /// this kind try again by themselves, seconds apart.
    public mutating func nextDedicated(in pool: PoolID, now: Instant) -> ClientID? {
        let share = self.pools[pool.index]
        let used = self.shared.pools[pool.index].used
        guard !share.dedicated.isEmpty, !self.isPaused(pool), !self.shared.isPaused(pool),
            share.hasCredentials, self.shared.hasRoom(for: pool),
            share.hasRoom(beside: used, oldest: share.dedicated.oldest, now: now)
        else { return nil }
        self.shared.pools[pool.index].dedicatedWanted -= 1
        return self.pools[pool.index].dedicated.popFirst()?.client
    }

    /// Takes an idle server whose end gives a client that waits for a connection of its own the
    /// slot that it lacks, of the same pool or another one; nil when only the pool's own size is
    /// in the way, or when there is no such server.
    ///
    /// - Parameters:
    ///   - pool: may be one of another worker, of which nothing is known here.
    ///   - demand: how many clients wait so.
    public mutating func evictForDedicated(
        _ pool: PoolID,
        demand: Int,
        now: Instant
    ) -> ServerID? {
        let database = self.shared.pools[pool.index].database
        guard !self.isPaused, !self.pausedDatabases.contains(database) else { return nil }
        // Who asked may have been served before another worker heard of it.
        let demand = min(demand, self.shared.pools[pool.index].dedicatedWanted)
        // No PostgreSQL server's cap is in the way.
        let server = self.evictable(for: pool, demand: demand, hosts: [], isOwnUseful: true)
        guard let server else { return nil }
        self.move(server, to: .closing, now: now)
        return server
    }

    /// A connection for one client alone is being opened: its slot is taken.
    public mutating func openedDedicated(_ server: ServerID, in pool: PoolID, now: Instant) {
        self.enter(server, in: pool, at: .dedicated, host: nil, connectedAt: now)
        self.shared.count(.dedicated, in: pool, at: nil)
    }

    /// A connection that is one client's own begins to stream, or ends that.
    public mutating func setStreaming(_ isStreaming: Bool, _ server: ServerID) {
        let record = self.record(server)
        guard record.isStreaming != isStreaming else { return }
        precondition(record.place == .dedicated, "\(server) streams while \(record.place)")
        self.records[Int(server.index)].isStreaming = isStreaming
        self.shared.pools[record.pool.index].streaming += isStreaming ? 1 : -1
    }

    /// Whether all of a database's connections that are not being closed are streams.
    public func onlyStreams(inDatabase database: Int) -> Bool {
        var streaming = 0
        for pool in self.shared.pools where pool.database == database {
            streaming += pool.streaming
        }
        let cap = self.shared.databases[database]
        return streaming == cap.used - cap.closing
    }
}
