import Testing

@testable import Settings

struct DatabaseURLTests {
    private func message(_ url: String, listen: String? = nil) -> String? {
        do {
            _ = try Settings.forDatabaseURL(url, listen: listen)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `a URL becomes one database behind a port on loopback that asks for its password`()
        throws
    {
        let settings = try Settings.forDatabaseURL("postgres://bob:pw@db.example:5433/app")
        let database = try #require(settings.databases["app"])
        #expect(settings.databases.count == 1)
        #expect(settings.fallbackDatabase == nil)
        #expect(database.name == "app")
        #expect(database.dbname == "app")
        #expect(database.hosts == ["db.example"])
        #expect(database.port == 5_433)
        #expect(database.user == "bob")
        #expect(database.password == RedactedText("pw"))
        #expect(settings.inlineUsers == [InlineUser(name: "bob", secret: RedactedText("pw"))])
        #expect(settings.global.authType == .scramSHA256)
        #expect(settings.global.listenAddr == ["127.0.0.1"])
        #expect(settings.global.listenPort == 6_432)
        #expect(settings.global.unixSocketDir == "")
        #expect(settings.global.conffile == nil)
        #expect(settings.warnings.isEmpty)
    }

    @Test(arguments: [
        ("postgresql://u:p@h/d", ["h"], 5_432),
        ("postgres://u:p@[2001:db8::1]:5433/d", ["2001:db8::1"], 5_433),
        ("postgres://u:p@[::1]/d", ["::1"], 5_432),
        ("postgres://u:p@a,b,c/d", ["a", "b", "c"], 5_432),
        ("postgres://u:p@a:1,b:1/d", ["a", "b"], 1),
        ("postgres://u:p@[::1],b:9/d", ["::1", "b"], 9),
        ("postgres://u:p@/d?host=/run/postgresql", ["/run/postgresql"], 5_432),
        ("postgres://u:p@%2Frun%2Fpostgresql:5444/d", ["/run/postgresql"], 5_444),
        ("postgres://u:p@/d?host=a,b&port=7", ["a", "b"], 7),
        ("postgres://u:p@h:/d", ["h"], 5_432),
        ("postgres:///d?user=u&password=p&host=h&port=6", ["h"], 6),
        ("postgres://u:p@h?dbname=d", ["h"], 5_432),
        ("postgres://u:p@p@h/d?", ["h"], 5_432),
    ])
    func `hosts and ports are found in every form`(url: String, hosts: [String], port: Int) throws {
        let database = try #require(try Settings.forDatabaseURL(url).databases["d"])
        #expect(database.hosts == hosts)
        #expect(database.port == port)
        #expect(database.user == "u")
    }

    @Test func `every part may be percent encoded`() throws {
        let settings = try Settings.forDatabaseURL(
            "postgres://b%40b:p%3A%2F%3F%23%25@h/my%20d%C3%A9?application_name=a%26b"
        )
        #expect(settings.inlineUsers.first?.name == "b@b")
        #expect(settings.inlineUsers.first?.secret.exposed == "p:/?#%")
        #expect(settings.databases["my dé"]?.applicationName == "a&b")
    }

    @Test func `known parameters take effect`() throws {
        let settings = try Settings.forDatabaseURL(
            "postgres://u:p@h/d?connect_timeout=3&client_encoding=UTF8&sslmode=prefer"
        )
        #expect(settings.global.serverConnectTimeout == .seconds(3))
        #expect(settings.databases["d"]?.clientEncoding == "UTF8")
    }

    @Test(arguments: [
        ("mysql://u:p@h/d", "expected a URL that starts with postgres:// or postgresql://"),
        ("", "expected a URL that starts with postgres:// or postgresql://"),
        ("postgres://h/d", "the URL names no user: postgres://USER:PASSWORD@HOST/DATABASE"),
        (
            "postgres://u@h/d",
            "the URL names no password: clients log in to Weir with it, and the port is never open "
                + "without one"
        ),
        ("postgres://u:p@h", "the URL names no database: add /NAME after the host"),
        ("postgres://u:p@h/", "the URL names no database: add /NAME after the host"),
        ("postgres://u:p@/d", "the URL names no host"),
        ("postgres://u:p@a,,b/d", "a member of the host list is empty"),
        ("postgres://u:p@a:1,b:2/d", "the hosts must all have the same port"),
        ("postgres://u:p@a,b,c/d?port=1,1", "give one port for all hosts, or one for each"),
        ("postgres://u:p@[::1/d", "an IPv6 address has no closing ]"),
        ("postgres://u:p@[::1]x/d", "expected : and a port after the ] of an IPv6 address"),
        (
            "postgres://u:s3cret/x@h/d",
            "expected a port from 1 to 65535 (in a password / ? # must be written as %2F %3F %23)"
        ),
        ("postgres://u:p#x@h/d", "# in a URL starts a fragment: write it as %23"),
        ("postgres://u:p%4@h/d", "the password holds a % without two hexadecimal digits"),
        ("postgres://u:%FF@h/d", "the password is not UTF-8 text, or holds a zero byte"),
        ("postgres://u:p@h/a%00", "the database is not UTF-8 text, or holds a zero byte"),
        ("postgres://u:p@h/pgbouncer", "database name \"pgbouncer\" is reserved"),
        ("postgres://u:p@h/*", "database name \"*\" is reserved"),
        (
            "postgres://u:p@h/d?sslmode=require",
            "sslmode=require: TLS is not supported by this version"
        ),
        ("postgres://u:p@h/d?sslmode=x", "sslmode = \"x\": expected disable, allow, prefer"),
        (
            "postgres://u:p@h/d?connect_timeout=soon",
            "connect_timeout = \"soon\": expected a whole number of seconds"
        ),
        ("postgres://u:p@h/d?flag", "the parameter flag has no value"),
        (
            "postgres://u:p@h/d?options=-c%20x%3D1",
            "options: all clients share the server connections: let each client send its own "
                + "options"
        ),
        (
            "postgres://u:p@h/d?schema=public",
            "the URL's parameter schema: expected host, port, user, password, dbname, "
                + "application_name, client_encoding, connect_timeout or sslmode"
        ),
    ])
    func `a URL that does not do is refused in words`(url: String, text: String) {
        #expect(self.message(url) == "--database-url: \(text)")
    }

    @Test func `a password does not appear in messages`() {
        for url in [
            "postgres://u:s3cret@h:x/d", "postgres://u:s3cret@h", "postgres://u:s3cret/@h/d",
            "postgres://u:s3cret%@h/d", "s3cret", "postgres://u:s3cret@h/d?x=1",
        ] {
            #expect(self.message(url)?.contains("s3cret") == false, "\(url)")
        }
    }

    @Test(arguments: [
        ("0.0.0.0:7000", ["0.0.0.0"], 7_000), ("10.0.0.1", ["10.0.0.1"], 6_432),
        (":7000", ["127.0.0.1"], 7_000), ("[::1]:7000", ["::1"], 7_000), ("::1", ["::1"], 6_432),
        ("[::]", ["::"], 6_432), ("*:1", ["*"], 1), ("localhost:1", ["localhost"], 1),
    ])
    func `listen names an address, a port, or both`(
        listen: String,
        addresses: [String],
        port: Int
    ) throws {
        let settings = try Settings.forDatabaseURL("postgres://u:p@h/d", listen: listen)
        #expect(settings.global.listenAddr == addresses)
        #expect(settings.global.listenPort == port)
    }

    @Test(arguments: ["", ":", "a:", "a:b", "a:0", "[]:1", "[]", "[::1]1", "a:65536"])
    func `a listen address that does not do is refused`(listen: String) {
        #expect(
            self.message("postgres://u:p@h/d", listen: listen)?.hasPrefix("--listen: ") == true
        )
    }

    @Test func `environment and overrides apply, and an open door is told of`() throws {
        let settings = try Settings.forDatabaseURL(
            "postgres://u:p@h/d",
            listen: "127.0.0.1:7000",
            environment: [("listen_port", "7001"), ("pool_mode", "transaction")],
            overrides: [("auth_type", "trust"), ("max_prepared_statements", "0")]
        )
        #expect(settings.global.listenPort == 7_000)
        #expect(settings.global.poolMode == .transaction)
        #expect(
            settings.warnings == [
                "auth_type = trust: whoever reaches Weir gets in without the password of the "
                    + "database URL"
            ]
        )
    }
}
