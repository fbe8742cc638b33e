/// Where the fleet's gate and board for one PostgreSQL server are in etcd.
///
/// Gate and sessions are of the whole cluster, by its system identifier: two names of one
/// server must never have two gates. The board is of one running server, by the time of its start,
/// since a primary and its standbys have a budget each.
///
/// `etcdctl get --prefix /weir/` shows them all.
struct EtcdKeys: Sendable {
    /// What all keys begin with, up to a slash.
    let prefix: String
    /// What the keys of the board begin with, up to a slash.
    private let board: String
    private let instance: String
    /// The server that they are of; nil before it has been asked.
    let server: ServerIdentity?

    /// Of a server that has not said who it is.
    ///
    /// - Parameter place: how it is reached. Who asks a silent one is in nobody's way who asks
    ///   another.
    init(fleet: String, place: String) {
        self.init(nil, prefix: "/weir/\(Self.part(fleet))/at/\(Self.part(place))/")
    }

    init(fleet: String, server: ServerIdentity) {
        self.init(server, prefix: "/weir/\(Self.part(fleet))/\(server.system)/")
    }

    private init(_ server: ServerIdentity?, prefix: String) {
        self.server = server
        self.prefix = prefix
        self.instance = "\(server?.startedAt ?? 0)"
        self.board = self.prefix + self.instance + "/"
    }

    /// What the members' keys begin with.
    var members: String { self.board + "members/" }
    /// What the keys of those begin with who are in the gate, or wait for it.
    var gate: String { self.prefix + "gate/" }
    /// What the keys of the members' sessions begin with.
    var sessions: String { self.prefix + "sessions/" }
    /// Sessions that no member had when PostgreSQL's list was last read.
    var orphans: String { self.board + "orphans" }
    /// Who writes here wakes the others.
    var wake: String { self.board + "wake" }

    /// What a member says of itself.
    func member(_ member: UInt64) -> String { self.members + Self.name(of: member) }
    /// The process IDs of the sessions that a member has.
    func sessions(of member: UInt64) -> String {
        self.sessions + self.instance + "/" + Self.name(of: member)
    }
    /// The place in the queue for the gate that a lease has.
    func gate(of lease: Int64) -> String {
        self.gate + Self.padded(String(UInt64(bitPattern: lease), radix: 16), to: 16)
    }

    /// A member as keys and values name it: its 48 bits in hexadecimal digits.
    static func name(of member: UInt64) -> String {
        self.padded(String(member, radix: 16), to: 12)
    }

    /// The member of that name.
    static func member(named name: some StringProtocol) -> UInt64? { UInt64(name, radix: 16) }

    private static func padded(_ digits: String, to width: Int) -> String {
        String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// A name as a part between slashes, so that no two names make the same keys.
    private static func part(_ name: String) -> String {
        var part = ""
        for character in name.unicodeScalars {
            switch character {
            case "%": part += "%25"
            case "/": part += "%2F"
            default: part.unicodeScalars.append(character)
            }
        }
        return part
    }
}
