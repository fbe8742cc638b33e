public import Auth
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
/// Everything here runs on one thread, so nothing is locked. Other threads speak through the
/// mailbox.
public final class Worker {
    /// What the worker takes from outside.
    public struct Environment {
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

        /// Creates an environment.
        public init(
            logger: Logger,
            slowQueries: SlowQueryLog,
            console: any ConsoleResponder,
            source: any ConfigurationSource,
            helpers: HelperThreads
        ) {
            self.logger = logger
            self.slowQueries = slowQueries
            self.console = console
            self.source = source
            self.helpers = helpers
        }
    }

    /// How the process ends.
    enum Ending {
        case none
        case afterClients
        case afterServers
        case now
    }

    let loop: EventLoop
    let environment: Environment
    var logger: Logger { self.environment.logger }
    /// Other threads post here.
    public let mailbox: Mailbox<WorkerMessage>
    let resolver: Resolver

    var settings: Settings
    var users: UserList
    /// SCRAM secrets derived from plain ones, so that each is derived once.
    var derivedSecrets: [String: SCRAMSecret] = [:]
    /// What mock salts come from.
    let mockKey: [UInt8]
    var random = RandomSource()

    var clients = Slab<ClientConnection>()
    var servers = Slab<ServerConnection>()
    var cancels = Slab<CancelConnection>()
    var consoleClients = 0
    var nextNumber: Int64 = 1

    var pools = PoolSet()
    var databaseEntries: [String: DatabaseEntry] = [:]
    /// Databases that were taken out and may come back.
    var forgottenDatabases: [String: DatabaseEntry] = [:]
    var userEntries: [String: UserEntry] = [:]
    var poolEntries: [PoolEntry] = []
    var poolsByName: [PoolName: PoolEntry] = [:]
    var parameters: TrackedParameters
    var keys = CancelKeys()

    struct PoolName: Hashable {
        var database: String
        var user: String
    }

    /// Clients that have got a server in this turn and have not been told yet.
    var assignments: [(client: ClientID, server: ServerID, since: Instant)] = []
    /// Clients whose stash can be offered again.
    var readyClients: [ClientID] = []
    var due: [PoolSet.Due] = []
    var inbox: [WorkerMessage] = []
    /// What this turn has brought and nobody has looked at yet.
    var undispatched: Range<Int> = 0..<0
    /// For messages of Weir's own.
    var writer = MessageWriter()

    var listeners: [(id: ListenerID, isUnix: Bool)] = []
    var ending = Ending.none
    var isFinished = false
    var isSuspended = false
    /// The console client whose SUSPEND is in force.
    var suspender = ClientID.none
    var suspendDeadline: Instant = .max
    var pendingControls: [PendingControl] = []
    var nextTick: Instant = 0
    var statistics: StatisticsWindows
    var nextUserListCheck: Instant = 0

    /// How often deadlines are looked at; their grain.
    static let tick: Nanoseconds = 100_000_000

    /// Makes a worker on the thread that will run it, and listens.
    ///
    /// - Throws: `ReactorError` when the engine or a listener cannot be had.
    public init(
        settings: Settings,
        users: UserList,
        environment: Environment,
        engine: Reactor.EventEngine
    ) throws(ReactorError) {
        self.settings = settings
        self.users = users
        self.environment = environment
        self.loop = try EventLoop(engine: engine)
        self.mailbox = Mailbox(waking: self.loop.wakeHandle)
        self.resolver = Resolver(
            threads: environment.helpers,
            positiveTTL: settings.global.dnsMaxTtl.nanoseconds,
            negativeTTL: settings.global.dnsNxdomainTtl.nanoseconds
        )
        self.parameters = TrackedParameters(extra: settings.global.trackExtraParameters)
        self.mockKey = self.random.bytes(AuthLimits.mockKeyLength)
        self.statistics = StatisticsWindows(now: EventLoop.clock())
        self.applySettings(settings)
        try self.listen()
    }

    /// The engine in use, and why it is not io_uring if that was wanted.
    public var engine: (name: String, fallbackReason: String?) {
        (self.loop.engine.rawValue, self.loop.fallbackReason)
    }

    /// The addresses that clients can come to.
    public var listeningAddresses: [SocketAddress] {
        self.listeners.map { self.loop.localAddress(of: $0.id) }
    }

    /// Serves until the process is to end.
    public func run() {
        while !self.isFinished {
            let count = self.loop.turn(until: self.nextTick)
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
                return
            }
            self.clientEvent(client, completion, index)
        case .server:
            guard let server = self.servers[place], server.socket == completion.socket else {
                return
            }
            self.serverEvent(server, completion, index)
        case .listener:
            if completion.kind == .accepted { self.accepted(completion.socket) }
        case .cancel:
            guard let cancel = self.cancels[place], cancel.socket == completion.socket else {
                return
            }
            self.cancelEvent(cancel, completion)
        case .nobody, nil:
            break
        }
    }

    private func clientEvent(_ client: ClientConnection, _ completion: Completion, _ index: Int) {
        switch completion.kind {
        case .received:
            switch client.phase {
            case .ready: self.requestsReceived(client, completion: index)
            case .console: self.consoleReceived(client, completion: index)
            case .startup, .authenticating, .greeting:
                self.loginReceived(client, completion: index)
            case .closed: break
            }
            self.resumeReading(client)
        case .endOfFile, .failed:
            self.clientEnded(client, isBroken: completion.kind == .failed)
        case .drained:
            if let server = client.server { self.resumeReplies(server) }
            self.resumeReading(client)
        case .accepted, .connected, .closed, .released, .woken:
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
        case .accepted, .released, .woken:
            break
        }
    }

    private func readMail() {
        self.mailbox.drain(into: &self.inbox)
        let messages = self.inbox
        self.inbox.removeAll(keepingCapacity: true)
        for message in messages {
            switch message {
            case .signal(let signal): self.received(signal)
            case .resolved(let token, let result): self.resolved(token, result)
            case .clientDerived(let token, let result):
                if let client = self.clients[Self.index(token), Self.generation(token)] {
                    self.clientDerived(client, result)
                    self.resumeReading(client)
                }
            case .serverDerived(let token, let result):
                if let server = self.servers[Self.index(token), Self.generation(token)] {
                    self.serverDerived(server, result)
                }
            }
        }
    }

    /// A number that another thread carries around for a connection.
    static func token(_ index: UInt32, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(index)
    }

    private static func index(_ token: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: token) }
    private static func generation(_ token: UInt64) -> UInt32 { UInt32(token >> 32) }

    // MARK: Reading

    /// Asks for a client's next bytes, unless there is a reason not to.
    func resumeReading(_ client: ClientConnection) {
        guard client.phase != .closed, !client.isHalfClosed,
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
        if client.stash.count >= limit, client.session.state != .linked { return }
        self.loop.receive(client.socket)
    }

    /// Asks for a server's next bytes, unless its client cannot take them.
    func resumeReplies(_ server: ServerConnection) {
        guard server.socket != .none else { return }
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
