import Console
import Pooling
import Testing
import Wire

struct CompletionTests {
    static let tags: [(ControlCommand, String)] = [
        (.pause(database: nil), "PAUSE"),
        (.resume(database: "x"), "RESUME"),
        (.suspend, "SUSPEND"),
        (.disable(database: "x"), "DISABLE"),
        (.enable(database: "x"), "ENABLE"),
        (.reconnect(database: nil), "RECONNECT"),
        (.waitClose(database: nil), "WAIT_CLOSE"),
        (.kill(database: nil), "KILL"),
        (.killClient(id: 1), "KILL_CLIENT"),
        (.reload, "RELOAD"),
        (.set(key: "verbose", value: "2"), "SET verbose=2"),
        (.shutdown(.waitForServers), "SHUTDOWN"),
        (.shutdown(.waitForClients), "SHUTDOWN"),
    ]

    @Test(arguments: Self.tags)
    func `a command that went well ends with its tag`(command: ControlCommand, tag: String) throws {
        let reply = try ReceivedReply(
            AdminConsole.tested.completion(of: command, outcome: .success)
        )
        #expect(reply.kinds == "CZ")
        #expect(reply.tags == [tag])
    }

    @Test func `an immediate shutdown has no answer`() {
        let console = AdminConsole.tested
        #expect(console.completion(of: .shutdown(.immediate), outcome: .success).isEmpty)
    }

    @Test func `a notice comes before the tag`() throws {
        let notice = ErrorFields(.notice, .success, "the old TLS configuration stays in use")
        let reply = try ReceivedReply(
            AdminConsole.tested.completion(
                of: .set(key: "a", value: "b"),
                outcome: .notice(notice)
            )
        )
        #expect(reply.kinds == "NCZ")
        #expect(reply.notices == [notice])
        #expect(reply.tags == ["SET a=b"])
    }

    static let refusals: [(ControlRefusal, state: String, message: String)] = [
        (.alreadyPaused, "08P01", "already suspended/paused"),
        (.notPaused, "08P01", "pooler is not paused/suspended"),
        (.databaseNotPaused("x"), "08P01", "database x is not paused"),
        (.noSuchDatabase("x"), "08P01", "no such database: x"),
        (.pausedDatabases, "08P01", "cannot suspend with paused databases"),
        (.shuttingDown, "08P01", "pooler is shutting down"),
        (.clientNotFound, "08P01", "client not found"),
        (
            .reloadFailed(reason: "weir.ini:3"), "F0000",
            "RELOAD failed, see logs for additional details"
        ),
        (.setFailed(reason: "no such key"), "08P01", "SET failed: no such key"),
        (
            .notChangeable(key: "listen_port"), "08P01",
            "SET failed: listen_port cannot be changed while running"
        ),
        (.canceled, "57014", "canceling statement due to user request"),
    ]

    @Test(arguments: Self.refusals)
    func `a command that was refused ends with an error and the session goes on`(
        reason: ControlRefusal,
        state: String,
        message: String
    ) throws {
        let reply = try ReceivedReply(
            AdminConsole.tested.completion(of: .reload, outcome: .refused(reason))
        )
        #expect(reply.kinds == "EZ")
        let error = try #require(reply.errors.first)
        #expect(error.severity == .error)
        #expect(error.sqlState.code == state)
        #expect(error.message == message)
    }

    @Test func `the extended protocol is refused with PgBouncer's three messages`() throws {
        let reply = try ReceivedReply(AdminConsole.tested.refuseExtendedProtocol())
        #expect(reply.kinds == "EZE")
        #expect(
            reply.errors == [
                ErrorFields(
                    .error,
                    .protocolViolation,
                    "extended query protocol not supported by admin console"
                ),
                ErrorFields(.fatal, .protocolViolation, "bad packet"),
            ]
        )
    }

    @Test func `a login is told what PgBouncer tells`() {
        let told = AdminConsole.tested.loginParameters.map { "\($0.name)=\($0.value)" }
        #expect(
            told == [
                "server_version=1.25.2/weir", "client_encoding=UTF8", "server_encoding=UTF8",
                "DateStyle=ISO", "TimeZone=GMT", "standard_conforming_strings=on",
                "is_superuser=on",
            ]
        )
    }
}
