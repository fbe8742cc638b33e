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
        if ledger == .etcd, self.global.etcdEndpoints.isEmpty {
            self.contradict(
                self.origins.ofGlobal("budget_ledger"),
                "budget_ledger = etcd needs etcd_endpoints"
            )
        }
        for server in self.settings.serverBudgets { self.checkLedger(at: server) }
    }

    /// Checks that a server's sessions can be counted, and that this leaves some of them.
    private mutating func checkLedger(at server: ServerBudget) {
        guard server.size != .slots(0) else { return }
        // Of one that has to be asked for its size, this has been said.
        if !server.size.isRelative, self.settings.controlLogin(for: server) == nil {
            self.contradict(
                self.origins.ofGlobal("budget_ledger"),
                "budget_ledger = \(self.global.budgetLedger.rawValue) needs a login at server "
                    + "\(server.name): set "
                    + "ledger_user, or user= for a database that is there"
            )
        }
        // What it is a part of is known only when the server has been asked.
        let reserve = self.global.ledgerReserve
        guard let slots = server.slots(of: nil), reserve >= slots else { return }
        let isPostgres = self.global.budgetLedger == .postgres
        self.contradict(
            self.origins.servers[server.name]
                ?? self.origins.ofGlobal(
                    isPostgres ? "control_reserve" : "budget_ledger",
                    "server_budget"
                ),
            isPostgres
                ? "server \(server.name): control_reserve = \(reserve) leaves nothing of its "
                    + "\(slots) connections, which control connections take places of"
                : "server \(server.name): budget_ledger = etcd takes \(reserve) of its \(slots) "
                    + "connections for counting, which leaves nothing"
        )
    }
}
