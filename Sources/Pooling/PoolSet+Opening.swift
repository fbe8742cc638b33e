extension PoolSet {
    /// What is to be done so that waiters get a server.
    public enum Opening: Equatable, Sendable {
        /// Open one connection for this pool; call `opened` with its ID.
        case open(PoolID)
        /// Close this idle server of another pool, which holds a slot that a waiter needs; its
        /// place is `closing` already.
        case evict(ServerID)
    }

    /// What to do next for one pool, or nil. Ask until nil.
    public mutating func nextOpening(in pool: PoolID, now: Instant) -> Opening? {
        let candidate = self.pools[pool.index]
        guard self.isWanting(candidate, pool), self.mayOpen(pool, now: now) else { return nil }
        if self.hasRoom(for: pool) { return .open(pool) }
        // The minimum of one pool is no reason to close what another one has.
        guard candidate.demand > 0 else { return nil }
        let (demand, hosts) = (candidate.demand, candidate.hosts)
        return self.evict(for: pool, demand: demand, hosts: hosts, now: now).map { .evict($0) }
    }

    /// Takes an idle server of another pool whose end gives `pool` a slot that it lacks; nil when
    /// it lacks none or there is no such server.
    ///
    /// - Parameters:
    ///   - pool: may be one of another worker, of which nothing is known here.
    ///   - demand: how many slots the pool wants.
    ///   - hosts: the PostgreSQL servers that its connections may go to.
    public mutating func evict(
        for pool: PoolID,
        demand: Int,
        hosts: [Int],
        now: Instant
    ) -> ServerID? {
        let server = self.evictable(for: pool, demand: demand, hosts: hosts, isOwnUseful: false)
        guard let server else { return nil }
        self.move(server, to: .closing, now: now)
        return server
    }

    /// Whether a pool has waiters, may open connections, and lacks nothing but a slot of those
    /// that pools share.
    public func lacksSharedSlot(_ pool: PoolID, now: Instant) -> Bool {
        self.pools[pool.index].demand > 0 && self.mayOpen(pool, now: now)
            && !self.hasRoom(for: pool)
    }

    private func hasRoom(for pool: PoolID) -> Bool {
        let hosts = self.pools[pool.index].hosts
        return self.shared.hasRoom(for: pool)
            && (hosts.isEmpty || hosts.contains { self.shared.servers[$0].hasRoom })
    }

    /// Which of the pool's PostgreSQL servers has room for one more connection: the next one from
    /// `turn` on. Counts in the order of `setHosts`; nil where none has, or none is set.
    public func nextHost(of pool: PoolID, from turn: Int) -> Int? {
        let hosts = self.pools[pool.index].hosts
        return hosts.indices.map { (turn + $0) % hosts.count }.first {
            self.shared.servers[hosts[$0]].hasRoom
        }
    }

    /// Whether pools share a limit with this one.
    private func isLimited(_ pool: PoolID) -> Bool {
        self.shared.isLimited(pool)
            || self.pools[pool.index].hosts.contains {
                self.shared.servers[$0].limit > 0 || self.shared.servers[$0].standing != nil
            }
    }

    /// What to do next for any pool, the one with the oldest waiter first, or nil. Ask until nil.
    public mutating func nextOpening(now: Instant) -> Opening? {
        var order: [(since: Instant, pool: PoolID)] = []
        for index in self.pools.indices {
            let pool = self.pools[index]
            guard self.isWanting(pool, PoolID(index: index)) else { continue }
            order.append((pool.oldestWait ?? .max, PoolID(index: index)))
        }
        order.sort { $0.since < $1.since }
        for entry in order {
            if let opening = self.nextOpening(in: entry.pool, now: now) { return opening }
        }
        return nil
    }

    private func isWanting(_ pool: Pool, _ id: PoolID) -> Bool {
        if pool.demand > 0 { return true }
        if self.isFillingPutOff, self.isLimited(id) { return false }
        return pool.shortfall(self.shared.pools[id.index]) > 0
    }

    private func mayOpen(_ id: PoolID, now: Instant) -> Bool {
        let pool = self.pools[id.index]
        let shared = self.shared.pools[id.index]
        // After a failure one connection tries the ground; each login that succeeds lets one more
        // be under way.
        let parallelism =
            shared.failures > 0 ? 1 : min(shared.parallelism, pool.limits.loginParallelism)
        return !self.isPaused(id) && !self.shared.isPaused(id) && pool.hasCredentials
            && shared.retryAt <= now && shared.opening < parallelism
            && pool.hasRoom(
                beside: shared.used + shared.dedicatedWanted,
                oldest: pool.waiters.oldest,
                now: now
            )
    }

    /// The longest idle server, among this worker's, of another pool whose end frees the slot that
    /// `pool` lacks: of every cap that is full, or, where no server can do that alone, of one of
    /// them.
    ///
    /// - Parameter isOwnUseful: whether an idle server of `pool` itself may go, too.
    func evictable(
        for pool: PoolID,
        demand: Int,
        hosts: [Int],
        isOwnUseful: Bool
    ) -> ServerID? {
        let wanting = self.shared.pools[pool.index]
        // Slots that come back anyhow are enough for so many.
        func isMissing(_ cap: Cap) -> Bool { cap.isFull && cap.closing < demand }
        let database = isMissing(self.shared.databases[wanting.database])
        let user = isMissing(self.shared.users[wanting.user])
        // The end of a connection does not tell anybody a limit.
        let hosts = hosts.filter { !self.shared.servers[$0].isUnknown }
        let host = !hosts.isEmpty && hosts.allSatisfy { isMissing(self.shared.servers[$0]) }
        guard database || user || host || isMissing(self.shared.process) else { return nil }
        var all: Pool.Idle?
        var some: Pool.Idle?
        for index in self.pools.indices where isOwnUseful || index != pool.index {
            let other = self.pools[index]
            // Where it matters, the longest idle of those that free the host's slot.
            let onHost = host ? other.idle.first { self.isAny(of: hosts, $0.server) } : nil
            guard let oldest = onHost ?? other.idle.first else { continue }
            let freesDatabase = database && other.database == wanting.database
            let freesUser = user && other.user == wanting.user
            let freesHost = onHost != nil
            if freesDatabase == database, freesUser == user, freesHost == host {
                if all.map({ oldest.since < $0.since }) ?? true { all = oldest }
            } else if freesDatabase || freesUser || freesHost {
                if some.map({ oldest.since < $0.since }) ?? true { some = oldest }
            }
        }
        return (all ?? some)?.server
    }

    private func isAny(of hosts: [Int], _ server: ServerID) -> Bool {
        self.records[Int(server.index)].host.map { hosts.contains($0) } ?? false
    }

    // MARK: What became of it

    /// A connection is being opened: its slot is taken.
    ///
    /// - Parameter host: the PostgreSQL server that it goes to, by its place among the caps; nil
    ///   where none counts it.
    public mutating func opened(
        _ server: ServerID,
        in pool: PoolID,
        host: Int? = nil,
        now: Instant
    ) {
        self.enter(server, in: pool, at: .opening, host: host, connectedAt: now)
        self.shared.count(.opened, in: pool, at: host)
        if let host, self.shared.servers[host].standing != nil {
            self.records[Int(server.index)].isReserved = true
            self.shared.servers[host].reserved += 1
        }
    }

    /// Makes the record of a server that this worker had not before.
    mutating func enter(
        _ server: ServerID,
        in pool: PoolID,
        at place: ServerPlace,
        host: Int?,
        connectedAt: Instant
    ) {
        let index = Int(server.index)
        while self.records.count <= index {
            self.records.append(
                Record(
                    server: .none,
                    pool: pool,
                    place: .closing,
                    isTaken: false,
                    connectedAt: connectedAt
                )
            )
        }
        precondition(!self.records[index].isTaken, "\(server) has a slot already")
        self.records[index] = Record(
            server: server,
            pool: pool,
            place: place,
            isTaken: true,
            host: host,
            connectedAt: connectedAt
        )
        self.pools[pool.index].counts.add(1, at: place)
    }

    /// A login has succeeded: the server is no longer one that is being opened; `checkIn` follows.
    public mutating func loginSucceeded(_ server: ServerID, now: Instant) {
        let index = self.record(server).pool.index
        self.records[Int(server.index)].connectedAt = now
        self.move(server, to: .recovering, now: now)
        self.shared.pools[index].loggedIn(atMost: self.pools[index].limits.loginParallelism)
    }

    /// Why a login failed, as far as it matters to those who wait.
    public enum LoginFailure: Equatable, Sendable {
        /// The server says that it is full or starting (53300, 57P03): wait and try again.
        case busy
        /// The server says no to this user or database, or what it says cannot be understood: all
        /// who wait get the reason.
        case refused
        /// There is no server to ask: who waits too long gets the reason.
        case unreachable
    }

    /// A login has failed; the connection is being closed. Returns whether all who wait are to be
    /// told the reason.
    public mutating func loginFailed(
        _ server: ServerID,
        _ failure: LoginFailure,
        now: Instant
    ) -> Bool {
        let index = self.record(server).pool.index
        self.startupSent(server)
        self.move(server, to: .closing, now: now)
        self.shared.pools[index].backOff(
            now: now,
            longest: self.pools[index].limits.retryDelayMax
        )
        if failure == .unreachable, self.shared.pools[index].downSince == nil {
            self.shared.pools[index].downSince = now
        }
        if failure != .unreachable { self.shared.pools[index].downSince = nil }
        // Who waits while other connections of the pool work is served by those.
        return failure == .refused && !self.shared.pools[index].hasServers
    }

    /// A server is being closed, wherever it stood.
    public mutating func closeStarted(_ server: ServerID, now: Instant) {
        guard self.place(of: server) != .closing else { return }
        self.startupSent(server)
        self.setStreaming(false, server)
        self.move(server, to: .closing, now: now)
    }

    /// PostgreSQL has closed the connection: its slot is free.
    public mutating func closed(_ server: ServerID) {
        let record = self.record(server)
        precondition(record.place == .closing, "\(server) closed while \(record.place)")
        self.pools[record.pool.index].counts.add(-1, at: .closing)
        self.shared.count(.closed, in: record.pool, at: record.host)
        self.leave(server)
    }

    /// Ends the record of a server.
    mutating func leave(_ server: ServerID) {
        if self.records[Int(server.index)].isCloseNeeded { self.obsolete -= 1 }
        self.records[Int(server.index)].isTaken = false
    }

    /// A server's client has let go of it; it must be cleaned before `checkIn`.
    public mutating func recoveryStarted(_ server: ServerID, now: Instant) {
        self.move(server, to: .recovering, now: now)
    }

    /// The server is closed at the end of its present use (`RECONNECT`, changed settings).
    public mutating func setCloseNeeded(_ server: ServerID) {
        guard self.place(of: server) != nil, !self.records[Int(server.index)].isCloseNeeded
        else { return }
        self.obsolete += 1
        self.records[Int(server.index)].isCloseNeeded = true
    }

    /// Whether the server is closed at the end of its present use.
    public mutating func isCloseNeeded(_ server: ServerID) -> Bool {
        self.place(of: server) != nil && self.records[Int(server.index)].isCloseNeeded
    }
}
