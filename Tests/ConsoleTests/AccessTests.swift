import Console
import Pooling
import Testing
import Wire

struct AccessTests {
    @Test(arguments: [
        "PAUSE", "PAUSE x", "RESUME", "SUSPEND", "DISABLE x", "DISABLE", "ENABLE x", "RECONNECT",
        "WAIT_CLOSE", "KILL", "KILL pgbouncer", "KILL_CLIENT 1", "KILL_CLIENT x", "RELOAD",
        "SHUTDOWN", "SHUTDOWN WAIT_FOR_CLIENTS", "SET max_client_conn = 1", "SHOW FDS",
    ])
    func `who may only look is refused before anything else`(query: String) throws {
        let reply = try AdminConsole.ask(query, as: .statistics)
        #expect(reply.kinds == "EZ")
        #expect(reply.errors.map(\.message) == ["admin access needed"])
        #expect(reply.errors.map(\.sqlState.code) == ["08P01"])
    }

    @Test(arguments: ColumnsTests.tables.map(\.query).filter { $0 != "FDS" } + ["HELP"])
    func `who may only look sees every table but the descriptors`(query: String) throws {
        let reply = try AdminConsole.ask("SHOW \(query)", as: .statistics)
        #expect(reply.errors.isEmpty)
        #expect(reply.tags == ["SHOW"])
    }

    @Test(arguments: ["pgbouncer", "weir"])
    func `the console's own database cannot be paused and the like`(name: String) throws {
        let verbs = [
            "PAUSE": "pause", "KILL": "kill", "DISABLE": "disable", "ENABLE": "enable",
            "RECONNECT": "reconnect", "WAIT_CLOSE": "wait in",
        ]
        for (command, verb) in verbs {
            let reply = try AdminConsole.ask("\(command) \(name)")
            #expect(reply.kinds == "EZ")
            #expect(reply.errors.map(\.message) == ["cannot \(verb) admin db: \(name)"])
        }
        let resume = try AdminConsole.ask("RESUME \(name)")
        #expect(resume.errors.map(\.message) == ["database \(name) is not paused"])
    }

    @Test func `arguments that a command needs are asked for`() throws {
        for command in ["DISABLE", "ENABLE;"] {
            #expect(
                try AdminConsole.ask(command).errors.map(\.message) == ["a database is required"]
            )
        }
        for id in ["", "x", "0xabc0", "-1", "+1", "1.0", "9223372036854775808", "١"] {
            #expect(
                try AdminConsole.ask("KILL_CLIENT \(id)").errors.map(\.message)
                    == ["invalid client pointer supplied"]
            )
        }
    }
}
