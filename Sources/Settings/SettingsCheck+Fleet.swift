/// What a fleet needs.
extension SettingsCheck {
    /// Checks the keys of the fleet. Without one they mean nothing, and nothing is said of them.
    mutating func checkFleet() {
        let ledger = self.global.budgetLedger
        if self.global.etcdCertFile.isEmpty != self.global.etcdKeyFile.isEmpty {
            self.contradict(
                self.origins.ofGlobal("etcd_cert_file", "etcd_key_file"),
                "etcd_cert_file and etcd_key_file belong together: set both or none"
            )
        }
        guard ledger != .local else { return }
        let hasBudget =
            self.global.serverBudget != .slots(0)
            || self.settings.servers.values.contains { $0.budget != nil }
        if !hasBudget {
            self.contradict(
                self.origins.ofGlobal("budget_ledger"),
                "budget_ledger = \(ledger.rawValue), but a fleet needs a budget to share: set "
                    + "server_budget, or budget= in an entry of [servers]"
            )
        }
        switch ledger {
        case .local: break
        case .postgres: for server in self.settings.serverBudgets { self.checkLedger(at: server) }
        case .etcd:
            if self.global.etcdEndpoints.isEmpty {
                self.contradict(
                    self.origins.ofGlobal("budget_ledger"),
                    "budget_ledger = etcd needs etcd_endpoints"
                )
            }
        }
    }

    /// Checks that a server can be its own budget's ledger.
    private mutating func checkLedger(at server: ServerBudget) {
        guard server.size != .slots(0) else { return }
        // Of one that has to be asked for its size, this has been said.
        if !server.size.isRelative, self.settings.controlLogin(for: server) == nil {
            self.contradict(
                self.origins.ofGlobal("budget_ledger"),
                "budget_ledger = postgres needs a login at server \(server.name): set "
                    + "ledger_user, or user= for a database that is there"
            )
        }
        // What it is a part of is known only when the server has been asked.
        guard let slots = server.slots(of: nil), self.global.controlReserve >= slots else { return }
        self.contradict(
            self.origins.servers[server.name]
                ?? self.origins.ofGlobal("control_reserve", "server_budget"),
            "server \(server.name): control_reserve = \(self.global.controlReserve) leaves nothing "
                + "of its \(slots) connections, which control connections take places of"
        )
    }
}
