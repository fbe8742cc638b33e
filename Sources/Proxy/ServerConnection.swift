import Pooling
import Reactor
import Wire

/// A server connection: its socket, what it owes, who has it. State only; `Worker` acts.
final class ServerConnection {
    /// How far the connection has come.
    enum Phase {
        /// Its host's name is looked up.
        case resolving
        /// The socket is being connected.
        case connecting
        /// Startup and authentication.
        case loggingIn
        /// A client has it, or could.
        case ready
        /// It is cleaned after a client, or checked.
        case recovering
        /// It goes to another worker.
        case leaving
        /// It has been told to end, and PostgreSQL has not closed it yet.
        case closing
    }

    /// What Weir itself has asked of the server.
    enum OwnRequest: Equatable {
        case none
        /// The client's parameters are being set.
        case parameters
        /// A step of cleaning.
        case recovery(ServerSession.Recovery)
        /// `server_check_query`.
        case check
        /// `connect_query`.
        case connectQuery
        /// What its client has left behind in the session.
        case question
        /// What its client has set back is set to what it has logged in with.
        case restoration
        /// A setting that an idle server must not have is set back.
        case undo
        /// The end of a batch whose error is kept from the client, since it is sent again.
        case healing
    }

    let id: ServerID
    let number: Int64
    let pool: PoolEntry
    /// Wall-clock microseconds.
    let connectTime: Int64
    /// Opened for one client, and closed with it.
    let isDedicated: Bool
    /// What kind of replication that client has asked for.
    let replication: ReplicationMode

    var socket = SocketID.none
    var address = SocketAddress.unix(path: "")
    var phase = Phase.resolving
    var login: ServerLogin?
    var session = ServerSession()
    var reader = FrameReader()
    var stash = Stash()
    /// The rest of the message being read goes to the client.
    var isPassing = false
    /// Sent in part when its client went away.
    var isMidMessage = false

    /// The client that has checked it out.
    var client: ClientConnection?
    /// The client that it is being opened for, if for one alone; `client` when it has logged in.
    var owner: ClientConnection?
    /// It streams for replication.
    var isStreaming = false
    var own = OwnRequest.none
    /// The error that the own request got.
    var ownError: ErrorFields?
    /// The server has said by itself that it ends; the client has been told in its words.
    var hasSaidGoodbye = false

    var parameters = TrackedParameters.Combination.unknown
    /// What is set in its session beside those.
    var wishes = Wishes.Combination.none
    /// What will be, when the present request of Weir's own has been answered.
    var applied = Wishes.Combination.none
    /// What it is asked, or will be as soon as no cancel request is on its way to it.
    var question: SessionQuestion?
    var answer = SessionAnswer()
    /// What its client's transaction has done to settings.
    var settingTags: SettingTags = []
    /// What sets the values of its client's login, as soon as it can be asked.
    var restoration: String?
    /// Nobody knows what its last client has left behind.
    var needsDiscard = false
    /// The prepared statements that it has, and what its client does about them.
    var exchange = StatementExchange()
    /// The client's batch, as long as it could be sent once more.
    var record = BatchRecord()
    /// What the client is told when the requests fail that were sent to fail, in order.
    var refusals: [ErrorFields] = []
    /// An error that is passed on in other words than the server's.
    var rewrittenError: [UInt8]?
    var processID: UInt32 = 0
    /// Where its slot is one of a fleet's.
    var seat: (any FleetSeat)?
    /// The fleet has been told that it has logged in.
    var isInFleet = false
    var secret: [UInt8] = []

    /// Wall-clock microseconds of the last request.
    var requestTime: Int64
    /// When the present login, recovery or close is given up; `.max` for never.
    var deadline: Instant = .max
    /// When the present query began; 0 when none runs.
    var queryStart: Instant = 0
    /// When the present transaction began; 0 when there is none.
    var transactionStart: Instant = 0
    /// When the client was last answered inside its transaction; 0 when a query runs.
    var idleInTransactionSince: Instant = 0

    /// The number of the last RECONNECT that it has heard of.
    var epoch = 0
    /// The worker that it leaves for.
    var destination = 0
    /// It has been idle for so long that it is checked before its next use.
    var needsCheck = false

    let statements = StatementLog()

    init(
        id: ServerID,
        number: Int64,
        pool: PoolEntry,
        connectTime: Int64,
        owner: ClientConnection? = nil
    ) {
        self.owner = owner
        self.isDedicated = owner != nil
        self.replication = owner?.replication ?? .none
        self.id = id
        self.number = number
        self.pool = pool
        self.connectTime = connectTime
        self.requestTime = connectTime
    }

    /// `client` for use within one call that closes no client, without the count that every copy of
    /// it costs: the worker's slab holds the client too, until it is closed.
    var borrowedClient: Unmanaged<ClientConnection>? {
        unsafe self.client.map { unsafe Unmanaged.passUnretained($0) }
    }

    /// It is being opened or closed: others may wait for the end of that, whatever is ordered here.
    var isUnready: Bool {
        switch self.phase {
        case .resolving, .connecting, .loggingIn, .closing: true
        case .ready, .recovering, .leaving: false
        }
    }

    /// A message has been passed on to the client in part: nothing else may be put behind that.
    var isMidReply: Bool { self.isPassing && self.reader.remaining > 0 }

    /// A number that names the connection in logs and on the console.
    var handle: UInt64 { 0x5000_0000_0000 | UInt64(self.number) << 4 }

    /// What a log line about this server begins with, in PgBouncer's form.
    var prefix: String {
        let handle = String(self.handle, radix: 16)
        let names = "\(self.pool.database.name)/\(self.pool.user.name)"
        return "S-0x\(handle): \(names)@\(self.address.logText(listening: self.address)) "
    }
}
