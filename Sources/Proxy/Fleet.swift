import Logging
import Pooling
import Reactor
import Settings

/// The process as a member of a fleet: permits for what it opens, what it says of itself, and what
/// it gives back.
extension Worker {
    /// Takes the process's place in the fleet at a PostgreSQL server, or follows its new budget.
    ///
    /// - Returns: how many connections the process may have there; 0 for no limit, nil where it
    ///   cannot take its place.
    func joinFleet(at server: ServerBudget, slots: Int, cap: Int) -> Int? {
        guard let fleet = self.environment.fleet, slots > 0 else { return slots }
        guard let slots = fleet.slots(of: slots) else {
            if self.isFirst {
                self.logger.error(
                    """
                    server \(server.name): nothing is opened there: the ledger's own connections \
                    (control_reserve) would leave none of its \(slots)
                    """
                )
            }
            return nil
        }
        let seat = self.process.seat(cap, of: self.index) { process, number in
            fleet.join(
                { [weak process] in process?.server(at: cap) ?? server },
                self.settings,
                slots: slots,
                workers: process.workers,
                roles: { [weak process] in process?.roles ?? [] },
                change: { [weak process] standing, inUse in
                    process?.standingChanged(standing, inUse: inUse, of: cap, seat: number)
                }
            )
        }
        guard let seat else { return nil }
        if self.seats[cap] !== seat {
            self.seats[cap] = seat
            for server in self.servers.all { self.claim(server) }
        }
        seat.setLimits(
            budget: slots,
            weight: server.weight,
            minimum: max(1, self.settings.minimum(at: server))
        )
        return slots
    }

    /// Gives up the process's places at servers that no database is at any more, or that have no
    /// budget any more.
    func leaveSeats() {
        guard !self.seats.isEmpty else { return }
        let budgets = self.settings.serverBudgets.filter { $0.size != .slots(0) }
        let kept = Set(budgets.map { self.process.place(of: $0) })
        for (cap, seat) in self.seats where !kept.contains(cap) {
            self.seats[cap] = nil
            seat.demandChanged(PoolSet.Demand(), of: self.index)
            self.process.leaveSeat(cap, of: self.index)
        }
    }

    /// Tells the fleet of a connection that it does not know, or knows by a seat that is given up:
    /// one from before the server's budget was shared. Nobody may take its session for an orphan.
    func claim(_ server: ServerConnection) {
        // One that is logging in is known when it has.
        guard !server.isUnready, let cap = self.pools.host(of: server.id),
            let seat = self.seats[cap], server.seat !== seat
        else { return }
        seat.found(session: server.processID)
        self.leaveFleet(server)
        server.seat = seat
        server.isInFleet = true
        self.hasNewDemand = true
    }

    // MARK: Opening

    /// Whether a server's startup message may be sent: the fleet's permit is taken for it.
    func takePermit(for server: ServerConnection) -> Bool {
        guard let login = server.login else { return true }
        guard let seat = server.seat else { return !self.isShared(server) }
        // Read before the permit is taken: what follows is measured from here.
        let startedAt = EventLoop.clock()
        guard seat.takePermit() else { return false }
        self.withShared { self.pools.startupSent(server.id) }
        login.startedAt = startedAt
        server.deadline = min(server.deadline, seat.loginDeadline(startedAt: startedAt))
        return true
    }

    /// Whether the fleet has come to share what a connection goes to since that was begun.
    private func isShared(_ server: ServerConnection) -> Bool {
        guard self.environment.fleet != nil, let cap = self.pools.host(of: server.id) else {
            return false
        }
        return self.withShared {
            self.pools.startupSent(server.id)
            return self.pools.shared.servers[cap].standing != nil
        }
    }

    /// Whether a login may send its next message: later than that nobody would count its session.
    func mayContinueLogin(_ server: ServerConnection) -> Bool {
        guard let seat = server.seat, let login = server.login, login.startedAt != 0 else {
            return true
        }
        return seat.mayContinueLogin(startedAt: login.startedAt)
    }

    /// A server has logged in.
    func enterFleet(_ server: ServerConnection) {
        guard let seat = server.seat else { return }
        server.isInFleet = true
        server.deadline = self.connectDeadline
        self.withShared { self.pools.enteredFleet(server.id) }
        seat.loggedIn(session: server.processID, by: self.index)
        self.hasNewDemand = true
    }

    /// A server's login ends otherwise.
    func loginLeftFleet(_ server: ServerConnection) {
        guard let seat = server.seat, let login = server.login, login.startedAt != 0,
            !server.isInFleet
        else { return }
        if login.isRefused { seat.openingRefused() } else { seat.openingGivenUp() }
    }

    /// A server is closed.
    func leaveFleet(_ server: ServerConnection) {
        guard server.isInFleet else { return }
        server.isInFleet = false
        server.seat?.closed(session: server.processID)
    }

    // MARK: What the process says, and hears

    /// Tells the fleet what clients here use and want, soon after they want something.
    func tellNewDemand() {
        if self.loop.now >= self.demandDueAt { self.tellDemand() }
    }

    /// When the fleet is to be told next, if it is before the next tick.
    var demandDueAt: Instant {
        self.hasNewDemand ? self.demandToldAt + Self.demandPause : .max
    }

    /// Tells the fleet what clients here use and want.
    func tellDemand() {
        self.hasNewDemand = false
        guard !self.seats.isEmpty else { return }
        self.demandToldAt = self.loop.now
        for (cap, seat) in self.seats {
            let demand = self.withShared { self.pools.demand(at: cap, now: self.loop.now) }
            seat.demandChanged(demand, of: self.index)
        }
    }

    /// Between two tellings of new demand: clients that come together are told of together.
    private static let demandPause: Nanoseconds = 2_000_000

    /// What the fleet allows has changed.
    func standingChanged() {
        self.owesServers = self.withShared { self.pools.owesServersInUse }
        self.performDue()
        self.openServers()
    }

    /// Whether a server that has come back from its client is closed for the fleet.
    func isPaidBack(_ server: ServerConnection) -> Bool {
        let (pays, owes) = self.withShared {
            (self.pools.paysBack(server.id), self.pools.owesServersInUse)
        }
        self.owesServers = owes
        if pays { self.closeServer(server, .givenBack) }
        return pays
    }
}
