import Auth
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// A database that clients can ask for.
final class DatabaseEntry {
    let name: String
    /// Its place among the caps of `PoolSet`.
    let cap: Int
    /// Made from `*`, so it goes when nobody has used it for `autodb_idle_timeout`.
    var isAutomatic: Bool
    var settings: DatabaseSettings
    var clients = 0
    /// `max_db_client_connections`, kept here since asking the settings copies them.
    var clientsMax = 0
    var isDisabled = false
    /// Taken out of the configuration; no new client gets in.
    var isRemoved = false
    var lastUsed: Instant
    /// Which of several hosts is next.
    var hostTurn = 0

    init(
        name: String,
        cap: Int,
        settings: DatabaseSettings,
        isAutomatic: Bool,
        now: Instant
    ) {
        self.name = name
        self.cap = cap
        self.settings = settings
        self.isAutomatic = isAutomatic
        self.lastUsed = now
    }

    /// The database's name on the server.
    var serverName: String { self.settings.dbname ?? self.name }
}

/// A user, of clients or of server connections.
final class UserEntry {
    let name: String
    /// Its place among the caps of `PoolSet`.
    let cap: Int
    /// Logged-in clients of this name.
    var clients = 0
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
    /// What clients are greeted with: the parameters that the first server reported, in its order.
    var greeting: Greeting?
    /// What a client's login has taught about logging in to the server.
    var learned = LearnedCredentials()
    /// Some client has logged in, so that keys to pass through are known if they are needed.
    var clientsHaveLoggedIn = false
    /// Why the last login to the server failed.
    var lastFailure: ErrorFields?
    var counters = PoolCounters()
    var mode = Pooling.PoolMode.session
    /// What applies to the clients of one user, the one that logged in last; nil after a reload.
    var policy: (user: String, value: ClientPolicy)?

    init(id: PoolID, database: DatabaseEntry, user: UserEntry) {
        self.id = id
        self.database = database
        self.user = user
    }
}
