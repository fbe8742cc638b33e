import Pooling

/// SHOW DNS_HOSTS and DNS_ZONES.
extension Table {
    /// SHOW DNS_HOSTS, by name.
    static func dnsHosts(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.dnsHosts.sorted { $0.name < $1.name },
            [
                .text("hostname") { $0.name },
                .int8("ttl") { $0.secondsToLive },
                .text("addrs") { $0.addresses.joined(separator: ",") },
            ]
        )
    }

    /// SHOW DNS_ZONES, by name.
    static func dnsZones(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.dnsZones.sorted { $0.name < $1.name },
            [
                .text("zonename") { $0.name },
                .int8("serial") { $0.serial },
                .int4("count") { $0.hostCount },
            ]
        )
    }
}
