import Console
import Pooling
import Testing

/// Names, order and types of every table, typed from PgBouncer's documentation and source, since
/// exporters rely on them.
struct ColumnsTests {
    static let connections = """
        type:s user:s database:s replication:s state:s addr:s port:i local_addr:s local_port:i \
        connect_time:s request_time:s wait:i wait_us:i close_needed:i ptr:s link:s remote_pid:i \
        tls:s application_name:s prepared_statements:i id:i
        """
    static let sockets =
        Self.connections + """
             recv_pos:i pkt_pos:i pkt_remain:i send_pos:i send_remain:i pkt_avail:i send_avail:i
            """

    static let tables: [(query: String, count: Int, columns: String)] = [
        (
            "STATS", 23,
            """
            database:s total_server_assignment_count:N total_xact_count:N total_query_count:N \
            total_received:N total_sent:N total_xact_time:N total_query_time:N total_wait_time:N \
            total_client_parse_count:N total_server_parse_count:N total_bind_count:N \
            avg_server_assignment_count:N avg_xact_count:N avg_query_count:N avg_recv:N avg_sent:N \
            avg_xact_time:N avg_query_time:N avg_wait_time:N avg_client_parse_count:N \
            avg_server_parse_count:N avg_bind_count:N
            """
        ),
        (
            "STATS_TOTALS", 12,
            """
            database:s server_assignment_count:N xact_count:N query_count:N bytes_received:N \
            bytes_sent:N xact_time:N query_time:N wait_time:N client_parse_count:N \
            server_parse_count:N bind_count:N
            """
        ),
        (
            "STATS_AVERAGES", 12,
            """
            database:s server_assignment_count:N xact_count:N query_count:N bytes_received:N \
            bytes_sent:N xact_time:N query_time:N wait_time:N avg_client_parse_count:N \
            avg_server_parse_count:N avg_bind_count:N
            """
        ),
        ("TOTALS", 2, "name:s value:N"),
        ("CLIENTS", 23, Self.connections + " pinned:s pinned_since:s"),
        ("SERVERS", 23, Self.connections + " pinned:s pinned_since:s"),
        (
            "PINS", 8,
            """
            database:s user:s reason:s current:i total:q refused:q reset:q timed_out:q
            """
        ),
        ("SOCKETS", 28, Self.sockets),
        ("ACTIVE_SOCKETS", 28, Self.sockets),
        (
            "POOLS", 17,
            """
            database:s user:s cl_active:i cl_waiting:i cl_active_cancel_req:i \
            cl_waiting_cancel_req:i sv_active:i sv_active_cancel:i sv_being_canceled:i sv_idle:i \
            sv_used:i sv_tested:i sv_login:i maxwait:i maxwait_us:i pool_mode:s load_balance_hosts:s
            """
        ),
        (
            "PEER_POOLS", 5,
            """
            peer_id:i cl_active_cancel_req:i cl_waiting_cancel_req:i sv_active_cancel:i sv_login:i
            """
        ),
        ("PEERS", 4, "peer_id:i host:s port:i pool_size:i"),
        (
            "DATABASES", 17,
            """
            name:s host:s port:i database:s force_user:s pool_size:i min_pool_size:i \
            reserve_pool_size:i server_lifetime:i pool_mode:s load_balance_hosts:s \
            max_connections:i current_connections:i max_client_connections:i \
            current_client_connections:i paused:i disabled:i
            """
        ),
        (
            "USERS", 8,
            """
            name:s pool_size:s reserve_pool_size:s pool_mode:s max_user_connections:i \
            current_connections:i max_user_client_connections:i current_client_connections:i
            """
        ),
        ("LISTS", 2, "list:s items:i"),
        ("CONFIG", 4, "key:s value:s default:s changeable:s"),
        ("MEM", 5, "name:s size:i used:i free:i memtotal:i"),
        ("DNS_HOSTS", 3, "hostname:s ttl:q addrs:s"),
        ("DNS_ZONES", 3, "zonename:s serial:q count:i"),
        ("STATE", 2, "key:s value:s"),
        ("VERSION", 1, "version:s"),
        (
            "FDS", 15,
            """
            fd:i task:s user:s database:s addr:s port:i cancel:q link:i client_encoding:s \
            std_strings:s datestyle:s timezone:s password:s scram_client_key:b scram_server_key:b
            """
        ),
        ("client_encoding", 1, "client_encoding:s"),
        ("default_transaction_isolation", 1, "default_transaction_isolation:s"),
        ("standard_conforming_strings", 1, "standard_conforming_strings:s"),
        ("DateStyle", 1, "datestyle:s"),
        ("TimeZone", 1, "timezone:s"),
    ]

    @Test(arguments: Self.tables)
    func `columns are PgBouncer's, in name, order and type`(
        query: String,
        count: Int,
        columns: String
    ) throws {
        let reply = try AdminConsole.ask("SHOW \(query);")
        let types: [Substring: (oid: UInt32, size: UInt16)] = [
            "s": (25, 0xffff), "i": (23, 4), "q": (20, 8), "N": (1700, 0xffff), "b": (17, 0xffff),
        ]
        let expected = try columns.split(separator: " ").map { column in
            let parts = column.split(separator: ":")
            let type = try #require(types[parts[1]])
            return ReceivedReply.Column(name: String(parts[0]), type: type.oid, size: type.size)
        }
        #expect(expected.count == count)
        #expect(reply.columns == expected)
        #expect(reply.tags == ["SHOW"])
        #expect(reply.errors.isEmpty && reply.notices.isEmpty)
        #expect(reply.kinds.first == "T" && reply.kinds.hasSuffix("CZ"))
    }

    @Test func `every topic but the help has its columns checked`() {
        let listed = Set(Self.tables.map { $0.query.lowercased() })
        let topics = [
            "active_sockets", "clients", "config", "databases", "dns_hosts", "dns_zones", "fds",
            "lists", "mem", "peer_pools", "peers", "pools", "servers", "sockets", "state", "stats",
            "stats_averages", "stats_totals", "totals", "users", "version",
        ]
        #expect(listed.isSuperset(of: topics))
    }
}
