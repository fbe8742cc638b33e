import Pooling
import Settings
import Synchronization
import Telemetry

/// A database that clients can ask for.
final class DatabaseEntry {
    let name: String
    /// Its place among the caps of `SharedCounts`.
    let cap: Int
    private let shared: SharedDatabase
    /// Made from `*`, so it goes when nobody has used it for `autodb_idle_timeout`.
    var isAutomatic: Bool
    var settings: DatabaseSettings
    /// `max_db_client_connections`, kept here since asking the settings copies them.
    var clientsMax = 0
    var isDisabled = false
    /// Taken out of the configuration; no new client gets in.
    var isRemoved = false
    /// The number of the last RECONNECT that concerned it.
    var epoch = 0
    /// Where its next connections may go, with the PostgreSQL servers' places among the caps.
    var hosts: [(name: String, cap: Int)] = []
    /// Which of several hosts is next.
    var hostTurn = 0

    init(
        name: String,
        shared: SharedDatabase,
        settings: DatabaseSettings,
        isAutomatic: Bool
    ) {
        self.name = name
        self.cap = shared.cap
        self.shared = shared
        self.settings = settings
        self.isAutomatic = isAutomatic
    }

    /// When anybody last used it, at any worker.
    var lastUsed: Instant { self.shared.lastUsed.load(ordering: .relaxed) }

    /// Somebody uses it.
    func use(now: Instant) { self.shared.lastUsed.store(now, ordering: .relaxed) }

    /// The database's name on the server.
    var serverName: String { self.settings.dbname ?? self.name }
}

/// A user, of clients or of server connections.
final class UserEntry {
    let name: String
    /// Its place among the caps of `SharedCounts`.
    let cap: Int
    /// `max_user_client_connections`.
    var clientsMax = 0

    init(name: String, cap: Int) {
        self.name = name
        self.cap = cap
    }
}

/// What the shell keeps of a pool beside the decisions in `PoolSet`.
final class PoolEntry {
    let id: PoolID
    let database: DatabaseEntry
    /// The user that its servers log in as.
    let user: UserEntry
    /// What all workers know of the pool.
    let shared: SharedPool
    /// What they tell each other about it.
    let board: PoolBoard
    /// Its place among the pools that this worker knows.
    let place: Int
    /// What clients are greeted with, as this worker last read it.
    var greeting: Greeting?
    /// What its servers make of the values that clients ask for.
    var spellings = Spellings()
    private var greetingVersion = 0
    /// When the oldest transaction here began, as of the last tick; 0 for none.
    var oldestTransaction: Instant = 0
    /// Clients here want servers of it that are not under way.
    var isWanting = false
    /// It is listed among those that have changed in this turn.
    var isTouched = false
    /// Fewer servers are being opened than are wanted, for the sake of idle ones of other workers.
    var hopesForOthers = false
    var counters = PoolCounters()
    var pins = PinCounts()
    var mode = Pooling.PoolMode.session
    /// What applies to the clients of one user, the one that logged in last; nil after a reload.
    var policy: (user: String, value: ClientPolicy)?

    /// Whether it is known what clients are greeted with; `greeting` is up to date then.
    var hasGreeting: Bool {
        let version = self.shared.greetingVersion
        if version != self.greetingVersion {
            self.greetingVersion = version
            let earlier = self.greeting?.values
            self.greeting = self.shared.greeting
            // What a value is completed with may have changed.
            if self.greeting?.values != earlier { self.spellings = Spellings() }
        }
        return self.greeting != nil
    }

    init(_ shared: SharedPool, place: Int, database: DatabaseEntry, user: UserEntry) {
        self.place = place
        self.id = shared.id
        self.shared = shared
        self.board = shared.board
        self.database = database
        self.user = user
    }
}
