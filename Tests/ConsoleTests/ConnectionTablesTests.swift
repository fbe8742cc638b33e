import Console
import Pooling
import Testing

struct ConnectionTablesTests {
    static func connection(
        _ state: Snapshot.Connection.State,
        id: Int64 = 7,
        _ change: (inout Snapshot.Connection) -> Void = { _ in }
    ) -> Snapshot.Connection {
        var connection = Snapshot.Connection(
            state: state,
            id: id,
            handle: 0xabc0,
            user: "alice",
            database: "app",
            address: "10.0.0.9",
            port: 50_001,
            localAddress: "10.0.0.1",
            localPort: 6432,
            connectTime: 1_700_000_000_000_000,
            requestTime: 1_700_000_001_999_999
        )
        change(&connection)
        return connection
    }

    @Test func `every value of a client stands in its own column`() throws {
        let client = Self.connection(.client(.waiting)) { client in
            client.replication = .logical
            client.wait = 3_000_042
            client.closeNeeded = true
            client.link = 0xdef0
            client.remotePID = 4321
            client.tls = "TLSv1.3/TLS_AES_256_GCM_SHA384"
            client.applicationName = "psql"
            client.preparedStatements = 5
            client.pinned = "listen"
        }
        let reply = try AdminConsole.ask("SHOW CLIENTS", .with { $0.clients = [client] })
        #expect(reply.rows.count == 1)
        var row = reply.rows[0]
        // Times depend on the machine's zone; `TimestampTests` checks them.
        #expect(row[9]?.contains(":20 ") == true)
        #expect(row[10]?.contains(":21 ") == true)
        row.removeSubrange(9...10)
        #expect(
            row == [
                "C", "alice", "app", "logical", "waiting", "10.0.0.9", "50001", "10.0.0.1", "6432",
                "3", "42", "1", "0xabc0", "0xdef0", "4321", "TLSv1.3/TLS_AES_256_GCM_SHA384",
                "psql", "5", "7", "listen", "",
            ]
        )
    }

    @Test func `what is not known has PgBouncer's placeholders and no NULL`() throws {
        let server = Self.connection(.server(.login)) { server in
            server.user = nil
            server.database = nil
        }
        let reply = try AdminConsole.ask("SHOW SERVERS", .with { $0.servers = [server] })
        #expect(reply["type"] == ["S"])
        #expect(reply["user"] == ["(nouser)"])
        #expect(reply["database"] == ["(nodb)"])
        #expect(reply["link"] == [""])
        #expect(reply["tls"] == [""])
        #expect(reply["application_name"] == [""])
        #expect(reply["wait"] == ["0"])
        #expect(!reply.rows[0].contains(nil))
    }

    static let clientStates: [(Snapshot.Connection.ClientState, name: String?, socket: String)] = [
        (.active, "active", "cl_active"),
        (.idle, "idle", "cl_active"),
        (.waiting, "waiting", "cl_waiting"),
        (.activeCancel, "active_cancel_req", "cl_active_cancel_req"),
        (.waitingCancel, "waiting_cancel_req", "cl_waiting_cancel_req"),
        (.login, nil, "cl_login"),
    ]

    @Test func `client states have PgBouncer's words, and logins are sockets only`() throws {
        #expect(
            Self.clientStates.map(\.0) == Snapshot.Connection.ClientState.allCases
        )
        let snapshot = Snapshot.with { snapshot in
            snapshot.clients = Self.clientStates.map { Self.connection(.client($0.0)) }
        }
        let clients = try AdminConsole.ask("SHOW CLIENTS", snapshot)
        #expect(clients["state"] == Self.clientStates.compactMap(\.name))
        let sockets = try AdminConsole.ask("SHOW SOCKETS", snapshot)
        #expect(sockets["state"] == Self.clientStates.map(\.socket))
    }

    static let serverStates: [(Snapshot.Connection.ServerState, name: String, socket: String)] = [
        (.active, "active", "sv_active"),
        (.idle, "idle", "sv_idle"),
        (.used, "used", "sv_used"),
        (.tested, "tested", "sv_tested"),
        (.login, "new", "sv_login"),
        (.activeCancel, "active_cancel", "sv_active_cancel"),
        (.beingCanceled, "being_canceled", "sv_being_canceled"),
    ]

    @Test func `server states have PgBouncer's words`() throws {
        #expect(
            Self.serverStates.map(\.0) == Snapshot.Connection.ServerState.allCases
        )
        let snapshot = Snapshot.with { snapshot in
            snapshot.servers = Self.serverStates.map { Self.connection(.server($0.0)) }
        }
        let servers = try AdminConsole.ask("SHOW SERVERS", snapshot)
        #expect(servers["state"] == Self.serverStates.map(\.name))
        let sockets = try AdminConsole.ask("SHOW SOCKETS", snapshot)
        #expect(sockets["state"] == Self.serverStates.map(\.socket))
    }

    @Test func `sockets show both sides with their buffers, active ones only those with any`()
        throws
    {
        let snapshot = Snapshot.with { snapshot in
            snapshot.clients = [Self.connection(.client(.idle), id: 1)]
            snapshot.servers = [
                Self.connection(.server(.active), id: 2) { server in
                    server.buffers.receivePosition = 11
                    server.buffers.packetPosition = 12
                    server.buffers.packetRemaining = 13
                    server.buffers.sendPosition = 14
                    server.buffers.sendRemaining = 15
                    server.buffers.packetAvailable = 16
                    server.buffers.sendAvailable = 17
                }
            ]
        }
        let all = try AdminConsole.ask("SHOW SOCKETS", snapshot)
        #expect(all["id"] == ["1", "2"])
        #expect(all["type"] == ["C", "S"])
        #expect(all.rows[0].suffix(7) == ["0", "0", "0", "0", "0", "0", "0"])
        #expect(all.rows[1].suffix(7) == ["11", "12", "13", "14", "15", "16", "17"])
        let active = try AdminConsole.ask("SHOW ACTIVE_SOCKETS", snapshot)
        #expect(active["id"] == ["2"])
    }

    @Test func `an int4 never leaves its range, but an ID is never changed`() throws {
        let client = Self.connection(.client(.active), id: 5_000_000_000) { client in
            client.preparedStatements = 3_000_000_000
            client.wait = .max
        }
        let reply = try AdminConsole.ask("SHOW CLIENTS", .with { $0.clients = [client] })
        #expect(reply["prepared_statements"] == ["2147483647"])
        #expect(reply["wait"] == ["2147483647"])
        #expect(reply["id"] == ["5000000000"])
        let early = Self.connection(.client(.active)) { $0.wait = .min }
        let other = try AdminConsole.ask("SHOW CLIENTS", .with { $0.clients = [early] })
        #expect(other["wait"] == ["0"])
        #expect(other["wait_us"] == ["0"])
    }
}
