internal import FoundationEssentials
internal import Pooling

/// How many sessions no member had at the last count, as all members read it on the board.
///
/// Only who counts inside the gate can know. Were this not on the board, each member that waits
/// would have to go and count for itself.
struct EtcdOrphans: Sendable {
    /// What stands in etcd: JSON that people can read.
    private struct Value: Codable {
        var orphans: Int
        var sessions: Int
    }

    /// How many.
    private(set) var count: Int
    /// All the fleet's sessions, with those opened in that pass: until somebody counts again there
    /// cannot be more.
    private(set) var sessions: Int
    /// When that was written, as etcd counts.
    private(set) var revision: Int64
    /// When the member first read it.
    private(set) var seenAt: Instant

    /// Reads it at a moment; nil if it is none.
    init?(_ key: EtcdKeyValue?, at moment: Instant) {
        guard let key, let data = key.value, let revision = key.modRevision?.value,
            let value = try? JSONDecoder().decode(Value.self, from: data),
            EtcdMember.counts ~= value.orphans, EtcdMember.counts ~= value.sessions
        else { return nil }
        self.count = value.orphans
        self.sessions = value.sessions
        self.revision = revision
        self.seenAt = moment
    }

    /// For etcd.
    static func encoded(_ count: Int, of sessions: Int) throws(EtcdError) -> Data {
        try EtcdJSON.value(Value(orphans: count, sessions: sessions))
    }

    /// The fleet's sessions, where members say that they have `held`. One that has left the board
    /// for a moment and is back was an orphan then, and is not counted twice.
    func listed(held: Int) -> Int { max(held, min(held + self.count, self.sessions)) }
}
