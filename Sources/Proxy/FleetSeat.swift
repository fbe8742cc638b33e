public import Pooling
public import Settings

/// The process's place in its fleet, for one PostgreSQL server; what is behind it is put in from
/// outside.
///
/// Any thread may call it, but never with the shared counts held: what it decides is written there.
public protocol FleetSeat: AnyObject, Sendable {
    /// A worker says what its clients use and want.
    func demandChanged(_ demand: PoolSet.Demand, of worker: Int)
    /// Whether a startup message may be sent now.
    func takePermit() -> Bool
    /// Whether a login may go on whose startup message was sent at `startedAt`.
    func mayContinueLogin(startedAt: Instant) -> Bool
    /// Until when a login may go on whose startup message is sent at `startedAt`.
    func loginDeadline(startedAt: Instant) -> Instant
    /// A worker's connection has logged in; `session` is the process ID that it was told.
    func loggedIn(session: UInt32, by worker: Int)
    /// There is a connection from before the seat was taken.
    func found(session: UInt32)
    /// The server has refused a login, or was not there.
    func openingRefused()
    /// A login was given up, and may yet become a session.
    func openingGivenUp()
    /// A connection that had logged in is closed.
    func closed(session: UInt32)
    /// The slots that the whole fleet may have, how large the process's part of them is beside
    /// others', and what it gets before others get more.
    func setLimits(budget: Int, weight: Int, minimum: Int)
    /// The process opens nothing more.
    func drain()
    /// Whether no connection is there, and none may come of an attempt.
    var isEmpty: Bool { get }
    /// Leaves the fleet, which may take a second.
    func stop()
    /// Settings that connections are opened with; nil for none.
    var startupOptions: String? { get }
    /// Reads the board for `overview`, and says when that is done or cannot be.
    func refresh(then done: @escaping @Sendable () -> Void)
    /// What people see.
    var overview: Snapshot.FleetOverview { get }
}

/// Gives the process its places in a fleet.
public protocol FleetJoining: Sendable {
    /// The name of the ledger.
    var ledger: String { get }
    /// Tells the process's cancel keys from those of others.
    var origin: UInt8 { get }
    /// The slots that the whole fleet may have of a PostgreSQL server's budget; nil where the
    /// ledger itself would take them all.
    func slots(of slots: Int) -> Int?
    /// Takes the place at a PostgreSQL server.
    ///
    /// - Parameters:
    ///   - server: says what is known of it now: a reload may change its name and addresses.
    ///   - settings: those in force, which say who logs in there.
    ///   - slots: what the whole fleet may have there.
    ///   - workers: how many say what their clients want.
    ///   - roles: the roles whose sessions are the fleet's.
    ///   - change: takes what the process may do, and how many connections more than before are to
    ///     be taken from clients.
    /// - Returns: nil where nobody is known who could log in.
    func join(
        _ server: @escaping @Sendable () -> ServerBudget,
        _ settings: Settings,
        slots: Int,
        workers: Int,
        roles: @escaping @Sendable () -> [String],
        change: @escaping @Sendable (FleetStanding, _ inUse: Int) -> Void
    ) -> (any FleetSeat)?
}
