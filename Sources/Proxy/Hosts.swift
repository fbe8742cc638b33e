import Pooling
import Settings

/// Where server connections go: the hosts of a database, and the PostgreSQL servers that these are
/// to the budget.
extension Worker {
    /// Where the next connection of a pool goes, which the caller holds the shared counts for.
    ///
    /// - Parameter isDedicated: it is for replication, of which no PostgreSQL server's budget is
    ///   asked.
    func takeHost(for pool: PoolEntry, isDedicated: Bool) -> (name: String, cap: Int) {
        let database = pool.database
        let turn = database.hostTurn % database.hosts.count
        let place = isDedicated ? turn : self.pools.nextHost(of: pool.id, from: turn)
        guard let place else { preconditionFailure("a connection beyond the budget") }
        if database.settings.loadBalanceHosts == .roundRobin { database.hostTurn = place + 1 }
        return database.hosts[place]
    }

    /// The host whose turn it is cannot be reached, and its database has others.
    func passHost(of database: DatabaseEntry) {
        // One that is taken out has no server of its own any more.
        if database.isRemoved { return }
        database.hostTurn += 1
        self.refreshHosts(of: database)
    }

    /// Brings a database's hosts, and their servers' limits, to the settings in force.
    func refreshHosts(of database: DatabaseEntry) {
        let settings = database.settings
        var names = settings.hosts
        if names.isEmpty {
            // The directory of the server's Unix socket.
            names = [self.settings.global.unixSocketDir]
        } else if settings.loadBalanceHosts == .disable {
            names = [names[database.hostTurn % names.count]]
        }
        database.hosts = names.map { name in
            let server = self.settings.server(host: name, port: settings.port)
            let cap = self.process.place(of: server)
            let slots = server.slots(of: self.process.capacity(of: server)).flatMap {
                self.joinFleet(at: server, slots: $0, cap: cap)
            }
            self.withShared { self.pools.shared.setServerLimit(slots, of: cap) }
            return (name, cap)
        }
        for pool in self.poolEntries where pool.database === database {
            self.refreshHosts(of: pool)
        }
    }

    /// Which server's budget keeps a database from having connections because nobody knows how many
    /// that is, in a sentence for people; nil where there is none.
    func unknownBudget(of database: DatabaseEntry) -> (setting: String, text: String)? {
        let unknown = self.withShared {
            database.hosts.first { self.pools.shared.servers[$0.cap].isUnknown }
        }
        guard let unknown else { return nil }
        let server = self.settings.server(host: unknown.name, port: database.settings.port)
        let why = self.process.capacityProblem(of: server) ?? "it is being asked"
        return (
            "server_budget",
            "server_budget = \(server.size): max_connections of server \(server.name) is not known "
                + "yet: \(why)."
        )
    }

    /// The servers' budgets for the console, with what this worker uses of them.
    func budgetRows() -> [Snapshot.Budget] {
        let (known, caps) = self.process.withLock { ($0.servers, $0.counts.servers) }
        var rows = zip(known.servers, caps).map { server, cap in
            Snapshot.Budget(server: server.name, slots: cap.limit, held: cap.used)
        }
        for server in self.servers.all where self.pools.place(of: server.id) == .active {
            if let cap = self.pools.host(of: server.id) { rows[cap].used += 1 }
        }
        for pool in self.pools.pools {
            for cap in pool.hosts { rows[cap].waiting += pool.waiters.count }
        }
        if self.isFirst, let fleet = self.environment.fleet {
            for (cap, seat) in self.seats {
                rows[cap].ledger = fleet.ledger
                rows[cap].fleet = seat.overview
                // For who asks again: who wants nothing reads the board rarely.
                seat.refresh {}
            }
        }
        // Its name may be another one's by now.
        for cap in rows.indices where !known.inForce.contains(cap) {
            rows[cap].server = known.servers[cap].address
        }
        let shown = rows.indices.filter { known.inForce.contains($0) || rows[$0].held > 0 }
        return shown.map { rows[$0] }.sorted { $0.server < $1.server }
    }

    /// Tells the pool where its connections may go.
    func refreshHosts(of pool: PoolEntry) {
        self.pools.setHosts(pool.database.hosts.map(\.cap), of: pool.id)
    }
}
