/// Who a PostgreSQL server is, by its own words: names and addresses that lead to it may be many.
public struct ServerIdentity: Equatable, Sendable {
    /// The cluster's system identifier, which a primary and its standbys share.
    public var system: Int
    /// When it was started, in milliseconds since 1970: the same by whatever way it is reached, and
    /// another one for each standby.
    public var startedAt: Int

    /// Creates an identity.
    public init(system: Int, startedAt: Int) {
        self.system = system
        self.startedAt = startedAt
    }
}
