import Pooling

/// SHOW POOLS, PEER_POOLS and PEERS.
extension Table {
    /// SHOW POOLS, by database and user.
    static func pools(_ snapshot: Snapshot) -> Table {
        let rows = (snapshot.pools + [ConsoleDatabase.pool(snapshot)])
            .sorted { ($0.database, $0.user) < ($1.database, $1.user) }
        return Table(
            rows,
            [
                .text("database") { $0.database },
                .text("user") { $0.user },
                .int4("cl_active") { $0.clientsActive },
                .int4("cl_waiting") { $0.clientsWaiting },
                .int4("cl_active_cancel_req") { $0.clientsActiveCancel },
                .int4("cl_waiting_cancel_req") { $0.clientsWaitingCancel },
                .int4("sv_active") { $0.serversActive },
                .int4("sv_active_cancel") { $0.serversActiveCancel },
                .int4("sv_being_canceled") { $0.serversBeingCanceled },
                .int4("sv_idle") { $0.serversIdle },
                .int4("sv_used") { $0.serversUsed },
                .int4("sv_tested") { $0.serversTested },
                .int4("sv_login") { $0.serversLogin },
                .int4("maxwait") { Int(max(0, $0.oldestWait) / 1_000_000) },
                .int4("maxwait_us") { Int(max(0, $0.oldestWait) % 1_000_000) },
                .text("pool_mode") { $0.poolMode },
                .text("load_balance_hosts") { $0.loadBalanceHosts },
            ]
        )
    }

    /// SHOW PEER_POOLS, by peer.
    static func peerPools(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.peerPools.sorted { $0.peerID < $1.peerID },
            [
                .int4("peer_id") { $0.peerID },
                .int4("cl_active_cancel_req") { $0.clientsActiveCancel },
                .int4("cl_waiting_cancel_req") { $0.clientsWaitingCancel },
                .int4("sv_active_cancel") { $0.serversActiveCancel },
                .int4("sv_login") { $0.serversLogin },
            ]
        )
    }

    /// SHOW PEERS, by ID.
    static func peers(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.peers.sorted { $0.id < $1.id },
            [
                .int4("peer_id") { $0.id },
                .text("host") { $0.host },
                .int4("port") { $0.port },
                .int4("pool_size") { $0.poolSize },
            ]
        )
    }
}
