import Testing

@testable import Settings

struct SettingsCheckTests {
    private static let quiet = "auth_file = users.txt\n[databases]\na =\n"

    @Test(arguments: [
        "auth_type = hba", "auth_type = cert", "auth_type = ldap", "auth_type = pam",
        "auth_user = bob",
        "client_tls_sslmode = allow", "client_tls_sslmode = prefer",
        "client_tls_sslmode = require", "client_tls_sslmode = verify-full",
        "server_tls_sslmode = require", "server_tls_sslmode = verify-ca",
        "server_tls_sslmode = verify-full",
    ])
    func `what this version cannot do is refused in words`(line: String) throws {
        let messages = mistakes(in: "[weir]\n\(line)")
        let message = try #require(messages.first)
        #expect(messages.count == 1)
        #expect(message.hasPrefix("weir.ini:2: \(line.prefix { $0 != "=" })"))
        #expect(message.contains("supported by this version"))
    }

    @Test(arguments: ["disable", "allow", "prefer"])
    func `modes that permit plain connections load`(mode: String) throws {
        _ = try load("[weir]\nserver_tls_sslmode = \(mode)\nclient_tls_sslmode = disable")
    }

    @Test(arguments: ["max_waiting", "http_listen"])
    func `keys of later versions are known`(key: String) {
        #expect(
            mistakes(in: "[weir]\n\(key) = 1") == [
                "weir.ini:2: \(key): the key is known but not supported by this version"
            ]
        )
    }

    @Test(arguments: [
        ("s = budget=5", "weir.ini:5: server s has no host=: no connection would be its"),
        (
            "s = host=h budget=5 reserve=5",
            "weir.ini:5: server s: reserve = 5 leaves nothing of budget = 5"
        ),
        (
            "s = host=h,i budget=5\nt = host=i budget=6",
            "weir.ini:6: servers s and t both have i:5432: "
                + "it would not be known whose budget it takes"
        ),
        (
            "s = host=h budget=0",
            "weir.ini:5: servers/s budget = \"0\": expected a whole number from 1 to 1000000, "
                + "1% to 100%, or auto"
        ),
        (
            "s = host=h budget=5 weight=0",
            "weir.ini:5: servers/s weight = \"0\": expected a whole number from 1 to 1000"
        ),
        (
            "s = host=h bugdet=5",
            "weir.ini:5: unknown parameter: servers/s/bugdet; did you mean budget?"
        ),
    ])
    func `servers must be told apart`(entries: String, message: String) {
        #expect(
            mistakes(in: "[databases]\na = host=h\nb = host=i\n[servers]\n\(entries)") == [message]
        )
    }

    @Test func `servers without effect are warned of`() throws {
        let settings = try load("[databases]\na = host=h\n[servers]\ns = host=h,i reserve=1")
        #expect(
            settings.warnings.filter { $0.contains("server s") } == [
                "server s has no budget=, and server_budget is not set: no limit",
                "server s: no database has the host i:5432",
            ]
        )
    }

    @Test(arguments: [
        (
            "[weir]\nmin_pool_size = 21",
            "weir.ini:2: min_pool_size = 21 is above default_pool_size = 20"
        ),
        (
            "[weir]\nmin_pool_size = 5\nmax_db_connections = 4",
            "weir.ini:2: min_pool_size = 5 is above max_db_connections = 4"
        ),
        (
            "[weir]\nmin_pool_size = 5\nmax_user_connections = 4",
            "weir.ini:2: min_pool_size = 5 is above max_user_connections = 4"
        ),
        (
            "[weir]\nmin_pool_size = 5\nmax_server_connections = 4",
            "weir.ini:2: min_pool_size = 5 is above max_server_connections = 4"
        ),
        (
            "[databases]\na = min_pool_size=3 pool_size=2",
            "weir.ini:2: database a: min_pool_size = 3 is above the pool size, which is 2"
        ),
        (
            "[databases]\n* = min_pool_size=3 max_db_connections=2",
            "weir.ini:2: database *: min_pool_size = 3 is above max_db_connections = 2"
        ),
        (
            "[weir]\nunix_socket_dir =",
            "weir.ini:2: listen_addr and unix_socket_dir are both empty: there is nothing to "
                + "listen on"
        ),
    ])
    func `settings that contradict each other are refused`(text: String, message: String) {
        #expect(mistakes(in: text) == [message])
    }

    @Test func `a socket path longer than the kernel takes is refused`() {
        let longest = "/" + String(repeating: "d", count: 107 - 1 - "/.s.PGSQL.6432".utf8.count)
        #expect(mistakes(in: "[weir]\nunix_socket_dir = \(longest)").isEmpty)
        #expect(
            mistakes(in: "[weir]\nunix_socket_dir = \(longest)d") == [
                "weir.ini:2: unix_socket_dir is too long: \(longest)d/.s.PGSQL.6432 has 108 bytes, "
                    + "a socket's path can have 107"
            ]
        )
    }

    @Test func `no limit is above every minimum`() {
        #expect(mistakes(in: "[weir]\nmin_pool_size = 50\ndefault_pool_size = 0").isEmpty)
        #expect(mistakes(in: "[databases]\na = min_pool_size=50 pool_size=0").isEmpty)
    }

    @Test(arguments: [
        (
            "[databases]\na = pool_size=2\n[weir]\nauth_file = x\nmin_pool_size = 3",
            "database a: min_pool_size = 3 is above the pool size, which is 2 and will be the limit"
        ),
        (
            "[databases]\na = max_db_connections=2\n[weir]\nauth_file = x\nmin_pool_size = 3",
            "database a: min_pool_size = 3 is above max_db_connections = 2, which will be the limit"
        ),
        (
            "[databases]\na = password=x\n[weir]\nauth_file = x",
            "database a has password= but no user=: it is for the user that all clients would share"
        ),
        (
            "[users]\nu = max_user_connections=2\n[weir]\nmin_pool_size = 3\n\(Self.quiet)",
            "user u: min_pool_size = 3 is above max_user_connections = 2, which will be the limit"
        ),
        (
            "[weir]\nauth_file = x",
            "[databases] is empty: clients can only use the admin console"
        ),
        (
            "[databases]\na =\n[weir]",
            "auth_file is not set: no user is known, nobody can log in"
        ),
        (
            "[databases]\na =\n[weir]\nauth_type = any",
            "database a has no user=: with auth_type = any nobody can log in to it"
        ),
        (
            "[weir]\nauth_type = trust\nlisten_addr = 127.0.0.1,0.0.0.0\n\(Self.quiet)",
            "auth_type = trust lets everybody in who can reach listen_addr = 127.0.0.1,0.0.0.0"
        ),
        (
            "[weir]\nreserve_pool_size = 5\nreserve_pool_timeout = 0\n\(Self.quiet)",
            "reserve_pool_size = 5 is never used: reserve_pool_timeout = 0 turns the reserve off"
        ),
        (
            "[weir]\nreserve_pool_size = 5\ndefault_pool_size = 0\n\(Self.quiet)",
            "reserve_pool_size = 5 is never used: default_pool_size = 0 has no limit"
        ),
        (
            "[weir]\nreserve_pool_size = 5\nreserve_pool_timeout = 15\n\(Self.quiet)",
            "reserve_pool_timeout = 15 is not below query_wait_timeout = 15: clients give up "
                + "before the reserve is used"
        ),
        (
            "[weir]\nquery_wait_timeout = 0\n\(Self.quiet)",
            "query_wait_timeout = 0 lets clients wait for ever"
        ),
        (
            "[weir]\npkt_buf = 8192\n\(Self.quiet)",
            "pkt_buf has no effect: buffers belong to the event engine"
        ),
        (
            "[weir]\nauth_query = select 1\n\(Self.quiet)",
            "auth_query has no effect: it needs auth_user, which is not supported by this version"
        ),
        (
            "[weir]\nclient_tls_key_file = k\n\(Self.quiet)",
            "client_tls_key_file has no effect: TLS is not supported by this version"
        ),
        ("[weir]\nmax_client_conn = 0\n\(Self.quiet)", "max_client_conn = 0 lets no client in"),
        (
            "[weir]\nmax_server_connections = 10\n\(Self.quiet)",
            "default_pool_size = 20 is above max_server_connections = 10, which will be the limit"
        ),
    ])
    func `what is legal but suspicious is a warning`(text: String, warning: String) throws {
        #expect(try load(text).warnings == [warning])
    }

    @Test func `a plain configuration warns of nothing`() throws {
        #expect(try load("[weir]\n\(Self.quiet)").warnings.isEmpty)
    }
}
