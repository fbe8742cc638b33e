/// Where the fleet's gate and board for one PostgreSQL server are in etcd.
///
/// `etcdctl get --prefix /weir/` shows them all.
struct EtcdKeys: Sendable {
    /// What all keys begin with, up to a slash.
    let prefix: String

    /// - Parameter server: names the PostgreSQL server.
    init(fleet: String, server: String) {
        self.prefix = "/weir/\(Self.part(fleet))/\(Self.part(server))/"
    }

    /// What the members' keys begin with.
    var members: String { self.prefix + "members/" }
    /// What the keys of those begin with who are in the gate, or wait for it.
    var gate: String { self.prefix + "gate/" }
    /// What the keys of the members' sessions begin with.
    var sessions: String { self.prefix + "sessions/" }
    /// Who writes here wakes the others.
    var wake: String { self.prefix + "wake" }

    /// What a member says of itself.
    func member(_ member: UInt64) -> String { self.members + Self.name(of: member) }
    /// The process IDs of the sessions that a member has.
    func sessions(of member: UInt64) -> String { self.sessions + Self.name(of: member) }
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
