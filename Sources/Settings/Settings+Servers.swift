/// The PostgreSQL servers behind the databases.
extension Settings {
    /// The PostgreSQL server behind an address: an entry of `[servers]`, or else a server of its
    /// own.
    public func server(host: String, port: Int) -> ServerBudget {
        let named = self.servers.first { $0.value.port == port && $0.value.hosts.contains(host) }
        guard let (name, server) = named else {
            return ServerBudget(
                name: "\(host):\(port)",
                hosts: [host],
                port: port,
                size: self.global.serverBudget,
                reserve: 0,
                weight: 1
            )
        }
        return ServerBudget(
            name: name,
            hosts: server.hosts,
            port: port,
            size: server.budget ?? self.global.serverBudget,
            reserve: server.reserve,
            weight: server.weight
        )
    }

    /// Where a database is: its hosts, or the directory of the server's Unix socket.
    public func hosts(of database: DatabaseSettings) -> [String] {
        database.hosts.isEmpty ? [self.global.unixSocketDir] : database.hosts
    }

    /// The PostgreSQL servers that databases are at, by name.
    public var serverBudgets: [ServerBudget] {
        var budgets: [String: ServerBudget] = [:]
        for database in self.entries {
            for host in self.hosts(of: database) {
                let server = self.server(host: host, port: database.port)
                budgets[server.name] = server
            }
        }
        return budgets.values.sorted { $0.name < $1.name }
    }

    /// Who logs in to a server for Weir's own questions: `ledger_user`, or else the user that
    /// clients of a database share there, the first by name.
    ///
    /// - Returns: `nil` where nobody is known. A password that is `nil` may be known elsewhere: in
    ///   `auth_file`, or to libpq.
    public func controlLogin(
        for server: ServerBudget
    ) -> (user: String, password: RedactedText?)? {
        let shared = self.entries.filter { $0.user != nil && self.has(server, $0) }
        let user = self.global.ledgerUser
        guard user.isEmpty else {
            return (user, shared.first { $0.user == user && $0.password != nil }?.password)
        }
        guard let database = shared.first, let user = database.user else { return nil }
        return (user, database.password)
    }

    /// The connections that pools keep open at a server although no client has come: those of
    /// databases with `user=` and `min_pool_size` whose hosts are all the server's.
    public func minimum(at server: ServerBudget) -> Int {
        var minimums: [String: Int] = [:]
        for database in self.databases.values {
            guard let user = database.user, database.port == server.port,
                self.hosts(of: database).allSatisfy({ server.hosts.contains($0) })
            else { continue }
            let minimum = self.minPoolSize(database: database.name, user: user)
            let limit = self.maxDbConnections(database: database.name)
            minimums[user, default: 0] += limit == 0 ? minimum : min(minimum, limit)
        }
        return minimums.reduce(0) { sum, one in
            let limit = self.maxUserConnections(user: one.key)
            return sum + (limit == 0 ? one.value : min(one.value, limit))
        }
    }

    /// The entries of `[databases]` by name, `*` last.
    var entries: [DatabaseSettings] {
        let named = self.databases.values.sorted { $0.name < $1.name }
        return named + (self.fallbackDatabase.map { [$0] } ?? [])
    }

    /// Whether connections of a database may go to a server.
    func has(_ server: ServerBudget, _ database: DatabaseSettings) -> Bool {
        database.port == server.port
            && self.hosts(of: database).contains { server.hosts.contains($0) }
    }
}
