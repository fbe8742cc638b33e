/// When a server goes back to its pool.
public enum PoolMode: UInt8, Equatable, Sendable {
    /// When the client leaves.
    case session
    /// When the client's transaction ends.
    case transaction
    /// When the client's statement ends; transactions of several statements are refused.
    case statement
}
