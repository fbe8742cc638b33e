import Pooling

/// SHOW WORKERS: what each thread of the process does. PgBouncer has one thread and no such table.
extension Table {
    static func workers(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.workers,
            [
                .int4("worker") { $0.number },
                .int4("clients") { $0.clients },
                .int4("servers") { $0.servers },
                .int4("waiting") { $0.waiting },
                .int8("cpu_time") { $0.cpuTime },
                .int8("servers_arrived") { Int64(clamping: $0.serversArrived) },
                .int8("servers_departed") { Int64(clamping: $0.serversDeparted) },
                .int8("servers_missed") { Int64(clamping: $0.missedServers) },
            ]
        )
    }
}
