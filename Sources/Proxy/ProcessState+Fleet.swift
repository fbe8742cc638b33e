import Locking
import Pooling
import Reactor
import Settings
import Telemetry

/// The process's places in its fleet.
///
/// A seat is taken by the first worker that has settings with a budget for its PostgreSQL server,
/// and given up by the last one that has such settings. From then on it allows nothing and keeps
/// nobody from anything, but it stays in the fleet as long as there are connections that it has
/// told the fleet of.
struct Seats {
    struct Taken {
        let seat: any FleetSeat
        /// Who goes by it.
        var workers: Set<Int>
    }

    /// Those in force, by the PostgreSQL server's place among the caps.
    var taken: [Int: Taken] = [:]
    /// Those that are given up and still have connections.
    var leaving: [any FleetSeat] = []
}

extension ProcessState {
    /// The seat at a PostgreSQL server, which the first worker that asks takes.
    ///
    /// - Parameter make: takes it, and is given a number for `standingChanged`; called while others
    ///   who ask wait.
    func seat(
        _ cap: Int,
        of worker: Int,
        _ make: (ProcessState, _ number: Int64) -> (any FleetSeat)?
    ) -> (any FleetSeat)? {
        self.seats.withLock { seats in
            if let known = seats.taken[cap] {
                seats.taken[cap]?.workers.insert(worker)
                return known.seat
            }
            let number = self.number()
            self.withLock { $0.seatNumbers[cap] = number }
            let seat = make(self, number)
            seats.taken[cap] = seat.map { Seats.Taken(seat: $0, workers: [worker]) }
            return seat
        }
    }

    /// A worker does not go by a seat any more; when none does, it is given up.
    func leaveSeat(_ cap: Int, of worker: Int) {
        let left = self.seats.withLock { seats -> (any FleetSeat)? in
            seats.taken[cap]?.workers.remove(worker)
            guard let taken = seats.taken[cap], taken.workers.isEmpty else { return nil }
            seats.taken[cap] = nil
            seats.leaving.append(taken.seat)
            self.withLock { state in
                state.seatNumbers[cap] = nil
                state.counts.setStanding(nil, inUse: 0, of: cap)
            }
            return taken.seat
        }
        guard let left else { return }
        left.drain()
        // The smallest budget on the board counts for all.
        left.setLimits(budget: Int(Int32.max), weight: 1, minimum: 0)
    }

    /// Ends the seats that are given up and have no connections any more.
    func endSeats() {
        let ended = self.seats.withLock { seats in
            let leaving = seats.leaving.map { (seat: $0, isEmpty: $0.isEmpty) }
            seats.leaving = leaving.filter { !$0.isEmpty }.map(\.seat)
            return leaving.filter(\.isEmpty).map(\.seat)
        }
        if !ended.isEmpty { Self.stop(ended, thenSignal: nil) }
    }

    /// The fleet says what may be done at a PostgreSQL server.
    ///
    /// - Parameter number: names the seat that says it.
    func standingChanged(_ standing: FleetStanding, inUse: Int, of cap: Int, seat number: Int64) {
        let isNews = self.withLock { state in
            guard state.seatNumbers[cap] == number else { return false }
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
        let seats = self.seats.withLock { $0.taken.values.map(\.seat) + $0.leaving }
        guard !seats.isEmpty else { return }
        for seat in seats { seat.drain() }
        let isStopped = Semaphore()
        Self.stop(seats, thenSignal: isStopped)
        for _ in seats { isStopped.wait() }
    }

    /// Stops seats all at once, since each may take a second.
    ///
    /// - Parameter isStopped: is signalled for each.
    private static func stop(_ seats: [any FleetSeat], thenSignal isStopped: Semaphore?) {
        let threads = try? HelperThreads(
            count: min(seats.count, Self.stopsMax),
            name: "fleet-leave",
            queueLimit: seats.count
        )
        for seat in seats {
            let stop: @Sendable () -> Void = {
                // Held by its own jobs: letting go of it would drop those that have not begun.
                withExtendedLifetime(threads) { seat.stop() }
                isStopped?.signal()
            }
            // Late is better than not at all.
            if threads?.submit(stop) != true { stop() }
        }
    }

    /// Seats that are stopped at the same time.
    private static let stopsMax = 64

    // MARK: Servers

    /// Follows the PostgreSQL servers of new settings.
    func follow(_ servers: [ServerBudget]) {
        self.withLock { state in
            state.servers.follow(servers)
            state.addCaps()
        }
    }

    /// The place of a PostgreSQL server among the caps.
    func place(of server: ServerBudget) -> Int {
        self.withLock { state in
            let place = state.servers.place(of: server)
            state.addCaps()
            return place
        }
    }

    /// The PostgreSQL server that has a place among the caps, as the settings had it last.
    func server(at cap: Int) -> ServerBudget { self.withLock { $0.servers.servers[cap] } }

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

extension ProcessState.Guarded {
    /// Gives each PostgreSQL server its cap.
    fileprivate mutating func addCaps() {
        while self.counts.servers.count < self.servers.servers.count {
            _ = self.counts.addServer(limit: 0)
        }
    }
}
