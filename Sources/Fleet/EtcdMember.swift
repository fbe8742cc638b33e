internal import FoundationEssentials
internal import Pooling

/// What a member says of itself, as it stands in etcd: JSON that people can read.
struct EtcdMember: Codable, Equatable, Sendable {
    private var member: String
    private var node: String
    private var address: String
    private var version: String
    private var weight: Int
    private var minimum: Int
    private var held: Int
    private var ending: Int
    private var used: Int
    private var waiting: Int
    /// In milliseconds.
    private var oldestWait: Int64
    /// The budget that the member goes by.
    private(set) var budget: Int

    init(_ entry: BoardEntry, of identity: MemberIdentity, budget: Int) {
        self.member = EtcdKeys.name(of: entry.member)
        self.node = identity.node
        self.address = identity.address
        self.version = identity.version
        self.weight = entry.weight
        self.minimum = entry.minimum
        self.held = entry.held
        self.ending = entry.ending
        self.used = entry.used
        self.waiting = entry.waiting
        self.oldestWait = entry.oldestWait / 1_000_000
        // More than others would believe in binds nobody.
        self.budget = min(max(0, budget), Self.counts.upperBound)
    }

    /// What any number of sessions can be: sums of what somebody else has written must not
    /// overflow.
    static let counts = 0...1 << 20

    /// Reads it; nil if it is none.
    init?(_ value: Data?) {
        guard let value, let member = try? JSONDecoder().decode(EtcdMember.self, from: value),
            EtcdKeys.member(named: member.member) != nil, member.oldestWait >= 0,
            [
                member.weight, member.minimum, member.held, member.ending, member.used,
                member.waiting, member.budget,
            ].allSatisfy({ Self.counts ~= $0 }), member.weight > 0
        else { return nil }
        self = member
    }

    /// For etcd.
    func encoded() throws(EtcdError) -> Data { try EtcdJSON.value(self) }

    /// For people, and for the board.
    func row(lastSeen: Instant) -> FleetRow {
        var entry = BoardEntry(
            member: EtcdKeys.member(named: self.member) ?? 0,
            weight: self.weight,
            minimum: self.minimum
        )
        entry.held = self.held
        entry.ending = self.ending
        entry.used = self.used
        entry.waiting = self.waiting
        // Nobody waits for longer than a year, and a year does not overflow.
        entry.oldestWait = min(self.oldestWait, 31_536_000_000) * 1_000_000
        return FleetRow(
            entry: entry,
            node: self.node,
            address: self.address,
            version: self.version,
            lastSeen: lastSeen
        )
    }
}
