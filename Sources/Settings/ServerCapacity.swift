/// What a PostgreSQL server has said of how many connections it takes.
public struct ServerCapacity: Sendable, Equatable {
    /// `max_connections`.
    public var maxConnections: Int
    /// `superuser_reserved_connections`.
    public var superuserReserved: Int
    /// `reserved_connections`, which PostgreSQL has from version 16 on; 0 before.
    public var reserved: Int

    /// Notes what a server has said.
    public init(maxConnections: Int, superuserReserved: Int, reserved: Int) {
        self.maxConnections = maxConnections
        self.superuserReserved = superuserReserved
        self.reserved = reserved
    }

    /// The connections that ordinary roles can have.
    public var available: Int { self.maxConnections - self.superuserReserved - self.reserved }
}
