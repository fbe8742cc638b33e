/// Who a process is in its fleet: the same at every PostgreSQL server.
public struct MemberIdentity: Equatable, Sendable {
    /// Names the process for as long as it lives: 48 random bits.
    public var member: UInt64
    /// `fleet_name`: processes of another fleet have gates and boards of their own.
    public var fleet: String
    /// `node_name`, for people.
    public var node: String
    /// Where other processes and people reach it, as `HOST:PORT`; empty where that is not known.
    public var address: String
    /// The version of Weir.
    public var version: String

    /// Creates an identity.
    public init(member: UInt64, fleet: String, node: String, address: String, version: String) {
        self.member = member
        self.fleet = fleet
        self.node = node
        self.address = address
        self.version = version
    }
}
