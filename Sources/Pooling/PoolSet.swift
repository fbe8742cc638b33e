/// A worker's shares of all pools: who gets which server, what is opened, what is closed.
///
/// ## Overview
/// Servers and clients are IDs; what connects and sends is elsewhere. Every server connection that
/// exists or is being made or unmade stands at exactly one `ServerPlace` of one pool. It takes one
/// slot of the pool, its database, its user, its PostgreSQL server and the process. Only `move`
/// changes places, so that the counts cannot drift.
///
/// What several workers count together is `shared`. A set that is alone has it always. Where there
/// are more, each puts it here while it opens or closes something, and takes it out again; all
/// methods but those that say otherwise need it.
///
/// ## Function
/// - `checkOut` and `checkIn` are the two events of the data path, and need no shared counts.
/// - `nextOpening` says which connection to open, or to evict for one, until it answers nil.
/// - A slot is free again only with `closed`: when PostgreSQL has closed the connection, not when
///   it was told to.
public struct PoolSet: Equatable, Sendable {
    struct Record: Equatable, Sendable {
        var server: ServerID
        var pool: PoolID
        var place: ServerPlace
        var isTaken: Bool
        var isCloseNeeded: Bool
        /// It is one client's own, and streams.
        var isStreaming = false
        /// Four times the place among the caps of the PostgreSQL server that counts it, one more
        /// where it is reserved, and two more where it is in the fleet; negative where none counts
        /// it. Small, since the data path copies records.
        private var hostPlace: Int32 = -4
        var connectedAt: Instant

        /// The PostgreSQL server that counts it; nil where none does.
        var host: Int? { self.hostPlace < 0 ? nil : Int(self.hostPlace >> 2) }

        /// Its startup message has not been sent, and wants a permit of the fleet's.
        var isReserved: Bool {
            get { self.hostPlace & 1 != 0 }
            set { self.hostPlace = newValue ? self.hostPlace | 1 : self.hostPlace & ~1 }
        }

        /// It is being opened, and has logged in, so that the fleet counts it.
        var isInFleet: Bool {
            get { self.hostPlace & 2 != 0 }
            set { self.hostPlace = newValue ? self.hostPlace | 2 : self.hostPlace & ~2 }
        }

        init(
            server: ServerID,
            pool: PoolID,
            place: ServerPlace,
            isTaken: Bool,
            host: Int? = nil,
            connectedAt: Instant
        ) {
            self.server = server
            self.pool = pool
            self.place = place
            self.isTaken = isTaken
            self.isCloseNeeded = false
            self.hostPlace = host.map { Int32($0) << 2 } ?? -4
            self.connectedAt = connectedAt
        }
    }

    /// What the workers of the process count together.
    public var shared = SharedCounts()

    /// Which databases give out no servers (`PAUSE`), by their place among the caps.
    public internal(set) var pausedDatabases: Set<Int> = []
    /// Whether no database gives out servers.
    public internal(set) var isPaused = false

    /// The worker's shares of the pools.
    public internal(set) var pools: [Pool] = []

    /// Whether minimum sizes wait: clients of other workers want servers, and a slot of limited
    /// number is theirs first.
    public var isFillingPutOff = false

    var records: [Record] = []
    /// Servers that are to be closed at the end of their use.
    var obsolete = 0

    /// Creates the shares of a process that has no pools yet.
    public init() {}

    // MARK: Shape

    /// Adds the share of the next pool of `shared`. Needs no shared counts.
    public mutating func addShare(database: Int, user: Int, limits: PoolLimits) {
        self.pools.append(Pool(database: database, user: user, limits: limits))
    }

    /// Changes settings on reload; what is over a new limit closes as it comes back.
    public mutating func setLimits(_ limits: PoolLimits, of pool: PoolID) {
        self.pools[pool.index].limits = limits
    }

    /// The PostgreSQL servers that the pool's next connections may go to, by their places among the
    /// caps. Needs no shared counts.
    public mutating func setHosts(_ hosts: [Int], of pool: PoolID) {
        self.pools[pool.index].hosts = hosts
    }

    /// Whether the pool's minimum applies without a client, and whether a login can be tried.
    public mutating func setFilling(of pool: PoolID, always: Bool, hasCredentials: Bool) {
        self.pools[pool.index].isAlwaysFilled = always
        self.pools[pool.index].hasCredentials = hasCredentials
    }

    /// A client has logged in to the pool.
    public mutating func clientJoined(_ pool: PoolID) {
        self.shared.pools[pool.index].clients += 1
    }

    /// A client of the pool has gone.
    public mutating func clientLeft(_ pool: PoolID) {
        precondition(self.shared.pools[pool.index].clients > 0, "more clients left than joined")
        self.shared.pools[pool.index].clients -= 1
    }

    // MARK: The data path

    /// What a client that needs a server gets.
    public enum CheckOut: Equatable, Sendable {
        /// This one.
        case use(ServerID)
        /// A place in the queue, and this idle server is to be checked first; `checkIn` hands it
        /// on.
        case test(ServerID, WaitQueue.Ticket)
        /// A place in the queue.
        case wait(WaitQueue.Ticket)
    }

    /// A client needs a server. Needs no shared counts.
    public mutating func checkOut(_ pool: PoolID, client: ClientID, now: Instant) -> CheckOut {
        let index = pool.index
        guard !self.isPaused(pool), let idle = self.freshest(in: index) else {
            return .wait(self.pools[index].waiters.append(client, since: now))
        }
        // Nobody passes those who wait; so while others wait for a check, one more server is
        // checked for one more client.
        if !self.pools[index].waiters.isEmpty || self.isCheckDue(idle, in: index, now: now) {
            self.move(idle.server, to: .testing, now: now)
            return .test(idle.server, self.pools[index].waiters.append(client, since: now))
        }
        self.move(idle.server, to: .active, now: now)
        return .use(idle.server)
    }

    /// What becomes of a server that is free.
    public enum CheckIn: Equatable, Sendable {
        /// The client that waited longest gets it; `since` when it began to wait.
        case serve(ClientID, since: Instant)
        /// It stays.
        case idle
        /// It is to be closed; `closeStarted` follows.
        case close(CloseReason)
    }

    /// A server is ready for a client: after a transaction, a recovery, a check or its login.
    /// Needs no shared counts.
    ///
    /// - Parameter living: `SharedCounts.PoolCounts.claimed`: connections of the pool, of all
    ///   workers, that are not being closed, and those that must get a slot.
    public mutating func checkIn(_ server: ServerID, living: Int, now: Instant) -> CheckIn {
        let record = self.record(server)
        let index = record.pool.index
        if let reason = self.reasonToClose(record, living: living, now: now) {
            return .close(reason)
        }
        if let waiter = self.pools[index].waiters.popFirst() {
            self.move(server, to: .active, now: now)
            return .serve(waiter.client, since: waiter.since)
        }
        if self.pools[index].isOverSize(living) { return .close(.tooManyServers) }
        self.move(server, to: .idle, now: now)
        return .idle
    }

    /// The idle server that is used next; one that is to be closed is used by nobody.
    func freshest(in index: Int) -> Pool.Idle? {
        // In place and by number: a copy of the pool would cost more than the search.
        let count = self.pools[index].idle.count
        let isRoundRobin = self.pools[index].limits.isRoundRobin
        for step in 0..<count {
            let idle = self.pools[index].idle[isRoundRobin ? step : count - 1 - step]
            if !self.records[Int(idle.server.index)].isCloseNeeded { return idle }
        }
        return nil
    }

    func isCheckDue(_ idle: Pool.Idle, in index: Int, now: Instant) -> Bool {
        guard let delay = self.pools[index].limits.checkDelay else { return false }
        return now - idle.since >= delay
    }

    private mutating func reasonToClose(
        _ record: Record,
        living: Int,
        now: Instant
    ) -> CloseReason? {
        if record.isCloseNeeded { return .closeNeeded }
        if self.isPaused(record.pool) { return .paused }
        let index = record.pool.index
        let size = self.pools[index].limits.size
        if size > 0, living > size + self.pools[index].limits.reserveSize {
            return .tooManyServers
        }
        // A lifetime of 0 means one use, so it begins after the login.
        guard now > record.connectedAt, self.isOverAge(record, now: now) else { return nil }
        self.pools[index].lastLifetimeClose = now
        return .serverLifetime
    }

    /// Whether a connection's time is over; the pool's connections take turns, so that a pool that
    /// was opened at once is not closed at once.
    func isOverAge(_ record: Record, now: Instant) -> Bool {
        let lifetime = self.pools[record.pool.index].limits.lifetime
        guard now - record.connectedAt >= lifetime else { return false }
        let turn = lifetime / Int64(max(1, self.pools[record.pool.index].limits.size))
        let last = self.pools[record.pool.index].lastLifetimeClose
        return last == .min || now - last >= turn
    }

    // MARK: Waiting

    /// A client leaves the queue by its own wish; false when it had been served already.
    public mutating func leave(
        _ pool: PoolID,
        client: ClientID,
        ticket: WaitQueue.Ticket
    ) -> Bool {
        self.pools[pool.index].waiters.remove(ticket, client: client)
    }

    /// A client goes back to the front of the queue: the server that it was given was lost before
    /// it could be used.
    public mutating func waitAgain(
        _ pool: PoolID,
        client: ClientID,
        since: Instant
    ) -> WaitQueue.Ticket {
        self.pools[pool.index].waiters.prepend(client, since: since)
    }

    /// A client's login waits until a server of the pool has told what clients are greeted with.
    public mutating func awaitGreeting(
        _ pool: PoolID,
        client: ClientID,
        now: Instant
    ) -> WaitQueue.Ticket {
        self.pools[pool.index].greetings.append(client, since: now)
    }

    /// A client that waited for the greeting has gone.
    public mutating func leaveGreeting(
        _ pool: PoolID,
        client: ClientID,
        ticket: WaitQueue.Ticket
    ) -> Bool {
        self.pools[pool.index].greetings.remove(ticket, client: client)
    }

    /// The greeting is known (or will not be): takes the next client that waits for it.
    public mutating func nextGreeting(_ pool: PoolID) -> ClientID? {
        self.pools[pool.index].greetings.popFirst()?.client
    }

    /// Takes the oldest waiter, for an error that concerns all of the pool.
    public mutating func nextRefused(_ pool: PoolID) -> ClientID? {
        self.pools[pool.index].waiters.popFirst()?.client
    }

    // MARK: Places

    func record(_ server: ServerID) -> Record {
        let record = self.records[Int(server.index)]
        precondition(record.isTaken && record.server == server, "no record of \(server)")
        return record
    }

    /// The PostgreSQL server that counts a connection; nil where none does.
    public func host(of server: ServerID) -> Int? { self.record(server).host }

    /// The pool that a server belongs to.
    public func pool(of server: ServerID) -> PoolID { self.record(server).pool }

    /// Where a server stands; nil when it has no slot.
    // Mutating as `notice(of:)` is: asked for every client that has waited.
    public mutating func place(of server: ServerID) -> ServerPlace? {
        guard Int(server.index) < self.records.count else { return nil }
        let record = self.records[Int(server.index)]
        return record.isTaken && record.server == server ? record.place : nil
    }

    /// The only function that changes a server's place. Needs the shared counts where a place is
    /// `opening` or `closing`.
    mutating func move(_ server: ServerID, to place: ServerPlace, now: Instant) {
        let record = self.record(server)
        let index = record.pool.index
        self.records[Int(server.index)].place = place
        self.pools[index].moved(server, from: record.place, to: place, now: now)
        if record.place.isCounted || place.isCounted {
            let change = SlotChange.moved(from: record.place, to: place)
            self.shared.count(change, in: record.pool, at: record.host)
            if record.isInFleet { self.openingEnded(server, in: index) }
        }
    }

    /// Whether the pool gives out no servers.
    public func isPaused(_ pool: PoolID) -> Bool {
        self.isPaused
            || (!self.pausedDatabases.isEmpty
                && self.pausedDatabases.contains(self.pools[pool.index].database))
    }
}
