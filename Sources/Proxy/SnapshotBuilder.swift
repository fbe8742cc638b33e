import Auth
import CLinux
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// The worker's state copied out for the console.
extension Worker {
    /// A copy of the parts asked for; the others stay empty.
    func snapshot(_ parts: Snapshot.Parts) -> Snapshot {
        var snapshot = Snapshot(
            now: Self.wallClock(),
            state: self.isSuspended ? .suspended : self.pools.isPaused ? .paused : .active,
            eventEngine: self.loop.engine.rawValue,
            listenPort: self.settings.global.listenPort,
            consoleClients: self.consoleClients
        )
        if parts.contains(.databases) { snapshot.databases = self.databaseRows() }
        if parts.contains(.users) { snapshot.users = self.userRows() }
        if parts.contains(.pools) { snapshot.pools = self.poolRows() }
        if parts.contains(.pins) { snapshot.pins = self.pinRows() }
        if parts.contains(.peers) { snapshot.peers = self.peerRows() }
        if parts.contains(.budgets) { snapshot.budgets = self.budgetRows() }
        if parts.contains(.clients) { snapshot.clients = self.clients.all.map { self.row($0) } }
        if parts.contains(.servers) { snapshot.servers = self.servers.all.map { self.row($0) } }
        if parts.contains(.statistics) {
            snapshot.statistics = self.statisticsRows()
            snapshot.statisticsWindow = (self.loop.now - self.statistics.windowStart) / 1_000
        }
        if parts.contains(.counts) { snapshot.counts = self.counts() }
        if parts.contains(.dns) {
            snapshot.dnsHosts = self.resolver.snapshot(now: self.loop.now).map {
                Snapshot.DNSHost(
                    name: $0.hostname,
                    secondsToLive: $0.ttl,
                    addresses: $0.addresses.map(\.host)
                )
            }
        }
        if parts.contains(.memory) { snapshot.memory = self.memoryRows() }
        if parts.contains(.configuration) {
            snapshot.configuration = self.settings.configRows().map {
                Snapshot.ConfigurationEntry(
                    key: $0.key,
                    value: $0.value,
                    defaultValue: $0.default,
                    changeable: $0.changeable
                )
            }
        }
        if parts.contains(.descriptors) { snapshot.descriptors = self.descriptorRows() }
        if parts.contains(.workers) { snapshot.workers = [self.workerRow()] }
        return snapshot
    }

    // MARK: Databases, users, pools

    private func databaseRows() -> [Snapshot.Database] {
        let shared = self.process.withLock { $0.counts }
        return self.databaseEntries.values.sorted { $0.name < $1.name }.map { entry in
            let settings = entry.settings
            let global = self.settings.global
            return Snapshot.Database(
                name: entry.name,
                host: settings.hosts.isEmpty ? nil : settings.hosts.joined(separator: ","),
                port: settings.port,
                serverDatabase: entry.serverName,
                forcedUser: settings.user,
                poolSize: settings.poolSize ?? global.defaultPoolSize,
                minPoolSize: settings.minPoolSize ?? global.minPoolSize,
                reservePoolSize: settings.reservePoolSize ?? global.reservePoolSize,
                serverLifetimeSeconds: Int(
                    (settings.serverLifetime ?? global.serverLifetime).microseconds / 1_000_000
                ),
                poolMode: settings.poolMode?.rawValue,
                loadBalanceHosts: Self.loadBalancing(settings),
                maxConnections: self.settings.maxDbConnections(database: entry.name),
                currentConnections: shared.databases[entry.cap].used,
                maxClientConnections: self.settings.maxDbClientConnections(database: entry.name),
                currentClientConnections: shared.databases[entry.cap].clients,
                paused: self.pools.isPaused || self.pools.pausedDatabases.contains(entry.cap),
                disabled: entry.isDisabled
            )
        }
    }

    private static func loadBalancing(_ settings: DatabaseSettings) -> String? {
        settings.hosts.count > 1 ? settings.loadBalanceHosts.rawValue : nil
    }

    private func userRows() -> [Snapshot.User] {
        let shared = self.process.withLock { $0.counts }
        let names = Set(self.userEntries.keys).union(self.users.users).union(
            self.settings.users.keys
        )
        return names.sorted().map { name in
            let settings = self.settings.users[name]
            let entry = self.userEntries[name]
            return Snapshot.User(
                name: name,
                poolSize: settings?.poolSize,
                reservePoolSize: settings?.reservePoolSize,
                poolMode: settings?.poolMode?.rawValue,
                maxConnections: self.settings.maxUserConnections(user: name),
                currentConnections: entry.map { shared.users[$0.cap].used } ?? 0,
                maxClientConnections: self.settings.maxUserClientConnections(user: name),
                currentClientConnections: entry.map { shared.users[$0.cap].clients } ?? 0
            )
        }
    }

    private func poolRows() -> [Snapshot.Pool] {
        let now = self.loop.now
        var rows = self.poolEntries.map { entry in
            var row = Snapshot.Pool(
                database: entry.database.name,
                user: entry.user.name,
                poolMode: Self.name(of: entry.mode),
                loadBalanceHosts: Self.loadBalancing(entry.database.settings)
            )
            let oldest = self.pools.pools[entry.id.index].waiters.oldest
            row.oldestWait = oldest.map { max(0, now - $0) / 1_000 } ?? 0
            return row
        }
        for client in self.clients.all {
            guard let pool = client.pool, client.phase == .ready else { continue }
            if client.session.state == .waiting {
                rows[pool.place].clientsWaiting += 1
            } else {
                rows[pool.place].clientsActive += 1
            }
        }
        for server in self.servers.all {
            Self.count(self.state(of: server), in: &rows[server.pool.place])
        }
        for cancel in self.cancels.all {
            rows[cancel.pool.place].serversActiveCancel += 1
            if cancel.isSent {
                rows[cancel.pool.place].clientsActiveCancel += cancel.requesters.count
            } else {
                rows[cancel.pool.place].clientsWaitingCancel += cancel.requesters.count
            }
        }
        return zip(rows, self.poolEntries)
            .filter { self.databaseEntries[$1.database.name] === $1.database }
            .map(\.0)
            .sorted { ($0.database, $0.user) < ($1.database, $1.user) }
    }

    private static func name(of mode: Pooling.PoolMode) -> String {
        switch mode {
        case .session: "session"
        case .transaction: "transaction"
        case .statement: "statement"
        }
    }

    private static func count(_ state: Snapshot.Connection.ServerState, in row: inout Snapshot.Pool)
    {
        switch state {
        case .active: row.serversActive += 1
        case .idle: row.serversIdle += 1
        case .used: row.serversUsed += 1
        case .tested: row.serversTested += 1
        case .login: row.serversLogin += 1
        case .activeCancel: row.serversActiveCancel += 1
        case .beingCanceled: row.serversBeingCanceled += 1
        }
    }

    // MARK: Connections

    private func state(of server: ServerConnection) -> Snapshot.Connection.ServerState {
        switch self.pools.place(of: server.id) {
        case .opening: return .login
        case .active: return .active
        case .dedicated: return server.client == nil ? .login : .active
        case .idle:
            let needsCheck = self.pools.needsCheck(server.id, now: self.loop.now)
            return needsCheck ? .used : .idle
        case .recovering: return server.session.cancelsUnderWay > 0 ? .beingCanceled : .tested
        case .testing, .leaving, .closing, nil: return .tested
        }
    }

    private func row(_ server: ServerConnection) -> Snapshot.Connection {
        let local = self.loop.localAddress(of: server.socket)
        var row = Snapshot.Connection(
            state: .server(self.state(of: server)),
            id: server.number,
            handle: server.handle,
            user: server.pool.user.name,
            database: server.pool.database.name,
            address: server.address.consoleHost,
            port: server.address.socketPort,
            localAddress: local.consoleHost,
            localPort: local.socketPort,
            connectTime: server.connectTime,
            requestTime: server.requestTime
        )
        row.replication = Self.replication(server.replication)
        row.closeNeeded = self.pools.isCloseNeeded(server.id)
        row.link = server.client?.handle
        if let client = server.client { self.describePins(client, in: &row) }
        row.remotePID = Int(server.processID)
        row.applicationName = self.applicationName(server.parameters)
        row.preparedStatements = server.exchange.count
        row.buffers.packetAvailable = server.stash.count
        row.buffers.packetRemaining = server.reader.remaining
        row.buffers.sendAvailable = self.loop.queued(server.socket)
        return row
    }

    private func row(_ client: ClientConnection) -> Snapshot.Connection {
        let local = self.loop.localAddress(of: client.socket)
        var row = Snapshot.Connection(
            state: .client(self.state(of: client)),
            id: client.number,
            handle: client.handle,
            user: client.userName.isEmpty ? nil : client.userName,
            database: client.databaseName.isEmpty ? nil : client.databaseName,
            address: client.remote.consoleHost,
            port: client.isUnix ? local.socketPort : client.remote.socketPort,
            localAddress: local.consoleHost,
            localPort: local.socketPort,
            connectTime: client.connectTime,
            requestTime: client.requestTime
        )
        if client.session.state == .waiting {
            row.wait = max(0, self.loop.now - client.requestedAt) / 1_000
        }
        row.replication = Self.replication(client.replication)
        row.link = client.server?.handle
        self.describePins(client, in: &row)
        row.applicationName = self.applicationName(client.parameters)
        row.preparedStatements = client.statements.count
        if let peer = self.loop.peerCredentials(client.socket), client.isUnix {
            row.remotePID = Int(peer.pid)
        }
        row.buffers.packetAvailable = client.stash.count
        row.buffers.packetRemaining = client.reader.remaining
        row.buffers.sendAvailable = self.loop.queued(client.socket)
        return row
    }

    private func state(of client: ClientConnection) -> Snapshot.Connection.ClientState {
        switch client.phase {
        case .startup, .authenticating, .greeting:
            guard client.login?.isCanceling == true else { return .login }
            return .activeCancel
        case .console: return .active
        case .leaving: return .login
        case .ready, .closed:
            switch client.session.state {
            case .idle: return .idle
            case .waiting: return .waiting
            case .linking, .linked: return .active
            }
        }
    }

    private static func replication(
        _ mode: ReplicationMode
    ) -> Snapshot.Connection.Replication {
        switch mode {
        case .none: .none
        case .physical: .physical
        case .logical: .logical
        }
    }

    private func applicationName(_ parameters: TrackedParameters.Combination) -> String {
        guard let place = self.parameters.place(of: "application_name") else { return "" }
        return self.parameters.values(of: parameters)[place] ?? ""
    }

    // MARK: The process

    private func statisticsRows() -> [Snapshot.DatabaseStatistics] {
        self.databaseCounters().sorted { $0.key < $1.key }.map { name, counters in
            Snapshot.DatabaseStatistics(
                database: name,
                totals: Self.statistics(counters),
                previous: Self.statistics(self.statistics.previous[name] ?? PoolCounters())
            )
        }
    }

    private static func statistics(_ counters: PoolCounters) -> SnapshotStatistics {
        var result = SnapshotStatistics()
        result.serverAssignments = counters.serverAssignmentCount
        result.transactions = counters.xactCount
        result.queries = counters.queryCount
        result.received = counters.bytesReceived
        result.sent = counters.bytesSent
        result.transactionTime = counters.xactTime
        result.queryTime = counters.queryTime
        result.waitTime = counters.waitTime
        result.clientParses = counters.clientParseCount
        result.serverParses = counters.serverParseCount
        result.binds = counters.bindCount
        return result
    }

    private func workerRow() -> Snapshot.Worker {
        Snapshot.Worker(
            number: self.index,
            clients: self.clients.count,
            servers: self.servers.count,
            waiting: self.poolEntries.reduce(0) {
                $0 + self.pools.pools[$1.id.index].waiters.count
            },
            cpuTime: Self.threadTime(),
            serversArrived: self.moves.arrived,
            serversDeparted: self.moves.departed,
            missedServers: self.moves.missed
        )
    }

    private func counts() -> Snapshot.Counts {
        var counts = Snapshot.Counts()
        counts.loginClients =
            self.clients.all.count {
                $0.phase == .startup || $0.phase == .authenticating || $0.phase == .greeting
            }
        counts.usedClients = self.clients.count - counts.loginClients
        counts.freeClients = self.clients.capacity - self.clients.count
        counts.usedServers = self.servers.count
        counts.freeServers = self.servers.capacity - self.servers.count
        counts.dnsNames = self.resolver.snapshot(now: self.loop.now).count
        return counts
    }

    private func memoryRows() -> [Snapshot.MemoryUse] {
        [
            Self.memory("user_cache", Array(self.userEntries.values)),
            Self.memory("db_cache", Array(self.databaseEntries.values)),
            Self.memory("pool_cache", self.poolEntries),
            Self.memory("server_cache", self.servers.all, places: self.servers.capacity),
            Self.memory("client_cache", self.clients.all, places: self.clients.capacity),
        ]
    }

    /// The size of the objects themselves; buffers belong to the reactor and come and go with
    /// traffic.
    private static func memory(
        _ name: String,
        _ objects: [AnyObject],
        places: Int? = nil
    ) -> Snapshot.MemoryUse {
        let size = objects.first.map {
            unsafe malloc_usable_size(Unmanaged.passUnretained($0).toOpaque())
        }
        return Snapshot.MemoryUse(
            name: name,
            entrySize: size ?? 0,
            used: objects.count,
            free: (places ?? objects.count) - objects.count,
            totalBytes: (size ?? 0) * objects.count
        )
    }

    private func descriptorRows() -> [Snapshot.Descriptor] {
        var rows: [Snapshot.Descriptor] = self.listeners.compactMap { listener in
            guard let descriptor = self.loop.descriptor(of: listener.id) else { return nil }
            let address = self.loop.localAddress(of: listener.id)
            return Snapshot.Descriptor(
                fd: Int(descriptor),
                task: .pooler,
                user: nil,
                database: nil,
                address: address.consoleHost,
                port: address.socketPort,
                link: nil
            )
        }
        for client in self.clients.all {
            guard let descriptor = self.loop.descriptor(of: client.socket) else { continue }
            var row = Snapshot.Descriptor(
                fd: Int(descriptor),
                task: .client,
                user: client.userName,
                database: client.databaseName,
                address: client.remote.consoleHost,
                port: client.remote.socketPort,
                link: client.server.flatMap { self.loop.descriptor(of: $0.socket) }.map(Int.init)
            )
            self.describe(client.parameters, in: &row)
            rows.append(row)
        }
        for server in self.servers.all {
            guard let descriptor = self.loop.descriptor(of: server.socket) else { continue }
            var row = Snapshot.Descriptor(
                fd: Int(descriptor),
                task: .server,
                user: server.pool.user.name,
                database: server.pool.database.name,
                address: server.address.consoleHost,
                port: server.address.socketPort,
                link: server.client.flatMap { self.loop.descriptor(of: $0.socket) }.map(Int.init)
            )
            self.describe(server.parameters, in: &row)
            rows.append(row)
        }
        return rows
    }

    private func describe(
        _ combination: TrackedParameters.Combination,
        in row: inout Snapshot.Descriptor
    ) {
        let values = self.parameters.values(of: combination)
        func value(_ name: String) -> String? {
            self.parameters.place(of: name).flatMap { values[$0] }
        }
        row.clientEncoding = value("client_encoding")
        row.standardConformingStrings = value("standard_conforming_strings")
        row.dateStyle = value("DateStyle")
        row.timeZone = value("TimeZone")
    }
}
