/// What a worker tells the others about its share of a pool.
public struct PoolNotice: Equatable, Sendable {
    /// Servers that somebody waits for here and that this worker has nothing under way for.
    public var wanting: Int
    /// The same, clients that log in included.
    public var demand: Int
    /// Whether clients wait for connections of their own.
    public var awaitsDedicated: Bool
    /// Since when the oldest client waits here that `wanting` counts; 0 for nobody.
    public var oldest: Instant
    /// Idle servers that could be given away.
    public var spare: Int
}
