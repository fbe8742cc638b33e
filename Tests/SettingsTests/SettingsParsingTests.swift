import Testing

@testable import Settings

struct SettingsParsingTests {
    @Test func `a file for PgBouncer loads and means the same`() throws {
        let settings = try load(
            """
            ;; as an operator would write it for PgBouncer 1.25
            [databases]
            app = host=10.0.0.1,10.0.0.2 port=5433 dbname=app_prod user=app password='p w' \
            pool_size=30 reserve_pool=5 max_db_connections=50 load_balance_hosts=disable \
            connect_query='SELECT 1' pool_mode=session server_lifetime=0
            local =
            'odd name' = host=/run/postgresql datestyle=ISO timezone=UTC client_encoding=UTF8
            * = host=fallback

            [users]
            report = pool_mode=session max_user_connections=3 query_timeout=0.5 pool_size=0
            slow = idle_transaction_timeout=0

            [pgbouncer]
            listen_addr = 127.0.0.1, ::1
            listen_port = 0x1920
            auth_type = md5
            auth_file = /etc/pgbouncer/userlist.txt
            pool_mode = transaction
            max_client_conn = 1000
            ignore_startup_parameters = extra_float_digits
            server_idle_timeout = 1.5
            query_wait_notify = 010
            server_tls_sslmode = prefer
            max_prepared_statements = 0
            """
        )
        let app = try #require(settings.databases["app"])
        #expect(app.hosts == ["10.0.0.1", "10.0.0.2"])
        #expect(app.port == 5_433)
        #expect(app.dbname == "app_prod")
        #expect(app.user == "app")
        #expect(app.password == RedactedText("p w"))
        #expect(app.poolSize == 30)
        #expect(app.reservePoolSize == 5)
        #expect(app.maxDbConnections == 50)
        #expect(app.loadBalanceHosts == .disable)
        #expect(app.connectQuery == "SELECT 1")
        #expect(app.poolMode == .session)
        #expect(app.serverLifetime == nil)
        #expect(settings.databases["local"] == DatabaseSettings(name: "local"))
        #expect(settings.databases["odd name"]?.hosts == ["/run/postgresql"])
        #expect(settings.databases["odd name"]?.timezone == "UTC")
        #expect(settings.databases["*"] == nil)
        #expect(settings.fallbackDatabase?.hosts == ["fallback"])
        #expect(settings.users["report"]?.poolSize == 0)
        #expect(settings.users["report"]?.queryTimeout == .milliseconds(500))
        #expect(settings.users["slow"]?.idleTransactionTimeout == nil)
        #expect(settings.global.listenAddr == ["127.0.0.1", "::1"])
        #expect(settings.global.listenPort == 6_432)
        #expect(settings.global.serverIdleTimeout == .milliseconds(1_500))
        #expect(settings.global.queryWaitNotify == .seconds(8))
        #expect(settings.global.conffile == "weir.ini")
        #expect(settings.warnings.isEmpty)
    }

    @Test func `defaults differ from PgBouncer's only where it is known to hurt`() throws {
        let global = try load("[weir]").global
        #expect(global.queryWaitTimeout == .seconds(15))
        #expect(global.tcpKeepalive)
        #expect(global.tcpUserTimeout == 300_000)
        #expect(global.serverLoginRetry == .seconds(15))
        #expect(global.slowQueryThreshold == .atLeast(.milliseconds(100)))
        #expect(global.defaultPoolSize == 20)
        #expect(global.poolMode == .session)
        #expect(global.authType == .md5)
        #expect(global.serverLoginParallelism == 16)
    }

    @Test func `the environment beats the file and an override beats both`() throws {
        let text = "[weir]\npool_mode = session\nmax_client_conn = 1\nlisten_port = 1"
        let settings = try load(
            text,
            environment: [("max_client_conn", "2"), ("listen_port", "2")],
            overrides: [("listen_port", "3")]
        )
        #expect(settings.global.poolMode == .session)
        #expect(settings.global.maxClientConn == 2)
        #expect(settings.global.listenPort == 3)
    }

    @Test func `a variable that is no setting is a warning, a wrong value an error`() throws {
        let settings = try load(
            "[weir]\nauth_file = a\n[databases]\na=",
            environment: [("service_host", "10.0.0.1")]
        )
        #expect(
            settings.warnings == [
                "environment variable WEIR_SERVICE_HOST is ignored: "
                    + "there is no setting service_host"
            ]
        )
        let text = "[weir]\nhttp_listen = a"
        #expect(
            mistakes(
                in: text,
                environment: [("pool_mode", "fast"), ("http_listen", "b")],
                overrides: [("pool_mod", "session")]
            ) == [
                "weir.ini:2: http_listen: the key is known but not supported by this version",
                "environment variable WEIR_POOL_MODE: pool_mode = \"fast\": expected session, "
                    + "transaction, statement",
                "environment variable WEIR_HTTP_LISTEN: http_listen: the key is known but not "
                    + "supported by this version",
                "--set: unknown parameter: pgbouncer/pool_mod; did you mean pool_mode?",
            ]
        )
    }

    @Test func `every mistake of a file is found at once, with place and expectation`() {
        let messages = mistakes(
            in: """
                [databases]
                a = hosst=x port=99999 pool_size=-1
                b = user=x password=
                c = auth_user=x
                d = host=a,,b
                pgbouncer = host=x
                weir = host=x
                [users]
                u = pool_size=1 nonsense=2
                [peers]
                1 = host=x port=0
                one = host=x
                2 = port=6432
                [weir]
                pool_mode = fast
                listen_port = 0
                query_timeout = 5m
                log_stats = maybe
                max_waiting = x
                slow_query_format = pgbadger
                nothing_like_it = 1
                """
        )
        #expect(
            messages == [
                "weir.ini:2: unknown parameter: databases/a/hosst; did you mean host?",
                "weir.ini:2: databases/a port = \"99999\": expected a whole number from 1 to 65535",
                "weir.ini:2: databases/a pool_size = \"-1\": expected a whole number from 0 to "
                    + "2147483647",
                "weir.ini:3: databases/b: syntax error in connection string: password has no "
                    + "value: leave the key out, or write password=value",
                "weir.ini:4: databases/c auth_user: looking up secrets with auth_query is not "
                    + "supported by this version",
                "weir.ini:5: databases/d host = \"a,,b\": expected a host name, an address, a "
                    + "socket directory, or several with commas",
                "weir.ini:6: database name \"pgbouncer\" is reserved",
                "weir.ini:7: database name \"weir\" is reserved",
                "weir.ini:9: unknown parameter: users/u/nonsense",
                "weir.ini:11: peers/1 port = \"0\": expected a whole number from 1 to 65535",
                "weir.ini:12: peer \"one\": expected the peer_id of a process, 1 to 16383",
                "weir.ini:13: peer 2 needs one host=",
                "weir.ini:15: pool_mode = \"fast\": expected session, transaction, statement",
                "weir.ini:16: listen_port = \"0\": expected a whole number from 1 to 65535",
                "weir.ini:17: query_timeout = \"5m\": expected a time: seconds with or without "
                    + "decimals, or a number with us, ms, s, min, h or d",
                "weir.ini:18: log_stats = \"maybe\": expected 0 or 1 (or on, off, true, false, "
                    + "yes, no)",
                "weir.ini:19: max_waiting: the key is known but not supported by this version",
                "weir.ini:20: slow_query_format = pgbadger: this version writes json only",
                "weir.ini:21: unknown parameter: pgbouncer/nothing_like_it",
            ]
        )
    }

    @Test func `names and passwords have PgBouncer's limits and passwords are not printed`() {
        let name = String(repeating: "x", count: 64)
        let password = String(repeating: "s", count: 2_048)
        let user = String(repeating: "u", count: 128)
        let messages = mistakes(
            in: """
                [databases]
                \(name) = host=a
                a = password=\(password) user=\(user)
                [users]
                \(user) = pool_size=1
                """
        )
        #expect(
            messages == [
                "weir.ini:2: databases = \"\(name)\": expected a name of 1 to 63 bytes",
                "weir.ini:3: databases/a password: expected a password of 1 to 2047 bytes",
                "weir.ini:3: databases/a user = \"\(user.prefix(100))\"…: expected a "
                    + "user name of 1 to 127 bytes",
                "weir.ini:5: users = \"\(user.prefix(100))\"…: expected a name of 1 to 127 bytes",
            ]
        )
        #expect(
            mistakes(
                in: """
                    [databases]
                    \(name.dropLast()) = user=\(user.dropLast()) password=\(password.dropLast())
                    """
            ).isEmpty
        )
    }

    @Test func `the last of several lines for one key or entry wins`() throws {
        let settings = try load(
            """
            [weir]
            auth_file = x
            default_pool_size = 1
            default_pool_size = 2
            [databases]
            a = host=one pool_size=7
            a = host=two
            [users]
            u = pool_size=1
            u = pool_mode=session
            """
        )
        #expect(settings.global.defaultPoolSize == 2)
        #expect(settings.databases["a"]?.hosts == ["two"])
        #expect(settings.databases["a"]?.poolSize == nil)
        #expect(settings.users["u"]?.poolSize == nil)
        #expect(
            settings.warnings == [
                "weir.ini:7: database a again; this line wins",
                "weir.ini:10: user u again; this line wins",
            ]
        )
    }

    @Test func `a file full of mistakes reports a bounded number of them`() {
        let text = "[weir]\n" + String(repeating: "nonsense = 1\n", count: 5_000)
        #expect(mistakes(in: text).count == SettingsLimits.reportedErrors)
    }
}
