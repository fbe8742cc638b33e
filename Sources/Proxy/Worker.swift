public import Auth
import Glibc
public import Logging
import Pooling
public import Reactor
public import Settings
public import Telemetry
import Wire

/// A thread's event loop and everything that it owns: clients, servers, and the decisions about
/// them.
///
/// ## Overview
/// The loop gathers what has happened, this class hands each thing to the part that it concerns,
/// and what comes of it is sent in one go at the turn's end. The parts are extensions, a file each:
/// `Relay` is the data path, `ClientLogin` and `Connector` let clients in and open servers,
/// `Linking` and `Recovery` bring the two together and apart.
///
/// Everything here runs on one thread, so nothing is locked but what `ProcessState` shares. Other
/// threads speak through the mailbox.
///
/// The first worker listens, deals out the clients, keeps those of the console and reads the
/// configuration; otherwise all workers are alike.
public final class Worker {
    /// What the worker takes from outside.
    public struct Environment: Sendable {
        /// Where log lines go.
        public var logger: Logger
        /// Where slow statements go.
        public var slowQueries: SlowQueryLog
        /// The admin console.
        public var console: any ConsoleResponder
        /// Reads the configuration and the users' secrets anew.
        public var source: any ConfigurationSource
        /// Threads for hashing and name resolution.
        public var helpers: HelperThreads
        /// The fleet that the process belongs to; nil where it has its budget for itself.
        public var fleet: (any FleetJoining)?

        /// Creates an environment.
        public init(
            logger: Logger,
            slowQueries: SlowQueryLog,
            console: any ConsoleResponder,
            source: any ConfigurationSource,
            helpers: HelperThreads,
            fleet: (any FleetJoining)? = nil
        ) {
            self.logger = logger
            self.slowQueries = slowQueries
            self.console = console
            self.source = source
            self.helpers = helpers
            self.fleet = fleet
        }
    }

    /// How the process ends.
    enum Ending: Sendable {
        case none
        case afterClients
        case afterServers
        case now
    }

    let loop: EventLoop
    let environment: Environment
    /// What it shares with the other workers.
    let process: ProcessState
    /// Its place among the workers.
    let index: Int
    /// Everybody's mailboxes by their place, its own included; empty where it is alone.
    var mailboxes: [Mailbox<WorkerMessage>] = []
    /// Whether there are other workers.
    let hasPeers: Bool
    /// Whether this is the first worker.
    var isFirst: Bool { self.index == 0 }
    /// Whether the shared counts are held at the moment.
    var holdsShared = false
    var logger: Logger { self.environment.logger }
    /// Other threads post here.
    public let mailbox: Mailbox<WorkerMessage>
    let resolver: Resolver

    var settings: Settings
    var users: UserList
    /// SCRAM secrets derived from plain ones, so that each is derived once.
    var derivedSecrets: [String: SCRAMSecret] = [:]
    var random = RandomSource()

    var clients = Slab<ClientConnection>()
    var servers = Slab<ServerConnection>()
    var cancels = Slab<CancelConnection>()
    var forwards = Slab<CancelForward>()
    var searches = Slab<CancelSearch>()
    /// Tells the process's cancel keys from those of others; nil where it has none beside it.
    ///
    /// What the fleet's board shows stays as it was at the start, and others go by that.
    var origin: UInt8? {
        if let fleet = self.environment.fleet { return fleet.origin }
        let peerID = self.settings.global.peerID
        return peerID == 0 ? nil : UInt8(truncatingIfNeeded: peerID)
    }
    var consoleClients = 0
    /// Servers that stream for replication.
    var streamCount = 0

    var pools = PoolSet()
    var databaseEntries: [String: DatabaseEntry] = [:]
    /// Databases that were taken out and may come back.
    var forgottenDatabases: [String: DatabaseEntry] = [:]
    var userEntries: [String: UserEntry] = [:]
    var poolEntries: [PoolEntry] = []
    /// The same by their numbers; nil for pools that only other workers know.
    var poolsByID: [PoolEntry?] = []
    var poolsByName: [PoolName: PoolEntry] = [:]
    var parameters: TrackedParameters
    var wishes = Wishes()
    /// The statements that clients have prepared.
    var statements: StatementTable
    /// How many Parses of unnamed statements have been named here.
    var unnamedCount: UInt64 = 0
    var keys = CancelKeys()

    struct PoolName: Hashable {
        var database: String
        var user: String
    }

    /// Clients that have got a server in this turn and have not been told yet.
    var assignments: [(client: ClientID, server: ServerID, since: Instant)] = []
    /// Pools whose waiters or idle servers have changed in this turn, for the other workers.
    var touched: [Int] = []
    /// Pools in which clients here want servers that are not under way.
    var wantingPools: Set<Int> = []
    /// The process's places in its fleet, by the PostgreSQL server's place among the caps.
    var seats: [Int: any FleetSeat] = [:]
    /// Whether the fleet wants connections that clients use.
    var owesServers = false
    /// Whether clients want something that the fleet may not have heard of.
    var hasNewDemand = false
    var demandToldAt: Instant = 0
    /// Servers that leave for another worker when this turn's bytes have been read.
    var departures: [ServerID] = []
    /// What has been moved, and what should have been.
    var moves = MoveCounts()
    /// The number of the last RECONNECT; a server that comes from elsewhere may not have heard of
    /// it.
    var epoch = 0

    /// Clients whose stash can be offered again.
    var readyClients: [ClientID] = []
    var due: [PoolSet.Due] = []
    var inbox: [WorkerMessage] = []
    /// What this turn has brought and nobody has looked at yet.
    var undispatched: Range<Int> = 0..<0
    /// For messages of Weir's own.
    var writer = MessageWriter()

    /// Who gets the clients that the first worker accepts.
    var dealing = Dealing()
    var listeners: [(id: ListenerID, isUnix: Bool)] = []
    var ending = Ending.none
    var isFinished = false
    var isSuspended = false
    /// The console client whose SUSPEND is in force.
    var suspender = ClientID.none
    var suspendDeadline: Instant = .max
    var pendingControls: [PendingControl] = []
    /// Orders of the first worker that are not done yet.
    var orders: [Order] = []
    /// Reports that others have been asked for.
    var gatherings: [Gathering] = []
    /// The number of the last order or question to the others.
    var lastTicket = 0
    /// The other workers that have nothing left that the process's end waits for.
    var drainedPeers: Set<Int> = []
    var hasReportedDrained = false
    var nextTick: Instant = 0
    var statistics: StatisticsWindows
    var nextUserListCheck: Instant = 0

    /// How often deadlines are looked at; their grain.
    static let tick: Nanoseconds = 100_000_000

    /// Makes a worker on the thread that will run it. The first one listens.
    ///
    /// - Parameters:
    ///   - process: what all workers of the process are given.
    ///   - index: the worker's place among them.
    /// - Throws: `ReactorError` when the engine or a listener cannot be had.
    public init(
        settings: Settings,
        users: UserList,
        environment: Environment,
        engine: Reactor.EventEngine,
        process: ProcessState = ProcessState(workers: 1),
        index: Int = 0
    ) throws(ReactorError) {
        self.settings = settings
        self.users = users
        self.environment = environment
        self.process = process
        self.index = index
        self.hasPeers = process.workers > 1
        self.loop = try EventLoop(engine: engine)
        self.mailbox = Mailbox(waking: self.loop.wakeHandle)
        self.resolver = Resolver(
            threads: environment.helpers,
            positiveTTL: settings.global.dnsMaxTtl.nanoseconds,
            negativeTTL: settings.global.dnsNxdomainTtl.nanoseconds
        )
        self.parameters = TrackedParameters(extra: settings.global.trackExtraParameters)
        self.statements = StatementTable(
            bytesMax: Self.statementBytesMax,
            seed: process.statementSeed,
            maker: process.contentHash
        )
        self.statistics = StatisticsWindows(now: EventLoop.clock())
        self.process.know(roles: users.users)
        self.applySettings(settings)
        if self.isFirst {
            try self.listen()
        } else if let reason = self.loop.fallbackReason {
            self.logger.warning("worker \(index): io_uring is not used: \(reason)")
        }
        let mailboxes = process.join(index, self.mailbox)
        guard self.hasPeers, let mailboxes else { return }
        for mailbox in mailboxes { mailbox.post(WorkerMessage(.peers(mailboxes))) }
    }

    /// The engine in use, and why it is not io_uring if that was wanted.
    public var engine: (name: String, fallbackReason: String?) {
        (self.loop.engine.rawValue, self.loop.fallbackReason)
    }

    /// Serves until the process is to end.
    public func run() {
        // How to reach the others has come already, and nobody may be accepted before it is known.
        if self.hasPeers { self.readMail() }
        while !self.isFinished {
            self.meetPeers()
            while !self.assignments.isEmpty || !self.readyClients.isEmpty {
                self.settle()
                self.meetPeers()
            }
            let count = self.loop.turn(until: min(self.nextTick, self.demandDueAt))
            for index in 0..<count {
                self.undispatched = index + 1..<count
                self.dispatch(index)
                self.settle()
            }
            if self.loop.now >= self.nextTick {
                self.nextTick = self.loop.now + Self.tick
                self.keepUp()
                self.settle()
            }
        }
        if self.isFirst { self.tellPeers(.stop) }
        self.closeAll()
    }

    // MARK: Events

    /// What a socket belongs to, as its token says: the role in the top byte, the place in a slab
    /// below.
    enum Role: UInt64 {
        case nobody = 0
        case listener = 1
        case client = 2
        case server = 3
        case cancel = 4
        /// A client that has been accepted for another worker.
        case newcomer = 5
        case forward = 6

        func token(_ index: UInt32) -> UInt64 { self.rawValue << 56 | UInt64(index) }
    }

    func dispatch(_ index: Int) {
        let completion = self.loop.completion(index)
        if completion.kind == .woken {
            self.readMail()
            return
        }
        let place = UInt32(truncatingIfNeeded: completion.context)
        switch Role(rawValue: completion.context >> 56) {
        case .client:
            guard let client = self.clients[place], client.socket == completion.socket else {
                return self.dropStray(completion)
            }
            self.clientEvent(client, completion, index)
        case .server:
            guard let server = self.servers[place], server.socket == completion.socket else {
                return self.dropStray(completion)
            }
            self.serverEvent(server, completion, index)
        case .listener:
            if completion.kind == .accepted { self.accepted(completion.socket) }
        case .cancel:
            guard let cancel = self.cancels[place], cancel.socket == completion.socket else {
                return
            }
            self.cancelEvent(cancel, completion)
        case .forward:
            guard let forward = self.forwards[place], forward.socket == completion.socket else {
                return
            }
            self.forwardEvent(forward, completion)
        case .newcomer:
            self.newcomerEvent(completion)
        case .nobody, nil:
            break
        }
    }

    /// Closes what has left the loop when its owner had gone already.
    private func dropStray(_ completion: Completion) {
        if completion.kind == .released { Glibc.close(Int32(completion.count)) }
    }

    private func clientEvent(_ client: ClientConnection, _ completion: Completion, _ index: Int) {
        switch completion.kind {
        case .received:
            switch client.phase {
            case .ready: self.requestsReceived(client, completion: index)
            case .console: self.consoleReceived(client, completion: index)
            case .startup, .authenticating, .greeting:
                self.loginReceived(client, completion: index)
            case .leaving: self.departureDisturbed(client, completion: index)
            case .closed: break
            }
            self.resumeReading(client)
        case .released:
            self.clientReleased(client, descriptor: Int32(completion.count))
        case .endOfFile, .failed:
            self.clientEnded(client, isBroken: completion.kind == .failed)
        case .drained:
            if let server = client.server { self.resumeReplies(server) }
            self.resumeReading(client)
        case .accepted, .connected, .closed, .woken:
            break
        }
    }

    private func serverEvent(_ server: ServerConnection, _ completion: Completion, _ index: Int) {
        switch completion.kind {
        case .connected:
            self.serverConnected(server)
        case .received:
            switch server.phase {
            case .ready, .recovering: self.repliesReceived(server, completion: index)
            case .loggingIn: self.serverLoginReceived(server, completion: index)
            case .leaving: self.departureDisturbed(server, completion: index)
            case .resolving, .connecting, .closing: break
            }
            self.resumeReplies(server)
            if let client = server.client, client.isPipelineFull { self.resumeReading(client) }
        case .endOfFile, .failed:
            self.serverEnded(server, error: completion.error)
        case .drained:
            if let client = server.client { self.resumeReading(client) }
        case .closed:
            self.serverClosed(server)
        case .released:
            self.serverReleased(server, descriptor: Int32(completion.count))
        case .accepted, .woken:
            break
        }
    }

    private func readMail() {
        self.mailbox.drain(into: &self.inbox)
        let messages = self.inbox
        self.inbox.removeAll(keepingCapacity: true)
        for message in messages {
            switch message.content {
            case .signal(let signal): self.received(signal)
            case .resolved(let token, let result): self.resolved(token, result)
            case .forwardResolved(let token, let result): self.forwardResolved(token, result)
            case .clientDerived(let token, let result):
                if let client = self.clients[Self.index(token), Self.generation(token)] {
                    self.clientDerived(client, result)
                    self.resumeReading(client)
                }
            case .serverDerived(let token, let result):
                if let server = self.servers[Self.index(token), Self.generation(token)] {
                    self.serverDerived(server, result)
                }
            default:
                self.heard(message.content)
            }
        }
    }

    /// A number that another thread carries around for a connection.
    static func token(_ index: UInt32, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(index)
    }

    /// Takes such a number apart.
    static func place(of token: UInt64) -> (index: UInt32, generation: UInt32) {
        (Self.index(token), Self.generation(token))
    }

    private static func index(_ token: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: token) }
    private static func generation(_ token: UInt64) -> UInt32 { UInt32(token >> 32) }

    // MARK: Reading

    /// Asks for a client's next bytes, unless there is a reason not to.
    func resumeReading(_ client: ClientConnection) {
        guard client.phase != .closed, client.phase != .leaving, !client.isHalfClosed,
            !self.isSuspended || client.phase == .console
        else { return }
        if let socket = client.server?.socket {
            if self.loop.isCongested(socket) { return }
            let due = client.server?.session.ledger.count ?? 0
            client.isPipelineFull = due >= Self.pipelineMax
            if client.isPipelineFull { return }
        } else if self.loop.isCongested(client.socket) {
            // What Weir answers by itself must be taken before more is asked.
            return
        }
        // Before and beside the data path a message is read when it is whole.
        let limit = client.phase == .ready ? Self.stashMax : Limits.loginMessageLengthMax
        if client.stash.count >= limit, self.isKeptWaiting(client) { return }
        self.loop.receive(client.socket)
    }

    /// Whether what the client has sent waits for something, rather than for the rest of itself.
    private func isKeptWaiting(_ client: ClientConnection) -> Bool {
        switch client.session.state {
        case .waiting, .linking: true
        case .linked: client.server?.exchange.isHolding == true
        case .idle: client.phase != .ready || !client.sharesStatements
        }
    }

    /// Asks for a server's next bytes, unless its client cannot take them.
    func resumeReplies(_ server: ServerConnection) {
        guard server.socket != .none, server.phase != .leaving else { return }
        if self.isSuspended, server.phase == .ready { return }
        if let client = server.client, self.loop.isCongested(client.socket) { return }
        self.loop.receive(server.socket)
    }

    /// Bytes of requests that are taken from a client which waits; its socket holds the rest.
    static let stashMax = 16_384

    /// Requests that one client may have unanswered before it is not read from until some are.
    static let pipelineMax = 65_536

    /// Queues bytes of Weir's own.
    func send(_ bytes: [UInt8], to socket: SocketID) {
        unsafe bytes.withUnsafeBytes { unsafe self.loop.write($0, to: socket) }
    }
}
