/// A copy of what the process is doing, for the console and the HTTP pages.
///
/// ## Overview
/// The shell fills one on request and hands it over; whoever renders it touches nothing that
/// changes. It is a tree of plain values that map one to one to PgBouncer's columns, so each table
/// is a list of fields and no look-up.
///
/// ## Function
/// `AdminConsole.parts(neededFor:access:)` says which arrays somebody will read; the shell may
/// leave the others empty. Order matters nowhere but in `clients`, `servers`, `configuration` and
/// `descriptors`, which are shown as they come. The console's own database is in none of the arrays
/// but `clients`: the console adds its rows by itself from `consoleClients`.
///
/// ## Units
/// Points in time are microseconds of wall-clock time since 1970, durations microseconds, unless a
/// name says otherwise.
public struct Snapshot: Equatable, Sendable {
    /// Whether the whole process serves, in the words of SHOW STATE.
    public enum RunState: String, Equatable, Sendable, CaseIterable {
        case active
        case paused
        case suspended
    }

    // MARK: The process

    /// When the copy was made; microseconds since 1970.
    public var now: Int64
    /// Whether the process serves.
    public var state: RunState
    /// The event engine in use: `io_uring` or `epoll`.
    public var eventEngine: String
    /// `listen_port`.
    public var listenPort: Int
    /// Clients connected to the console's own database.
    public var consoleClients: Int

    // MARK: What SHOW lists

    /// Declared and automatic databases; the template `*` is none.
    public var databases: [Database] = []
    /// Known users.
    public var users: [User] = []
    /// Pools, summed over workers.
    public var pools: [Pool] = []
    /// Other processes of a PgBouncer peer group (`[peers]`).
    public var peers: [Peer] = []
    /// Connections to peers.
    public var peerPools: [PeerPool] = []
    /// Clients, those that are logging in and those of the console included.
    public var clients: [Connection] = []
    /// Server connections, those that are logging in included.
    public var servers: [Connection] = []
    /// Counters of every database that has a pool.
    public var statistics: [DatabaseStatistics] = []
    /// How long before `now` the counters' `previous` values were taken; microseconds.
    public var statisticsWindow: Int64 = 0
    /// Counts that follow from no array.
    public var counts = Counts()
    /// Names in the DNS cache.
    public var dnsHosts: [DNSHost] = []
    /// Zones whose serial is watched.
    public var dnsZones: [DNSZone] = []
    /// Slabs and caches.
    public var memory: [MemoryUse] = []
    /// Every key of `[pgbouncer]`, in the order of SHOW CONFIG.
    public var configuration: [ConfigurationEntry] = []
    /// Open sockets.
    public var descriptors: [Descriptor] = []
    /// What keeps clients at their servers, summed over workers.
    public var pins: [Pin] = []
    /// The PostgreSQL servers' budgets, by name.
    public var budgets: [Budget] = []
    /// The process's workers, in their order.
    public var workers: [Worker] = []

    /// Creates a copy with nothing in its arrays.
    public init(
        now: Int64,
        state: RunState,
        eventEngine: String,
        listenPort: Int,
        consoleClients: Int
    ) {
        self.now = now
        self.state = state
        self.eventEngine = eventEngine
        self.listenPort = listenPort
        self.consoleClients = consoleClients
    }
}
