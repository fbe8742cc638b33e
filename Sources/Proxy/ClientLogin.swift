import Auth
import Logging
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// What a client's login needs while it lasts.
final class ClientLogin {
    var verifier: Verifier?
    /// What the user's secret was when the login began.
    var secret: Secret?
    /// What a client of the console has asked for, on its way to the worker that keeps those.
    var startup: StartupParameters?
    /// Startup values of followed parameters, by their place.
    var wanted: [String?] = []
    /// Startup values of other settings, in the order in which they came.
    var settings: [SettingValue] = []
    /// `options` of a replication client, as sent.
    var options: String?
    var hasAskedForTLS = false
    var hasAskedForGSS = false
    /// A password message is awaited, rather than a helper thread.
    var awaitsMessage = false
    /// The cancel request that this connection has brought is on its way.
    var isCanceling = false
}

/// Clients are let in.
extension Worker {
    /// Connections beyond `max_client_conn` that may wait to be told so, or bring a cancel request
    /// or an administrator. Else those who connect and say nothing could take every descriptor, for
    /// as long as a login may last.
    public static let strangersMax = 256

    private var fullness: ErrorFields {
        let limit = self.settings.global.maxClientConn
        let others = self.process.clients
        return ErrorFields(
            .fatal,
            .tooManyConnections,
            "no more connections allowed (max_client_conn)",
            detail: "\(others) of \(limit) client connections are in use.",
            hint: "Raise max_client_conn, or close idle clients by client_idle_timeout."
        )
    }

    /// A connection has been accepted: it goes to a worker that has few.
    func accepted(_ socket: SocketID) {
        var worker = self.process.worker(for: &self.random)
        if worker != self.index {
            let own = self.process.load(of: self.index)
            let other = self.process.load(of: worker)
            if self.dealing.keeps(own: own, other: other) { worker = self.index }
        }
        let limit = self.settings.global.maxClientConn + Self.strangersMax
        let isFull = self.process.connected(worker) - self.consoleClients > limit
        if worker != self.index, !isFull { return self.dealOut(socket, to: worker) }
        if worker != self.index { self.process.moved(from: worker, to: self.index) }
        self.dealing.kept()
        let client = self.enter(socket)
        if isFull { return self.closeClient(client, .loginFailed, self.fullness) }
        self.resumeReading(client)
    }

    /// The first worker has accepted a client for this one.
    func adopt(client descriptor: Int32) {
        let socket = self.adopt(descriptor, Role.nobody.token(0))
        if socket == .none { return self.process.left(self.index) }
        self.resumeReading(self.enter(socket))
    }

    /// Makes a client of a socket.
    ///
    /// - Parameter earlier: what it was at another worker.
    func enter(_ socket: SocketID, _ earlier: ConsoleTransfer? = nil) -> ClientConnection {
        let number = earlier?.number ?? self.process.number()
        let remote = self.loop.remoteAddress(of: socket)
        let unixSocket = remote.isUnix ? self.loop.localAddress(of: socket) : nil
        let client = self.clients.insert { index, generation in
            ClientConnection(
                id: ClientID(index: index, generation: generation),
                number: number,
                socket: socket,
                remote: remote,
                unixSocket: unixSocket,
                connectTime: earlier?.connectTime ?? Self.wallClock(),
                now: earlier?.acceptedAt ?? self.loop.now
            )
        }
        client.login = ClientLogin()
        self.loop.setContext(Role.client.token(client.id.index), of: socket)
        return client
    }

    /// Bytes of a client that is logging in.
    func loginReceived(_ client: ClientConnection, completion index: Int) {
        unsafe client.stash.append(self.loop.bytes(index))
        self.readLogin(client)
    }

    func readLogin(_ client: ClientConnection) {
        while !client.stash.isEmpty {
            let taken: Int?
            switch client.phase {
            case .startup: taken = self.readStartup(client)
            case .authenticating: taken = self.readPassword(client)
            case .greeting, .ready, .console, .leaving, .closed: return
            }
            guard let taken, client.phase != .closed else { return }
            client.stash.removeFirst(taken)
        }
    }

    // MARK: The first packet

    /// Reads a first packet; returns its length, or nil when it is not there whole.
    private func readStartup(_ client: ClientConnection) -> Int? {
        guard client.login?.isCanceling == false else { return nil }
        let span = unsafe Span<UInt8>(_unsafeBytes: client.stash.bytes)
        do throws(StartupError) {
            guard let length = try StartupRequest.length(in: span), span.count >= length else {
                return nil
            }
            let request = try StartupRequest(parsing: span.extracting(0..<length))
            self.received(request, from: client, isLast: span.count == length)
            return length
        } catch {
            self.closeClient(client, .protocolViolation, error.fields)
            return nil
        }
    }

    private func received(
        _ request: StartupRequest,
        from client: ClientConnection,
        isLast: Bool
    ) {
        guard let login = client.login else { return }
        switch request {
        case .ssl:
            guard !login.hasAskedForTLS else { return self.refuseRepeated(client, "SSL request") }
            login.hasAskedForTLS = true
            self.refuseEncryption(client, isLast: isLast, "SSL request")
        case .gss:
            guard !login.hasAskedForGSS else {
                return self.refuseRepeated(client, "GSSAPI encryption request")
            }
            login.hasAskedForGSS = true
            self.refuseEncryption(client, isLast: isLast, "GSSAPI encryption request")
        case .cancel(let key):
            self.cancelReceived(key, from: client)
        case .startup(let startup):
            if Self.isConsole(startup.database), !self.isFirst {
                self.sendToConsole(client, startup)
            } else {
                self.begin(client, startup)
            }
        }
    }

    private func refuseRepeated(_ client: ClientConnection, _ what: String) {
        self.closeClient(
            client,
            .protocolViolation,
            ErrorFields(.fatal, .protocolViolation, "\(what) was sent twice")
        )
    }

    /// Answers `N`. What came in the same breath was meant to be encrypted, or was smuggled in.
    private func refuseEncryption(_ client: ClientConnection, isLast: Bool, _ what: String) {
        guard isLast else {
            return self.closeClient(
                client,
                .protocolViolation,
                ErrorFields(
                    .fatal,
                    .protocolViolation,
                    "received unencrypted data after \(what)"
                )
            )
        }
        self.send([UInt8(ascii: "N")], to: client.socket)
    }

    // MARK: Who it is

    func begin(_ client: ClientConnection, _ startup: StartupParameters) {
        guard let login = client.login else { return }
        client.userName = startup.user
        client.databaseName = startup.database
        client.protocolMinor = startup.agreedMinor
        if startup.needsNegotiation {
            self.writer.removeAll()
            self.writer.negotiateProtocolVersion(
                minor: startup.agreedMinor,
                unknownOptions: startup.protocolOptions
            )
            self.send(self.writer.bytes, to: client.socket)
        }
        let isConsole = Self.isConsole(startup.database)
        if let refusal = self.refusal(isConsole: isConsole) {
            return self.closeClient(client, .loginFailed, refusal)
        }
        if !isConsole {
            guard self.process.admit(limit: self.settings.global.maxClientConn) else {
                return self.closeClient(client, .loginFailed, self.fullness)
            }
            client.isAdmitted = true
        }
        do throws(StartupParameterError) {
            (login.wanted, login.settings) = try self.wantedParameters(
                startup,
                isConsole: isConsole
            )
            if !isConsole {
                client.replication = try self.replicationMode(startup)
                login.options = startup.others.last { $0.name == "options" }?.value
            }
        } catch {
            return self.closeClient(client, .loginFailed, error.fields)
        }
        if self.settings.global.logConnections {
            let names = "db=\(startup.database) user=\(startup.user)"
            let replication =
                switch client.replication {
                case .none: "no"
                case .physical: "yes"
                case .logical: "database"
                }
            self.logger.info(
                "\(client.prefix)login attempt: \(names) tls=no replication=\(replication)"
            )
        }
        if isConsole, self.isOwner(client) { return self.openConsole(client, .admin) }
        self.authenticate(client, startup)
    }

    /// Names of the console's virtual database.
    static func isConsole(_ database: String) -> Bool {
        database == "pgbouncer" || database == "weir"
    }

    /// Why nobody like this may come in now.
    private func refusal(isConsole: Bool) -> ErrorFields? {
        if isConsole { return nil }
        if self.ending != .none {
            return ErrorFields(.fatal, .cannotConnectNow, "pooler is shutting down")
        }
        return nil
    }

    private func authenticate(_ client: ClientConnection, _ startup: StartupParameters) {
        let method =
            ClientAuthMethod(rawValue: self.settings.global.authType.rawValue) ?? .scramSHA256
        var secret = self.users.secret(of: startup.user)
        client.phase = .authenticating
        if let step = Verifier.decided(method: method, user: startup.user, secret: secret) {
            return self.follow(step, client)
        }
        client.login?.secret = secret
        if case .plain? = secret, let derived = self.derivedSecrets[startup.user],
            method == .scramSHA256
        {
            secret = .scram(derived)
        }
        client.login?.verifier = Verifier(
            method: method,
            user: startup.user,
            secret: secret,
            entropy: VerifierEntropy(
                md5Salt: self.randomBytes(4),
                scramNonce: self.randomBytes(AuthLimits.nonceEntropy)
            ),
            mockKey: self.process.mockKey,
            scramIterations: self.settings.global.scramIterations,
            unknownUsersDerive: self.users.derives(under: method)
        )
        if let step = client.login?.verifier?.begin() { self.follow(step, client) }
    }

    /// Reads one password message; returns its length, or nil when it is not there whole or not
    /// awaited.
    private func readPassword(_ client: ClientConnection) -> Int? {
        guard client.login?.awaitsMessage == true else { return nil }
        let span = unsafe Span<UInt8>(_unsafeBytes: client.stash.bytes)
        let frame: Frame
        do throws(FramingError) {
            guard let next = try client.reader.next(in: span, at: 0) else { return nil }
            frame = next
        } catch {
            self.closeClient(client, .protocolViolation, Self.violation(error))
            return nil
        }
        guard frame.kind == FrontendKind.password.rawValue else {
            let fields = ErrorFields(
                .fatal,
                .protocolViolation,
                "expected password response, got message type \(frame.kind)"
            )
            self.closeClient(client, .protocolViolation, fields)
            return nil
        }
        guard frame.isComplete else { return nil }
        client.login?.awaitsMessage = false
        let body = span.copy(frame.bodyOffset..<frame.end)
        // In place: a copy of the verifier is a dozen references.
        guard let step = client.login?.verifier?.received(passwordMessageBody: body) else {
            return nil
        }
        self.follow(step, client)
        return frame.length
    }

    func clientDerived(_ client: ClientConnection, _ result: PasswordDerivation.Result) {
        guard client.phase == .authenticating, let step = client.login?.verifier?.derived(result)
        else { return }
        // Not for a password that was changed meanwhile.
        if case .succeeded = step, case .plain? = client.login?.secret,
            client.login?.secret == self.users.secret(of: client.userName),
            self.settings.global.authType == .scramSHA256
        {
            self.derivedSecrets[client.userName] = result.secret
        }
        self.follow(step, client)
        self.readLogin(client)
    }

    private func follow(_ step: Verifier.Step, _ client: ClientConnection) {
        switch step {
        case .send(let request):
            self.sendAuthentication(request, to: client)
            client.login?.awaitsMessage = true
        case .derive(let derivation):
            let token = Self.token(client.id.index, client.id.generation)
            let mailbox = self.mailbox
            let isTaken = self.environment.helpers.submit {
                mailbox.post(WorkerMessage(.clientDerived(client: token, derivation.run())))
            }
            if !isTaken {
                self.closeClient(
                    client,
                    .loginFailed,
                    ErrorFields(.fatal, .insufficientResources, "too many logins at once")
                )
            }
        case .succeeded(let last, let proof):
            if let last { self.sendAuthentication(last, to: client) }
            self.authenticated(client, proof)
        case .failed(let error):
            self.logger.info(
                "\(client.prefix)login failed: db=\(client.databaseName) user=\(client.userName)"
            )
            client.pool?.counters.clientLoginFailureCount += 1
            let fields = ErrorFields(.fatal, SQLState(error.sqlState), error.clientMessage)
            self.closeClient(client, .loginFailed, fields)
        }
    }

    private func sendAuthentication(_ request: AuthenticationRequest, to client: ClientConnection) {
        self.writer.removeAll()
        self.writer.authentication(code: request.code, data: request.data)
        self.send(self.writer.bytes, to: client.socket)
    }
}
