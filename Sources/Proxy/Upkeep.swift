import Logging
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// What is due because time has passed. Deadlines are looked at in one place, ten times a second.
extension Worker {
    func keepUp() {
        let now = self.loop.now
        self.performDue()
        if !self.isSuspended {
            for place in self.clients.places {
                if let client = self.clients[place] { self.checkTime(of: client, now: now) }
            }
        }
        for place in self.servers.places {
            guard let server = self.servers[place], !self.isSuspended || server.isUnready else {
                continue
            }
            self.checkTime(of: server, now: now)
        }
        self.expireCancels(now: now)
        self.endStreamsOfPaused()
        self.openServers()
        self.tellDemand()
        if self.hasPeers {
            self.countMissed(now: now)
            self.publishTransactions()
        }
        guard self.isFirst else { return }
        self.process.endSeats()
        if self.hasPeers { self.dealing.windowEnded(cpuTime: Self.threadTime() * 1_000, now: now) }
        self.forgetUnusedDatabases(now: now)
        self.reloadChangedUsers(now: now)
        self.keepStatistics(now: now)
    }

    /// Tells the other workers how old the oldest transactions are: words for people, so once a
    /// tick will do.
    private func publishTransactions() {
        for pool in self.poolEntries { pool.oldestTransaction = 0 }
        for place in self.servers.places {
            guard let server = self.servers[place], server.transactionStart != 0,
                !server.isDedicated
            else { continue }
            let known = server.pool.oldestTransaction
            if known == 0 || server.transactionStart < known {
                server.pool.oldestTransaction = server.transactionStart
            }
        }
        for pool in self.poolEntries {
            pool.board.noteTransaction(pool.oldestTransaction, of: self.index)
        }
    }

    /// Does all that is due in the pools; who is due has left its queue already and is known to
    /// nobody else.
    func performDue() {
        self.withShared { self.pools.upkeep(now: self.loop.now, &self.due) }
        let due = self.due
        self.due.removeAll(keepingCapacity: true)
        for one in due { self.perform(one) }
    }

    private func perform(_ due: PoolSet.Due) {
        switch due {
        case .expired(let id, let since, let end):
            guard let client = self.clients[id.index, id.generation] else { return }
            client.pool.map { self.touch($0) }
            client.pool?.counters.waitTimeoutCount += 1
            self.refuseWait(client, self.waitError(client, end, since: since))
        case .greetingExpired(let id, let end):
            guard let client = self.clients[id.index, id.generation] else { return }
            var fields = self.waitError(client, end, since: client.acceptedAt)
            fields.severity = .fatal
            self.closeClient(client, .loginFailed, fields)
        case .notify(let id):
            guard let client = self.clients[id.index, id.generation] else { return }
            self.writer.removeAll()
            self.writer.notice(
                ErrorFields(
                    .notice,
                    .success,
                    "No server connection available in postgres backend, client being queued"
                )
            )
            self.send(self.writer.bytes, to: client.socket)
        case .close(let id, let reason):
            self.closeServer(self.server(id), reason)
        }
    }

    private func checkTime(of client: ClientConnection, now: Instant) {
        switch client.phase {
        case .startup, .authenticating, .greeting:
            let limit = self.settings.global.clientLoginTimeout.nanoseconds
            if limit > 0, now - client.acceptedAt >= limit {
                self.closeClient(client, .loginTimeout)
            }
        case .ready:
            let idle = now - client.idleSince
            guard idle >= Self.stashKeptFor, client.requestedAt == 0,
                client.server?.session.isAtRest ?? (client.session.state == .idle)
            else { return }
            // Who comes back soon finds its memory; who does not shall cost little.
            if client.stash.isEmpty { client.stash.free() }
            let limit = client.policy.clientIdleTimeout
            if limit > 0, idle >= limit { return self.closeClient(client, .clientIdleTimeout) }
            self.checkPin(client, idle: idle)
        case .console, .leaving, .closed:
            break
        }
    }

    /// How long an idle client keeps the memory of its stash.
    private static let stashKeptFor: Nanoseconds = 300_000_000

    private func checkTime(of server: ServerConnection, now: Instant) {
        if server.deadline <= now { return self.deadlinePassed(server) }
        guard let client = server.client else { return }
        let policy = client.policy
        if policy.queryTimeout > 0, server.queryStart != 0,
            now - server.queryStart >= policy.queryTimeout
        {
            self.closeServer(server, .queryTimeout)
        } else if policy.transactionTimeout > 0, server.transactionStart != 0,
            now - server.transactionStart >= policy.transactionTimeout
        {
            self.closeServer(server, .transactionTimeout)
        } else if policy.idleTransactionTimeout > 0, server.idleInTransactionSince != 0,
            now - server.idleInTransactionSince >= policy.idleTransactionTimeout
        {
            self.closeServer(server, .idleTransactionTimeout)
        }
    }

    private func deadlinePassed(_ server: ServerConnection) {
        server.deadline = .max
        switch (server.phase, server.own) {
        case (.resolving, _), (.connecting, _), (.loggingIn, _), (.recovering, .connectQuery):
            // A fleet waits for a login only so long, whatever the setting says.
            let isFleets = server.seat != nil && (server.login?.startedAt ?? 0) != 0
            let time = isFleets ? "a second, as a fleet needs it" : "server_connect_timeout"
            self.serverLoginFailed(
                server,
                .unreachable,
                ErrorFields(
                    .fatal,
                    .connectionFailure,
                    "connect timeout",
                    detail: "\(server.address): no login within \(time)."
                )
            )
        case (.closing, _):
            // PostgreSQL has not answered: the connection is in doubt no longer than this.
            self.logger.warning("\(server.prefix)not closed by the server in time, slot given up")
            self.loop.close(server.socket, flushing: false)
        case (.leaving, _): break
        case (_, .check): self.closeServer(server, .checkFailed)
        case (.ready, .parameters): self.closeServer(server, .parametersFailed)
        case (.ready, _), (.recovering, _): self.closeServer(server, .recoveryTimeout)
        }
    }

    /// Databases made from `*` go when nobody has used them for long; what an operator has ordered
    /// for one (PAUSE, DISABLE) is not forgotten.
    private func forgetUnusedDatabases(now: Instant) {
        let limit = self.settings.global.autodbIdleTimeout.nanoseconds
        guard limit > 0 else { return }
        for database in self.databaseEntries.values
        where database.isAutomatic && now - database.lastUsed >= limit && !database.isDisabled
            && !self.pools.pausedDatabases.contains(database.cap)
            && self.process.forget(database.cap)
        {
            self.forget(database)
            self.tellPeers(.databaseChanged(database.name))
        }
    }

    /// A changed `auth_file` counts from the next login on, without a reload.
    private func reloadChangedUsers(now: Instant) {
        guard now >= self.nextUserListCheck else { return }
        self.nextUserListCheck = now + Self.userListCheckPeriod
        guard self.environment.source.usersChanged(for: self.settings) else { return }
        do throws(ConfigurationFailure) {
            let users = try self.environment.source.users(for: self.settings)
            self.setUsers(users)
            self.tellPeers(.users(users))
        } catch {
            self.logger.error("auth_file not read, the old one stays in force: \(error.reason)")
        }
    }

    private static let userListCheckPeriod: Nanoseconds = 1_000_000_000
}
