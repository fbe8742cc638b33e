import Locking
import Pooling
import Reactor

/// The process's places in its fleet.
extension ProcessState {
    /// The seat at a PostgreSQL server, which the first one who asks takes.
    ///
    /// - Parameter make: takes it; called while others who ask wait.
    func seat(
        _ cap: Int,
        _ make: (ProcessState) -> (any FleetSeat)?
    ) -> (any FleetSeat)? {
        self.seats.withLock { seats in
            if let seat = seats[cap] { return seat }
            let seat = make(self)
            seats[cap] = seat
            return seat
        }
    }

    /// The seat at a PostgreSQL server; nil where the process shares nothing.
    func seat(_ cap: Int) -> (any FleetSeat)? { self.seats.withLock { $0[cap] } }

    /// The fleet says what may be done at a PostgreSQL server.
    func standingChanged(_ standing: FleetStanding, inUse: Int, of cap: Int) {
        let isNews = self.withLock { state in
            let known = state.counts.servers[cap].standing
            state.counts.setStanding(standing, inUse: inUse, of: cap)
            guard let known else { return false }
            return standing.permits > known.permits || standing.owed > known.owed || inUse > 0
                || standing.state != known.state
        }
        guard isNews else { return }
        for mailbox in self.allMailboxes { mailbox.post(WorkerMessage(.standingChanged)) }
    }

    /// Takes leave of the fleet, when all workers have ended.
    public func leaveFleet() {
        let seats = self.seats.withLock { Array($0.values) }
        for seat in seats { seat.drain() }
        for seat in seats { seat.stop() }
    }

    // MARK: Roles

    /// The roles that sessions of the process, and of others like it, may have.
    var roles: [String] {
        self.withLock { Array($0.knownRoles.union($0.users.keys)) }
    }

    /// Adds roles that clients may log in as.
    func know(roles: some Sequence<String>) {
        self.withLock { $0.knownRoles.formUnion(roles) }
    }
}
