public import Fleet
public import Pooling
public import Proxy

/// Where the fleet and the data port meet: neither knows the other.
extension Membership: FleetSeat {
    /// What people see.
    public var overview: Snapshot.FleetOverview {
        let knowledge = self.knowledge
        return Snapshot.FleetOverview(
            members: knowledge.rows.map { row in
                Snapshot.FleetMember(
                    node: row.node,
                    address: row.address,
                    version: row.version,
                    entry: row.entry,
                    silence: row.lastSeen.map { knowledge.now - $0 },
                    isOwn: row.entry.member == knowledge.member
                )
            },
            share: knowledge.share,
            counted: knowledge.counted,
            orphans: knowledge.orphans,
            state: knowledge.standing.state
        )
    }
}
