import Auth
import Logging
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// What a server connection's login needs while it lasts.
final class ServerLogin {
    /// Addresses of the host that have not been tried.
    var addresses: [SocketAddress] = []
    let host: String
    var prover: Prover?
    /// What the server has reported, in its order.
    var reported: [StartupParameters.Parameter] = []
    var hasBeenAccepted = false
    /// When the fleet's permit for the startup message was taken; 0 where there is none.
    var startedAt: Instant = 0
    /// PostgreSQL has ended it: no session comes of it.
    var isRefused = false

    init(host: String) { self.host = host }
}

/// Servers are logged in to.
extension Worker {
    /// The socket stands: the startup packet goes out.
    func serverConnected(_ server: ServerConnection) {
        guard server.phase == .connecting, let login = server.login else { return }
        guard self.takePermit(for: server) else { return self.closeServer(server, .noPermit) }
        server.phase = .loggingIn
        server.reader = FrameReader(limit: Limits.loginMessageLengthMax)
        let database = server.pool.database
        login.prover = Prover(
            user: server.pool.user.name,
            credentials: self.credentials(for: server.pool),
            nonce: self.randomBytes(AuthLimits.nonceEntropy)
        )
        var parameters = [
            (name: "user", value: server.pool.user.name),
            (name: "database", value: database.serverName),
        ]
        let settings = database.settings
        for (name, value) in [
            ("client_encoding", settings.clientEncoding), ("DateStyle", settings.datestyle),
            ("TimeZone", settings.timezone), ("application_name", settings.applicationName),
        ] {
            if let value { parameters.append((name, value)) }
        }
        if let options = server.seat?.startupOptions { parameters.append(("options", options)) }
        // Of two values for one name PostgreSQL takes the later one.
        if server.isDedicated { parameters += self.replicationParameters(of: server) }
        self.writer.removeAll()
        self.writer.startup(parameters)
        self.send(self.writer.bytes, to: server.socket)
        self.loop.receive(server.socket)
        let local = self.loop.localAddress(of: server.socket).logText(listening: server.address)
        self.logger.info("\(server.prefix)new connection to server (from \(local))")
    }

    /// Bytes of a server that is being logged in to.
    func serverLoginReceived(_ server: ServerConnection, completion index: Int) {
        unsafe server.stash.append(self.loop.bytes(index))
        while server.phase == .loggingIn {
            let span = unsafe Span<UInt8>(_unsafeBytes: server.stash.bytes)
            let frame: Frame
            do throws(FramingError) {
                guard let next = try server.reader.next(in: span, at: 0), next.isComplete else {
                    return
                }
                frame = next
            } catch {
                return self.loginBroke(server, error.message)
            }
            self.received(frame, span, from: server)
            // What follows ReadyForQuery, if anything does, is the ready server's.
            server.stash.removeFirst(frame.length)
        }
        if server.phase == .closing { server.stash.removeFirst(server.stash.count) }
    }

    private func received(_ frame: Frame, _ span: Span<UInt8>, from server: ServerConnection) {
        guard let login = server.login else { return }
        let range = frame.bodyOffset..<frame.end
        switch BackendKind(rawValue: frame.kind) {
        case .authentication:
            guard range.count >= 4 else {
                return self.loginBroke(server, "truncated Authentication")
            }
            let code = Int32(bitPattern: span.bigEndianUInt32(at: range.lowerBound))
            guard var prover = login.prover else { return }
            let step = prover.received(
                authenticationCode: code,
                data: span.copy(range.lowerBound + 4..<range.upperBound)
            )
            login.prover = prover
            self.follow(step, server)
        case .backendKeyData:
            guard range.count >= 8 else {
                return self.loginBroke(server, "truncated BackendKeyData")
            }
            server.processID = span.bigEndianUInt32(at: range.lowerBound)
            server.secret = span.copy(range.lowerBound + 4..<range.upperBound)
        case .parameterStatus:
            self.reported(span, range, by: login)
        case .error:
            let fields = ErrorFields(parsing: span, in: range)
            login.isRefused = true
            self.serverLoginFailed(server, Self.failure(of: fields), fields)
        case .readyForQuery:
            guard login.hasBeenAccepted else {
                return self.loginBroke(server, "no AuthenticationOk")
            }
            self.loginEnded(server, login)
        case .notice:
            break
        default:
            self.loginBroke(server, "unexpected message of type \(frame.kind)")
        }
    }

    private func reported(_ span: Span<UInt8>, _ range: Range<Int>, by login: ServerLogin) {
        guard let end = span.terminator(in: range),
            let valueEnd = span.terminator(in: end + 1..<range.upperBound),
            login.reported.count < Limits.startupParametersMax
        else { return }
        let name = String(decoding: span.copy(range.lowerBound..<end), as: UTF8.self)
        let value = String(decoding: span.copy(end + 1..<valueEnd), as: UTF8.self)
        login.reported.append(StartupParameters.Parameter(name: name, value: value))
    }

    func serverDerived(_ server: ServerConnection, _ result: PasswordDerivation.Result) {
        guard server.phase == .loggingIn, let login = server.login, var prover = login.prover else {
            return
        }
        let step = prover.derived(result)
        login.prover = prover
        self.follow(step, server)
    }

    private func follow(_ step: Prover.Step, _ server: ServerConnection) {
        switch step {
        case .send(let body):
            guard self.mayContinueLogin(server) else { return self.loginTookTooLong(server) }
            self.writer.removeAll()
            self.writer.password(body: body)
            self.send(self.writer.bytes, to: server.socket)
        case .derive(let derivation):
            let token = Self.token(server.id.index, server.id.generation)
            let mailbox = self.mailbox
            let isTaken = self.environment.helpers.submit {
                mailbox.post(WorkerMessage(.serverDerived(server: token, derivation.run())))
            }
            if !isTaken { self.loginBroke(server, "too many logins at once") }
        case .accepted:
            server.login?.hasBeenAccepted = true
        case .wait:
            break
        case .failed(let error):
            self.serverLoginFailed(
                server,
                .refused,
                ErrorFields(
                    .fatal,
                    SQLState(error.sqlState),
                    "server login failed: \(error.message)"
                )
            )
        }
    }

    /// A login that goes on longer might become a session that nobody has counted.
    private func loginTookTooLong(_ server: ServerConnection) {
        self.serverLoginFailed(
            server,
            .unreachable,
            ErrorFields(.fatal, .connectionFailure, "server login took too long")
        )
    }

    private func loginBroke(_ server: ServerConnection, _ what: String) {
        self.serverLoginFailed(
            server,
            .refused,
            ErrorFields(.fatal, .connectionFailure, "server login failed: \(what)")
        )
    }

    /// What a server's refusal means to those who wait.
    private static func failure(of fields: ErrorFields) -> PoolSet.LoginFailure {
        fields.sqlState == .tooManyConnections || fields.sqlState == .cannotConnectNow
            ? .busy : .refused
    }

    /// The server waits for the first query.
    private func loginEnded(_ server: ServerConnection, _ login: ServerLogin) {
        if server.isDedicated { return self.dedicatedReady(server, login) }
        self.enterFleet(server)
        let greeting = Greeting(login.reported, following: self.parameters)
        server.parameters = self.parameters.hold(greeting.values)
        server.pool.shared.greeting = greeting
        server.pool.shared.learn { $0.lastFailure = nil }
        server.pool.counters.serverLoginCount += 1
        server.login = nil
        server.phase = .recovering
        self.claim(server)
        server.reader = FrameReader()
        if let query = server.pool.database.settings.connectQuery, !query.isEmpty {
            self.ask(server, query, for: .connectQuery)
        } else {
            self.serverReady(server)
        }
    }

    /// A new server can be used.
    func serverReady(_ server: ServerConnection) {
        server.phase = .ready
        server.deadline = .max
        self.withShared { self.pools.loginSucceeded(server.id, now: self.loop.now) }
        self.greetWaiting(server.pool)
        self.tellPeers(.greeted(server.pool.id))
        self.checkIn(server)
    }

    /// Greets those whose logins wait, if it is known what with.
    func greetWaiting(_ pool: PoolEntry) {
        // A RECONNECT during connect_query has made the greeting void: the next server brings one.
        while pool.hasGreeting, let id = self.pools.nextGreeting(pool.id) {
            if let client = self.clients[id.index, id.generation], client.phase == .greeting {
                self.greet(client)
            }
        }
    }
}
