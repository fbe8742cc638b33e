/// A shared statement that a server has prepared, as other workers know it too.
public struct StatementCopy: Equatable, Sendable {
    /// What the statement is.
    public var key: ContentHash
    /// The shape of its result; 0 if not known.
    public var shape: UInt64
    /// The hash of its parameters' types; 0 if not known.
    public var types: UInt64
    /// Whether it has to be parsed again.
    public var isStale: Bool
}
