import Console
import Pooling
import Testing
import Wire

struct CommandParsingTests {
    static let controls: [(String, ControlCommand)] = [
        ("PAUSE", .pause(database: nil)),
        ("pause;", .pause(database: nil)),
        ("\n\t PaUsE   mydb  ;  ", .pause(database: "mydb")),
        ("PAUSE \"My Db;\"", .pause(database: "My Db;")),
        ("PAUSE \"a\"\"b\";;", .pause(database: "a\"b")),
        ("PAUSE my-db", .pause(database: "my-db")),
        ("PAUSE MyDb", .pause(database: "MyDb")),
        ("PAUSE datenbank_ä", .pause(database: "datenbank_ä")),
        ("RESUME", .resume(database: nil)),
        ("RESUME x", .resume(database: "x")),
        ("SUSPEND", .suspend),
        ("DISABLE x", .disable(database: "x")),
        ("ENABLE x", .enable(database: "x")),
        ("RECONNECT", .reconnect(database: nil)),
        ("RECONNECT x", .reconnect(database: "x")),
        ("WAIT_CLOSE", .waitClose(database: nil)),
        ("wait_close x", .waitClose(database: "x")),
        ("KILL", .kill(database: nil)),
        ("KILL x", .kill(database: "x")),
        ("KILL_CLIENT 42", .killClient(id: 42)),
        ("KILL_CLIENT 9223372036854775807", .killClient(id: .max)),
        ("RELOAD", .reload),
        ("SHUTDOWN", .shutdown(.immediate)),
        ("SHUTDOWN WAIT_FOR_SERVERS", .shutdown(.waitForServers)),
        ("shutdown wait_for_clients;", .shutdown(.waitForClients)),
        ("SET max_client_conn = 200", .set(key: "max_client_conn", value: "200")),
        ("SET max_client_conn=200;", .set(key: "max_client_conn", value: "200")),
        ("set Pool_Mode TO Transaction", .set(key: "pool_mode", value: "Transaction")),
        ("SET query_timeout = '1.5'", .set(key: "query_timeout", value: "1.5")),
        ("SET query_timeout = 1.5", .set(key: "query_timeout", value: "1.5")),
        ("SET a = 'it''s; = \"x\"'", .set(key: "a", value: "it's; = \"x\"")),
        ("SET a to ''", .set(key: "a", value: "")),
        ("SET \"a\" = \"b c\"", .set(key: "a", value: "b c")),
        ("/* by /* nested */ hand */ PAUSE -- now\n x -- there", .pause(database: "x")),
        ("PAUSE x/* tag='1' */;", .pause(database: "x")),
    ]

    @Test(arguments: Self.controls)
    func `commands that change something go to the shell`(query: String, command: ControlCommand) {
        let answer = AdminConsole.tested.answer(query, access: .admin) {
            Issue.record("no snapshot is needed")
            return .quiet
        }
        #expect(answer == .control(command))
    }

    @Test(arguments: ["", " ", ";", " ; ;; ", "-- only a comment", "/* so */ ;"])
    func `nothing is answered with EmptyQueryResponse`(query: String) throws {
        #expect(try AdminConsole.ask(query).kinds == "IZ")
    }

    @Test(arguments: [
        "SHOW STATS", "show stats;", "Show\tStats\r\n", "SELECT stats", "SHOW \"stats\" ;",
        "/* ping */ SHOW STATS;;",
    ])
    func `a table can be asked for in several ways`(query: String) throws {
        #expect(try AdminConsole.ask(query).columns.count == 23)
    }

    @Test(arguments: [
        "SHOW", "SHOW foo", "SHOW stats pools", "SHOW stats; SHOW pools", "SHOW 'stats'",
        "SELECT 1", "SELECT 1 + 1", "BEGIN", "foo bar", "SUSPEND x", "RELOAD x", "SHUTDOWN now",
        "SET", "SET a", "SET a =", "SET a = ;", "SET a 1", "SET a = 1 2", "SET = 1", "SET 'a' = 1",
        "SET a = = 1", "PAUSE a b", "PAUSE = x", "PAUSE 'x'", "PAUSE \"x", "PAUSE \"\"",
        "SET a = 'x", "/* open", "= x", "\"show\" stats", "'", "KILL_CLIENT 1 2",
    ])
    func `what is no command is repeated in the error`(query: String) throws {
        let reply = try AdminConsole.ask(query)
        #expect(reply.kinds == "EZ")
        let error = try #require(reply.errors.first)
        #expect(error.message == "invalid command '\(query)', use SHOW HELP;")
        #expect(error.severity == .error)
        #expect(error.sqlState.code == "08P01")
    }

    @Test func `lengths end where PgBouncer's do, in bytes`() throws {
        let name = String(repeating: "n", count: 63)
        let value = String(repeating: "v", count: 255)
        let console = AdminConsole.tested
        #expect(
            console.answer("PAUSE \(name)", access: .admin) { .quiet }
                == .control(.pause(database: name))
        )
        #expect(
            console.answer("SET \(name) = '\(value)'", access: .admin) { .quiet }
                == .control(.set(key: name, value: value))
        )
        let fifteen = String(repeating: "c", count: 15)
        #expect(
            try AdminConsole.ask(fifteen).errors.first?.message
                == "invalid command '\(fifteen)', use SHOW HELP;"
        )
        for query in [
            "PAUSE \(name)n", "PAUSE \(String(repeating: "ä", count: 32))", "SET \(name)n = 1",
            "SET a = '\(value)v'", "\(fifteen)c", "SHOW " + String(repeating: "x", count: 64),
            String(repeating: " ", count: 16_385),
        ] {
            let reply = try AdminConsole.ask(query)
            #expect(reply.kinds == "EZ")
            #expect(reply.errors.first?.message == "bad arguments")
        }
    }

    @Test func `a long command is repeated in part, cut between characters`() throws {
        for character in ["x", "ä", "€", "😀", "e\u{301}\u{302}"] {
            let query = "SHOW stats " + String(repeating: character, count: 1000)
            let message = try #require(try AdminConsole.ask(query).errors.first?.message)
            #expect(message.utf8.count < 310)
            #expect(message.hasPrefix("invalid command 'SHOW stats "))
            #expect(message.hasSuffix("…', use SHOW HELP;"))
            #expect(!message.contains("\u{fffd}"))
        }
    }

    @Test func `drivers' parameters are answered and their SET ignored`() throws {
        let values = [
            "client_encoding": "UTF-8", "default_transaction_isolation": "read committed",
            "standard_conforming_strings": "on", "datestyle": "ISO", "timezone": "GMT",
        ]
        for (name, value) in values {
            let reply = try AdminConsole.ask("SHOW \(name)", as: .statistics)
            #expect(reply.rows == [[value]])
            #expect(reply.tags == ["SHOW"])
        }
        for query in [
            "SET client_encoding TO 'utf8'", "set DateStyle = ISO", "SET extra_float_digits = 3",
            "SET application_name = 'psql'", "SET timezone='UTC'",
        ] {
            let reply = try AdminConsole.ask(query, as: .statistics)
            #expect(reply.kinds == "NCZ")
            #expect(reply.tags == ["SET"])
            #expect(reply.notices.first?.message == "SET ignored")
            #expect(reply.notices.first?.severity == .notice)
            #expect(reply.notices.first?.sqlState.code == "00000")
        }
    }
}
