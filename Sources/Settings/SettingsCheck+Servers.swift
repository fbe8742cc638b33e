/// PostgreSQL servers and their budgets.
extension SettingsCheck {
    /// Checks the entries of `[servers]`, alone and against each other.
    mutating func checkServers() {
        var names: [String: String] = [:]
        for (name, server) in self.settings.servers.sorted(by: { $0.key < $1.key }) {
            let place = self.origins.servers[name] ?? .configuration
            if server.hosts.isEmpty {
                self.contradict(place, "server \(name) has no host=: no connection would be its")
            }
            for host in server.hosts {
                let address = "\(host):\(server.port)"
                if let other = names.updateValue(name, forKey: address) {
                    self.contradict(
                        place,
                        "servers \(other) and \(name) both have \(address): "
                            + "it would not be known whose budget it takes"
                    )
                }
            }
            let budget = server.budget ?? self.global.serverBudget
            if budget == .slots(0) {
                self.warn("server \(name) has no budget=, and server_budget is not set: no limit")
            } else if let slots = budget.fixed, server.reserve >= slots {
                self.contradict(
                    place,
                    "server \(name): reserve = \(server.reserve) leaves nothing of "
                        + "budget = \(budget)"
                )
            }
        }
        let used = Set(
            self.entries.flatMap { entry in
                self.settings.hosts(of: entry).map { "\($0):\(entry.port)" }
            }
        )
        for (address, name) in names.sorted(by: { $0.key < $1.key }) where !used.contains(address) {
            self.warn("server \(name): no database has the host \(address)")
        }
        for server in self.settings.serverBudgets { self.checkBudget(of: server) }
    }

    private mutating func checkBudget(of server: ServerBudget) {
        let place = self.origins.servers[server.name] ?? self.origins.ofGlobal("server_budget")
        if server.size.isRelative, self.settings.controlLogin(for: server) == nil {
            self.contradict(
                place,
                "server \(server.name): a budget of \(server.size) needs a login there, to ask for "
                    + "max_connections: set ledger_user, or user= for a database that is there"
            )
        }
        // What it is a part of is known only when the server has been asked.
        guard let slots = server.slots(of: nil), slots > 0 else { return }
        let minimum = self.settings.minimum(at: server)
        if minimum > slots {
            self.contradict(
                place,
                "server \(server.name): min_pool_size of its databases adds up to \(minimum), "
                    + "which is above its \(slots) connections"
            )
        }
    }
}
