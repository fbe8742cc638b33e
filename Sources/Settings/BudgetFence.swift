/// What becomes of the server connections of a process that has been silent for too long.
public enum BudgetFence: String, Sendable, Equatable, CaseIterable {
    /// They keep their slots until PostgreSQL has noticed that they are gone.
    case wait
    /// Another process ends them.
    case terminate
}
