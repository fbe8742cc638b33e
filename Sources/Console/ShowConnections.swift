import Pooling

/// SHOW CLIENTS, SERVERS, SOCKETS and ACTIVE_SOCKETS: one list of columns.
extension Table {
    /// SHOW CLIENTS; clients that are logging in are not listed.
    static func clients(_ snapshot: Snapshot) -> Table {
        Table(
            snapshot.clients.filter { $0.state != .client(.login) },
            Self.connectionFields { $0.name } + Self.pinFields
        )
    }

    /// SHOW SERVERS.
    static func servers(_ snapshot: Snapshot) -> Table {
        Table(snapshot.servers, Self.connectionFields { $0.name } + Self.pinFields)
    }

    /// SHOW SOCKETS: both sides, and what they have buffered.
    static func sockets(_ snapshot: Snapshot) -> Table {
        Table(snapshot.clients + snapshot.servers, Self.socketFields)
    }

    /// SHOW ACTIVE_SOCKETS: those that have anything buffered.
    static func activeSockets(_ snapshot: Snapshot) -> Table {
        let idle = Snapshot.Buffers()
        let busy = (snapshot.clients + snapshot.servers).filter { $0.buffers != idle }
        return Table(busy, Self.socketFields)
    }

    private static func connectionFields(
        state: @escaping @Sendable (Snapshot.Connection.State) -> String
    ) -> [Field<Snapshot.Connection>] {
        [
            .text("type") { $0.state.isClient ? "C" : "S" },
            .text("user") { $0.user ?? "(nouser)" },
            .text("database") { $0.database ?? "(nodb)" },
            .text("replication") { $0.replication.rawValue },
            .text("state") { state($0.state) },
            .text("addr") { $0.address },
            .int4("port") { $0.port },
            .text("local_addr") { $0.localAddress },
            .int4("local_port") { $0.localPort },
            .time("connect_time") { $0.connectTime },
            .time("request_time") { $0.requestTime },
            .int4("wait") { Int(max(0, $0.wait) / 1_000_000) },
            .int4("wait_us") { Int(max(0, $0.wait) % 1_000_000) },
            .flag("close_needed") { $0.closeNeeded },
            .text("ptr") { Self.handle($0.handle) },
            .text("link") { $0.link.map(Self.handle) ?? "" },
            .int4("remote_pid") { $0.remotePID },
            .text("tls") { $0.tls },
            .text("application_name") { $0.applicationName },
            .int4("prepared_statements") { $0.preparedStatements },
            .identifier("id") { $0.id },
        ]
    }

    /// What PgBouncer does not have stands behind what it has.
    private static var pinFields: [Field<Snapshot.Connection>] {
        [
            .text("pinned") { $0.pinned },
            .text("pinned_since") { $0.pinnedSince == 0 ? "" : Timestamp($0.pinnedSince).text },
        ]
    }

    private static var socketFields: [Field<Snapshot.Connection>] {
        Self.connectionFields { $0.socketName }
            + [
                .int4("recv_pos") { $0.buffers.receivePosition },
                .int4("pkt_pos") { $0.buffers.packetPosition },
                .int4("pkt_remain") { $0.buffers.packetRemaining },
                .int4("send_pos") { $0.buffers.sendPosition },
                .int4("send_remain") { $0.buffers.sendRemaining },
                .int4("pkt_avail") { $0.buffers.packetAvailable },
                .int4("send_avail") { $0.buffers.sendAvailable },
            ]
    }

    private static func handle(_ number: UInt64) -> String {
        "0x" + String(number, radix: 16)
    }
}
