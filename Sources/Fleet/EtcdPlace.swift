internal import FoundationEssentials
internal import Pooling

/// What stands at a place in the queue for the gate, as JSON that people can read.
struct EtcdPlace: Codable, Sendable {
    private var member: String
    private var pass: UInt32

    init(_ pass: GatePass) {
        self.member = EtcdKeys.name(of: pass.member)
        self.pass = pass.number
    }

    /// For etcd.
    func encoded() throws(EtcdError) -> Data { try EtcdJSON.value(self) }

    /// The pass that a place belongs to; nil if it is none.
    static func pass(_ value: Data?) -> GatePass? {
        guard let value, let place = try? JSONDecoder().decode(EtcdPlace.self, from: value),
            let member = EtcdKeys.member(named: place.member)
        else { return nil }
        return GatePass(member: member, number: place.pass)
    }
}
