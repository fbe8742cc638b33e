extension GlobalSettings {
    /// How many connections of each server's budget are the ledger's own.
    ///
    /// Control connections take their places out of the budget, so that a process can come up
    /// without asking anybody. With etcd so does the connection that counts inside the gate, and
    /// one more, by which a process asks at its start which server it has before it.
    public var ledgerReserve: Int {
        switch self.budgetLedger {
        case .local: 0
        case .postgres: self.controlReserve
        case .etcd: 2
        }
    }
}
