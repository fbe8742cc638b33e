/// When a server connection goes back to its pool.
public enum PoolMode: String, Sendable, Equatable, CaseIterable {
    /// When the client disconnects.
    case session
    /// When the transaction is over.
    case transaction
    /// After each statement; transactions of several statements are refused.
    case statement
}
