import Glibc
import Logging
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// Server connections are opened: where to, and what becomes of failures.
extension Worker {
    /// Clients that a draining process waits for still get the servers that they need.
    private var opensServers: Bool {
        !self.isFinished && (self.ending == .none || self.ending == .afterClients)
    }

    /// Opens what the pool's waiters and its minimum want.
    ///
    /// - Parameter expectingOthers: whether idle servers of other workers, which are asked for,
    ///   count as coming.
    func openServers(in pool: PoolEntry, expectingOthers: Bool = true) {
        guard self.opensServers else { return }
        self.openDedicated(in: pool)
        self.serveWaiters(of: pool)
        self.noteInbound(of: pool, expectingOthers: expectingOthers)
        while let opening = self.nextOpening({ $0.nextOpening(in: pool.id, now: $1) }) {
            self.perform(opening)
        }
        self.askForEviction(pool)
        self.hasNewDemand = true
    }

    /// Opens what anybody's waiters want, the oldest first.
    func openServers() {
        guard self.opensServers else { return }
        for pool in self.poolEntries {
            self.openDedicated(in: pool)
            self.serveWaiters(of: pool)
            self.noteInbound(of: pool, expectingOthers: true)
        }
        while let opening = self.nextOpening({ $0.nextOpening(now: $1) }) {
            self.perform(opening)
        }
        for index in self.wantingPools { self.poolsByID[index].map { self.askForEviction($0) } }
    }

    private func noteInbound(of pool: PoolEntry, expectingOthers: Bool) {
        guard self.hasPeers else { return }
        let underWay = pool.board.inbound(self.index)
        let hoped = expectingOthers ? self.idleElsewhere(pool) : 0
        pool.hopesForOthers = hoped > 0
        self.pools.setInbound(underWay + hoped, of: pool.id)
    }

    /// What is to be opened or evicted next; what is opened has its slot already.
    private func nextOpening(
        _ next: (inout PoolSet, Instant) -> PoolSet.Opening?
    ) -> Opening? {
        self.pools.isFillingPutOff = self.othersWant
        return self.withShared {
            switch next(&self.pools, self.loop.now) {
            case nil: nil
            case .evict(let id)?: .evict(self.server(id))
            case .open(let pool)?: .open(self.begin(self.poolsByID[pool.index]))
            }
        }
    }

    private enum Opening {
        case open(ServerConnection)
        case evict(ServerConnection)
    }

    private func perform(_ opening: Opening) {
        switch opening {
        case .open(let server): self.resolve(server)
        case .evict(let server): self.closeServer(server, .evicted)
        }
    }

    /// Where another worker has the idle server that keeps a slot from this pool, it is asked.
    private func askForEviction(_ pool: PoolEntry) {
        guard self.hasPeers else { return }
        let demand = self.withShared {
            self.pools.lacksSharedSlot(pool.id, now: self.loop.now)
                ? self.pools.demand(pool.id) : 0
        }
        guard demand > 0 else { return }
        let hosts = pool.database.hosts.map(\.cap)
        self.tellPeers(.evict(for: pool.id, demand: demand, hosts: hosts))
    }

    /// Makes a server connection that does not connect yet; its slot is taken.
    ///
    /// - Parameter owner: the client that gets it alone; nil for one of the pool.
    func begin(_ pool: PoolEntry?, for owner: ClientConnection? = nil) -> ServerConnection {
        guard let pool else { preconditionFailure("a server opened for a pool of others") }
        let server = self.servers.insert { index, generation in
            ServerConnection(
                id: ServerID(index: index, generation: generation),
                number: self.process.number(),
                pool: pool,
                connectTime: Self.wallClock(),
                owner: owner
            )
        }
        let host = self.takeHost(for: pool, isDedicated: owner != nil)
        server.login = ServerLogin(host: host.name)
        if let owner {
            owner.dedicated = server
            self.pools.openedDedicated(server.id, in: pool.id, now: self.loop.now)
        } else {
            self.pools.opened(server.id, in: pool.id, host: host.cap, now: self.loop.now)
            server.seat = self.seats[host.cap]
        }
        self.noteLiving(of: pool)
        server.epoch = self.epoch
        server.exchange.limit = self.settings.global.maxPreparedStatements
        self.touch(pool)
        return server
    }

    func resolve(_ server: ServerConnection) {
        let now = self.loop.now
        let pool = server.pool
        guard let login = server.login else { return }
        server.deadline = self.connectDeadline
        let token = Self.token(server.id.index, server.id.generation)
        let mailbox = self.mailbox
        self.resolver.resolve(
            host: login.host,
            port: UInt16(truncatingIfNeeded: pool.database.settings.port),
            now: now
        ) { result in
            mailbox.post(WorkerMessage(.resolved(server: token, result)))
        }
    }

    /// When a login, a check or a change of parameters that begins now has taken too long.
    var connectDeadline: Instant {
        let limit = self.settings.global.serverConnectTimeout.nanoseconds
        return limit == 0 ? .max : self.loop.now + limit
    }

    func resolved(_ token: UInt64, _ result: Result<[SocketAddress], ResolveError>) {
        let index = UInt32(truncatingIfNeeded: token)
        guard let server = self.servers[index, UInt32(token >> 32)], server.phase == .resolving,
            let login = server.login
        else { return }
        switch result {
        case .success(let addresses):
            login.addresses = addresses
            self.connectNext(server)
        case .failure(let error):
            self.serverLoginFailed(
                server,
                .unreachable,
                ErrorFields(
                    .fatal,
                    .connectionFailure,
                    "server DNS lookup failed",
                    detail: "Host \"\(login.host)\": \(error)"
                )
            )
        }
    }

    /// Tries the next address of the host.
    private func connectNext(_ server: ServerConnection) {
        guard let login = server.login, !login.addresses.isEmpty else {
            return self.connectFailed(server, error: 0)
        }
        server.address = login.addresses.removeFirst()
        server.phase = .connecting
        server.socket = self.loop.connect(
            to: server.address,
            options: self.socketOptions,
            context: Role.server.token(server.id.index)
        )
    }

    var socketOptions: SocketOptions {
        let global = self.settings.global
        var options = SocketOptions()
        options.keepalive = global.tcpKeepalive
        options.keepIdle = Int32(truncatingIfNeeded: global.tcpKeepidle)
        options.keepInterval = Int32(truncatingIfNeeded: global.tcpKeepintvl)
        options.keepCount = Int32(truncatingIfNeeded: global.tcpKeepcnt)
        options.userTimeout = Int32(truncatingIfNeeded: global.tcpUserTimeout)
        options.socketBuffer = Int32(truncatingIfNeeded: global.tcpSocketBuffer)
        return options
    }

    /// The socket could not be connected, or broke during login.
    func connectFailed(_ server: ServerConnection, error: Int32) {
        if server.phase == .connecting, let login = server.login, !login.addresses.isEmpty {
            self.loop.close(server.socket, flushing: false, isReported: false)
            server.socket = .none
            return self.connectNext(server)
        }
        server.login?.isRefused = error == 0 || error == ECONNRESET
        let reason = error == 0 ? "the server closed the connection" : Self.errorText(error)
        self.serverLoginFailed(
            server,
            .unreachable,
            ErrorFields(
                .fatal,
                .connectionFailure,
                server.phase == .loggingIn
                    ? "server closed the connection during login"
                    : "could not connect to server",
                detail: "\(server.address): \(reason)"
            ),
            peerClosed: true
        )
    }

    /// A login has failed: who waits is told, or waits for a better time.
    func serverLoginFailed(
        _ server: ServerConnection,
        _ failure: PoolSet.LoginFailure,
        _ fields: ErrorFields,
        peerClosed: Bool = false
    ) {
        guard server.phase != .closing else { return }
        let pool = server.pool
        let detail = fields.detail.map { " (\($0))" } ?? ""
        let text = "\(fields.severity.rawValue) \(fields.message)\(detail)"
        self.logger.warning("\(server.prefix)server login failed: \(text)")
        if !server.isDedicated { pool.shared.learn { $0.lastFailure = fields } }
        pool.counters.serverLoginFailureCount += 1
        if pool.database.settings.hosts.count > 1, failure == .unreachable,
            pool.database.settings.loadBalanceHosts == .disable
        {
            self.passHost(of: pool.database)
        }
        let reason: CloseReason = failure == .unreachable ? .connectFailed : .serverLoginFailed
        if server.isDedicated {
            return self.dedicatedFailed(server, reason, fields, peerClosed: peerClosed)
        }
        let now = self.loop.now
        let isForAll: Bool
        if self.pools.place(of: server.id) == .opening {
            isForAll = self.withShared { self.pools.loginFailed(server.id, failure, now: now) }
        } else {
            isForAll = false
        }
        self.closeServer(server, reason, peerClosed: peerClosed)
        if isForAll {
            self.refuseAll(pool, fields)
            self.tellPeers(.refuseAll(pool.id, fields))
        }
    }

    /// Tells everybody who waits for a server of the pool why there will be none.
    func refuseAll(_ pool: PoolEntry, _ fields: ErrorFields) {
        self.touch(pool)
        while let id = self.pools.nextRefused(pool.id) {
            if let client = self.clients[id.index, id.generation] {
                self.refuseWait(client, fields)
            }
        }
        while let id = self.pools.nextGreeting(pool.id) {
            if let client = self.clients[id.index, id.generation] {
                self.closeClient(client, .loginFailed, fields)
            }
        }
    }
}
