import Logging
import Pooling
import Reactor
import Wire

/// A client's connection: its socket, its session, and where it stands. State only; `Worker` acts.
final class ClientConnection {
    /// How far the connection has come.
    enum Phase {
        /// Its first packet is awaited.
        case startup
        /// It shows who it is.
        case authenticating
        /// It waits for what a server of its pool says about itself.
        case greeting
        /// It is a client of a pool.
        case ready
        /// It is a client of the console.
        case console
        /// It has asked for the console and is on its way to the worker that keeps that.
        case leaving
        /// It is gone; nothing may be sent any more.
        case closed
    }

    let id: ClientID
    /// What KILL_CLIENT takes.
    let number: Int64
    let socket: SocketID
    let remote: SocketAddress
    /// Wall-clock microseconds.
    let connectTime: Int64
    /// When it connected, for the login's time limit.
    let acceptedAt: Instant

    var phase = Phase.startup
    var login: ClientLogin?
    var session = ClientSession(mode: .session)
    var reader: FrameReader
    var stash = Stash()
    /// The rest of the message being read is thrown away rather than passed on.
    var isDiscarding = false
    /// The kind of the message being read, for its rest.
    var passingKind: UInt8 = 0

    var pool: PoolEntry?
    var user: UserEntry?
    var userName = ""
    var databaseName = ""
    /// The server that this client has checked out.
    var server: ServerConnection?
    var ticket = WaitQueue.Ticket.none
    var policy = ClientPolicy.unlimited
    var parameters = TrackedParameters.Combination.unknown {
        didSet { if self.parameters != oldValue { self.isParsingStale = true } }
    }
    /// What it has set beside those.
    var wishes = Wishes.Combination.none {
        didSet { if self.wishes != oldValue { self.isParsingStale = true } }
    }
    /// A server has stood as it wants it: what it has set can be set.
    var hasProvenWishes = false
    var isRefused = false
    /// What it may have left behind on its server.
    var watch = SessionWatch()
    /// It counts as one that keeps its server, or is about to.
    var hasPin = false
    /// `statements.parsing` is not what the client has set now.
    var isParsingStale = true
    /// Whether its prepared statements are shared, so that they work on every server.
    var sharesStatements = false
    var statements = ClientStatements()
    /// The minor version of protocol 3 that is spoken with it.
    var protocolMinor: Int32 = 0
    /// The process ID of its cancel key; 0 before it has one.
    var processID: UInt32 = 0
    /// It counts against `max_client_conn`.
    var isAdmitted = false

    /// When its present request came, or its wait began.
    var requestedAt: Instant = 0
    /// Wall-clock microseconds of its last request.
    var requestTime: Int64
    /// When it last became idle.
    var idleSince: Instant
    /// Its query was canceled before it could be sent: after it had been promised a server, or
    /// while Weir was asking that something.
    var isCancelPending = false
    /// Why requests that had arrived by then are refused, and how many bytes of them are still to
    /// be seen.
    var refusal: Refusal?

    /// It has said good-bye and closed its side, and what it asked for before is still to be done.
    var isHalfClosed = false
    /// It is not read from, because too many of its requests are unanswered.
    var isPipelineFull = false

    /// What kind of replication it has asked for.
    var replication = ReplicationMode.none

    /// What few clients have.
    var rare: RareClientState?

    /// Requests that came before a wait ended in an error share the error.
    final class Refusal {
        let fields: ErrorFields
        var bytes: Int

        init(fields: ErrorFields, bytes: Int) {
            self.fields = fields
            self.bytes = bytes
        }
    }

    init(
        id: ClientID,
        number: Int64,
        socket: SocketID,
        remote: SocketAddress,
        unixSocket: SocketAddress?,
        connectTime: Int64,
        now: Instant
    ) {
        self.id = id
        self.number = number
        self.socket = socket
        self.remote = remote
        self.connectTime = connectTime
        self.requestTime = connectTime
        self.acceptedAt = now
        self.idleSince = now
        self.reader = FrameReader(limit: Limits.loginMessageLengthMax)
        self.unixSocket = unixSocket
    }

    var isUnix: Bool { if case .unix = self.remote { true } else { false } }

    /// Where it is, as log lines have it.
    var address: String { self.remote.logText(listening: self.unixSocket ?? self.remote) }

    /// `server` for use within one call, without the count that every copy of it costs.
    ///
    /// Sound because the worker's slab holds the server too, and lets go of it only in an event of
    /// the server's own that comes after its client has lost it (`serverClosed`).
    var borrowedServer: Unmanaged<ServerConnection>? {
        unsafe self.server.map { unsafe Unmanaged.passUnretained($0) }
    }

    /// What a log line about this client begins with, in PgBouncer's form.
    var prefix: String {
        let database = self.databaseName.isEmpty ? "(nodb)" : self.databaseName
        let user = self.userName.isEmpty ? "(nouser)" : self.userName
        let handle = String(self.handle, radix: 16)
        return "C-0x\(handle): \(database)/\(user)@\(self.address) "
    }

    /// A number that names the connection in logs and on the console.
    var handle: UInt64 { 0xc000_0000_0000 | UInt64(self.number) << 4 }
}
