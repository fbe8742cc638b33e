import Testing

@testable import Settings

struct FleetSettingsTests {
    private static let base = """
        [databases]
        app = host=h user=app password=secret
        [weir]
        auth_file = users.txt
        server_budget = 40

        """

    @Test func `every key of the fleet is read`() throws {
        let global = try load(
            """
            \(Self.base)
            budget_ledger = ETCD
            fleet_name = main-fleet
            node_name = "web 1"
            ledger_database = ledger
            ledger_user = weir
            control_reserve = 3
            etcd_endpoints = http://a:2379, https://[::1]:2379,https://b.example:1
            etcd_user = root
            etcd_password = hunter2
            etcd_ca_file = ca.pem
            etcd_cert_file = own.pem
            etcd_key_file = own.key
            budget_fence = terminate
            """
        ).global
        #expect(global.budgetLedger == .etcd)
        #expect(global.fleetName == "main-fleet")
        #expect(global.nodeName == "\"web 1\"")
        #expect(global.ledgerDatabase == "ledger")
        #expect(global.ledgerUser == "weir")
        #expect(global.controlReserve == 3)
        #expect(
            global.etcdEndpoints == [
                "http://a:2379", "https://[::1]:2379", "https://b.example:1",
            ]
        )
        #expect(global.etcdUser == "root")
        #expect(global.etcdPassword == RedactedText("hunter2"))
        #expect(
            [global.etcdCAFile, global.etcdCertFile, global.etcdKeyFile] == [
                "ca.pem", "own.pem", "own.key",
            ]
        )
        #expect(global.budgetFence == .terminate)
    }

    @Test(arguments: [
        ("budget_ledger = redis", "expected local, postgres, etcd"),
        ("budget_fence = no", "expected wait, terminate"),
        ("fleet_name =", "expected 1 to 63 printable ASCII characters without blanks and quotes"),
        ("fleet_name = a b", "expected 1 to 63 printable ASCII"),
        ("fleet_name = a\"b", "expected 1 to 63 printable ASCII"),
        ("fleet_name = \(String(repeating: "n", count: 64))", "expected 1 to 63 printable"),
        ("node_name = zürich", "expected at most 63 printable ASCII characters"),
        ("node_name = \(String(repeating: "n", count: 64))", "expected at most 63 printable"),
        ("control_reserve = 10001", "expected a whole number from 0 to 10000"),
        ("etcd_endpoints = a:2379", "expected http://HOST:PORT or https://HOST:PORT"),
        ("etcd_endpoints = http://a", "expected http://HOST:PORT or https://HOST:PORT"),
        ("etcd_endpoints = http://:1", "expected http://HOST:PORT or https://HOST:PORT"),
        ("etcd_endpoints = http://a:0", "expected http://HOST:PORT or https://HOST:PORT"),
        ("etcd_endpoints = http://a:1/v3", "expected http://HOST:PORT or https://HOST:PORT"),
        ("etcd_endpoints = http://u@a:1", "expected http://HOST:PORT or https://HOST:PORT"),
        ("etcd_endpoints = http://a:1,", "expected http://HOST:PORT or https://HOST:PORT"),
        ("server_budget = 101%", "expected a whole number from 0 to 1000000 (0 = no limit), 1%"),
        ("server_budget = 0%", "expected a whole number from 0 to 1000000 (0 = no limit), 1%"),
        ("server_budget = most", "expected a whole number from 0 to 1000000 (0 = no limit), 1%"),
        ("server_budget = -1", "expected a whole number from 0 to 1000000 (0 = no limit), 1%"),
    ])
    func `what a key of the fleet cannot be is refused`(line: String, expected: String) throws {
        let message = try #require(mistakes(in: "[weir]\n\(line)").first)
        #expect(message.hasPrefix("weir.ini:2: \(line.prefix { $0 != " " })"))
        #expect(message.contains(expected))
    }

    @Test(arguments: [
        (
            "etcd_cert_file = c",
            "weir.ini:6: etcd_cert_file and etcd_key_file belong together: set both or none"
        ),
        (
            "etcd_key_file = k",
            "weir.ini:6: etcd_cert_file and etcd_key_file belong together: set both or none"
        ),
        ("budget_ledger = etcd", "weir.ini:6: budget_ledger = etcd needs etcd_endpoints"),
        (
            "budget_ledger = postgres\nserver_budget = 0",
            "weir.ini:6: budget_ledger = postgres, but a fleet needs a budget to share: set "
                + "server_budget, or budget= in an entry of [servers]"
        ),
        (
            "budget_ledger = postgres\n[databases]\nother = host=i",
            "weir.ini:6: budget_ledger = postgres needs a login at server i:5432: set "
                + "ledger_user, or user= for a database that is there"
        ),
        (
            "budget_ledger = etcd\netcd_endpoints = http://a:1\n[databases]\nother = host=i",
            "weir.ini:6: budget_ledger = etcd needs a login at server i:5432: set "
                + "ledger_user, or user= for a database that is there"
        ),
        (
            "budget_ledger = etcd\netcd_endpoints = http://a:1\n[servers]\nmain = host=h budget=2",
            "weir.ini:9: server main: budget_ledger = etcd takes 2 of its 2 connections for "
                + "counting, which leaves nothing"
        ),
        (
            "budget_ledger = postgres\ncontrol_reserve = 40",
            "weir.ini:7: server h:5432: control_reserve = 40 leaves nothing of its 40 connections, "
                + "which control connections take places of"
        ),
        (
            "budget_ledger = postgres\n[servers]\nmain = host=h budget=20 reserve=10",
            "weir.ini:8: server main: control_reserve = 10 leaves nothing of its 10 connections, "
                + "which control connections take places of"
        ),
    ])
    func `what a fleet lacks is named`(lines: String, message: String) {
        #expect(mistakes(in: Self.base + lines) == [message])
    }

    @Test(arguments: [
        "budget_ledger = postgres",
        "budget_ledger = postgres\nserver_budget = 2%",
        "budget_ledger = postgres\nledger_user = weir\n[databases]\nother = host=i",
        "budget_ledger = postgres\nserver_budget = 0\n[servers]\nmain = host=h budget=auto",
        "budget_ledger = etcd\netcd_endpoints = http://a:1\ncontrol_reserve = 40",
        // Without a fleet its keys mean nothing.
        "control_reserve = 4000\nnode_name = n\netcd_user = u\nserver_budget = 0",
    ])
    func `what a fleet can be like`(lines: String) throws {
        #expect(mistakes(in: Self.base + lines).isEmpty)
    }

    @Test func `an engine logs in as whoever is known at its server`() throws {
        let lines = """
            [databases]
            a = host=h
            b = host=h user=second password=p2
            c = host=h,i user=first
            d = host=h user=third password=p3
            * = host=j user=any password=p4
            [servers]
            main = host=h,i
            """
        func login(_ host: String, ledgerUser: String) throws -> [String?]? {
            let settings = try load("\(lines)\n[weir]\nledger_user = \(ledgerUser)")
            let server = settings.server(host: host, port: 5_432)
            return settings.controlLogin(for: server).map { [$0.user, $0.password?.exposed] }
        }
        #expect(try login("i", ledgerUser: "") == ["second", "p2"])
        #expect(try login("j", ledgerUser: "") == ["any", "p4"])
        #expect(try login("k", ledgerUser: "") == nil)
        #expect(try login("h", ledgerUser: "third") == ["third", "p3"])
        #expect(try login("h", ledgerUser: "weir") == ["weir", nil])
        // A password is for the server that it was given for.
        #expect(try login("j", ledgerUser: "third") == ["third", nil])
    }

    @Test func `the servers are those that databases are at, each once`() throws {
        let settings = try load(
            """
            [databases]
            a = host=h,i
            b = host=k,h port=6000
            c =
            * = host=i
            [servers]
            main = host=h,i budget=80% reserve=2 weight=5
            [weir]
            server_budget = auto
            unix_socket_dir = /run
            ledger_user = x
            """
        )
        let servers = settings.serverBudgets
        #expect(servers.map(\.name) == ["/run:5432", "h:6000", "k:6000", "main"])
        #expect(servers.map(\.size) == [.auto, .auto, .auto, .percent(80)])
        #expect(servers.map(\.weight) == [1, 1, 1, 5])
        #expect(servers.last?.hosts == ["h", "i"])
    }
}
