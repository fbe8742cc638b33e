/// What the processes of a fleet share a PostgreSQL server's budget by.
public enum BudgetLedger: String, Sendable, Equatable, CaseIterable {
    /// Nothing: the process is alone, and the budget is its own.
    case local
    /// Locks and sessions of the PostgreSQL server itself.
    case postgres
    /// Keys in etcd.
    case etcd
}
