/// Who a PostgreSQL server is, by its own words: names and addresses that lead to it may be many.
public struct ServerIdentity: Equatable, Sendable {
    /// The cluster's system identifier, which a primary and its standbys share.
    public var system: Int
    /// The address that the server sees itself at, as `HOST:PORT`.
    public var address: String

    /// Creates an identity.
    public init(system: Int, address: String) {
        self.system = system
        self.address = address
    }
}
