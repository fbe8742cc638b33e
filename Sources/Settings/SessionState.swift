/// What becomes of what a client leaves in its session and what no other server connection could
/// have: temporary tables, advisory locks, LISTEN, cursors WITH HOLD, PREPARE, LOAD.
public enum SessionState: String, Sendable, Equatable, CaseIterable {
    /// The client keeps its server connection until it is gone.
    case pin
    /// The server connection is reset before the next client gets it.
    case reset
    /// Statements that are for leaving something behind are refused.
    case reject
    /// It stays where it is, for whoever comes next.
    case ignore
}
