import Testing
import Wire

@testable import Pooling

/// From suspicion over question and answer to what is known.
struct SessionWatchTests {
    private static func scan(_ text: String) -> Suspicion {
        StatementScan.suspicion(of: Array(text.utf8), isWhole: true)
    }

    private static func setting(_ name: String, _ value: String) -> SettingValue {
        SettingValue(name: name, value: Array(value.utf8))
    }

    /// A DataRow's body.
    private static func row(_ columns: [String?]) -> [UInt8] {
        var body: [UInt8] = [0, UInt8(columns.count)]
        for column in columns {
            guard let column else {
                body += [0xff, 0xff, 0xff, 0xff]
                continue
            }
            let bytes = Array(column.utf8)
            body += [0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
        }
        return body
    }

    private static func hexadecimal(_ text: String) -> String {
        text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func answer(_ rows: [[String?]], isWhole: Bool = true) -> SessionAnswer {
        var answer = SessionAnswer()
        for columns in rows + (isWhole ? [["z", nil, nil, nil]] : []) {
            let body = Self.row(columns)
            answer.received(body.span, in: 0..<body.count)
        }
        return answer
    }

    private static func named(_ name: String, _ value: String?, _ source: String?) -> [String?] {
        ["n", name, value.map(Self.hexadecimal), source]
    }

    private static func held(_ kind: SessionKinds) -> [String?] {
        ["h", String(kind.rawValue), nil, nil]
    }

    /// A watch, and what its client has set.
    private final class Client {
        var watch = SessionWatch()
        var settings: [SettingValue] = []

        func run(_ text: String) { self.watch.ran(SessionWatchTests.scan(text)) }

        func end() -> SessionQuestion? {
            self.watch.transactionEnded(settings: self.settings.map(\.name))
        }

        /// Ends the transaction, which is asked about; true when the answer could be used.
        func end(_ rows: [[String?]], isWhole: Bool = true) -> Bool {
            guard let question = self.end() else { return false }
            let answer = SessionWatchTests.answer(rows, isWhole: isWhole)
            let now = self.watch.answered(
                question,
                answer,
                settings: self.settings,
                loginUser: "app",
                isFollowed: { $0 == "timezone" }
            )
            if let now { self.settings = now.sorted { $0.name < $1.name } }
            return now != nil
        }
    }

    @Test("a client that does nothing is asked nothing")
    func nothing() {
        let client = Client()
        client.run("SELECT 1")
        #expect(!client.watch.isRaised && client.end() == nil)
        client.run("SET LOCAL search_path = a")
        #expect(client.watch.isRaised && client.watch.isParsingUnsettled)
        #expect(client.end() == nil)
        #expect(!client.watch.isRaised && !client.watch.isParsingUnsettled)
        client.run("SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;")
        #expect(client.end() == nil && !client.watch.isRaised)
        client.run("DISCARD ALL")
        #expect(client.end() == nil && !client.watch.isRaised)
    }

    @Test("a setting is what the server says it is")
    func settings() {
        let client = Client()
        client.run("SET work_mem = '1MB'; SET app.x = 'a'")
        #expect(
            client.end([
                Self.named("work_mem", "1MB", "session"), Self.named("app.x", "a", nil),
            ])
        )
        #expect(client.settings == [Self.setting("app.x", "a"), Self.setting("work_mem", "1MB")])
        #expect(!client.watch.isRaised && !client.watch.isPinned)
        // Rolled back.
        client.run("SET work_mem = '2MB'")
        #expect(client.end([Self.named("work_mem", "1MB", "session")]))
        #expect(client.settings.last == Self.setting("work_mem", "1MB"))
        // What is not set is none; only what is asked for changes.
        client.run("SET no_such = 1")
        #expect(client.end([Self.named("no_such", nil, nil)]))
        #expect(client.settings.count == 2)
        client.run("RESET ALL")
        #expect(
            client.end([
                Self.named("work_mem", "4MB", "default"), Self.named("app.x", "", nil),
            ])
        )
        #expect(client.settings == [])
    }

    @Test("setting back asks for what is set")
    func resets() {
        let client = Client()
        client.settings = [Self.setting("app.x", "a"), Self.setting("role", "b")]
        client.run("RESET app.y")
        #expect(client.end() == nil)
        client.run("RESET app.x")
        #expect(client.end()?.names == ["app.x"])
        client.run("RESET ALL")
        #expect(client.end()?.names == ["app.x", "role"])
        // It has been rolled back, and stays.
        #expect(client.end([Self.named("app.x", "a", nil), Self.named("role", "b", nil)]))
        #expect(client.settings.count == 2)
        client.run("SET ROLE none")
        #expect(client.end([Self.named("role", "none", nil)]))
        #expect(
            client.settings.last == Self.setting("role", "none"),
            "it may be another by default"
        )
        client.run("RESET ROLE")
        #expect(client.end([Self.named("role", "c", nil)]))
        #expect(client.settings.last == Self.setting("role", "c"))
        client.run("RESET ROLE")
        #expect(client.end([Self.named("role", "none", nil)]))
        #expect(client.settings == [Self.setting("app.x", "a")])
    }

    @Test("what may have been set back is known until the transaction's end has been asked about")
    func setBack() {
        let client = Client()
        client.run("RESET TimeZone")
        #expect(client.watch.mayReset("timezone") && !client.watch.mayReset("datestyle"))
        #expect(client.end() == nil && !client.watch.mayReset("timezone"))
        client.run("SET LOCAL DateStyle TO DEFAULT")
        #expect(!client.watch.mayReset("datestyle"))
        client.run("SET DateStyle TO DEFAULT")
        #expect(client.watch.mayReset("datestyle"))
        client.run("DISCARD ALL")
        #expect(client.watch.mayReset("timezone"))
    }

    @Test("the session's owner is nothing set if it is who logged in")
    func owner() {
        let client = Client()
        client.run("SET SESSION AUTHORIZATION b")
        #expect(
            client.end([
                Self.named("session_authorization", "b", nil), Self.named("role", "none", nil),
            ])
        )
        #expect(client.settings.map(\.name) == ["role", "session_authorization"])
        client.run("DISCARD ALL")
        #expect(
            client.end([
                Self.named("session_authorization", "app", nil), Self.named("role", "none", nil),
            ])
        )
        // A role of `none` was asked for once.
        #expect(client.settings.map(\.name) == ["role"])
    }

    @Test("names that are not seen are those that the server lists")
    func unseen() {
        let client = Client()
        client.settings = [Self.setting("app.x", "a"), Self.setting("work_mem", "1MB")]
        client.run("CALL f()")
        let question = client.end()
        #expect(question?.listsSettings == true && question?.kinds == .askable)
        #expect(question?.names == ["app.x", "work_mem"])
        #expect(
            client.end([
                Self.named("app.x", "b", nil), Self.named("work_mem", "4MB", "default"),
                ["l", "enable_sort", Self.hexadecimal("off"), nil],
                ["l", "timezone", Self.hexadecimal("UTC"), nil],
                ["l", "transaction_isolation", Self.hexadecimal("serializable"), nil],
            ])
        )
        #expect(
            client.settings == [Self.setting("app.x", "b"), Self.setting("enable_sort", "off")]
        )
        #expect(!client.watch.isPinned)
    }

    @Test("settings that nobody can list tie a client until DISCARD ALL")
    func hidden() {
        let client = Client()
        client.run("SELECT set_config($1, $2, false)")
        #expect(client.end([]))
        #expect(client.watch.held == .settings && client.watch.isRaised)
        client.run("RESET ALL")
        #expect(client.end() == nil)
        #expect(client.watch.held == .settings, "it may have been rolled back")
        client.run("DISCARD ALL")
        #expect(client.end() == nil && client.watch.held == .settings, "it was not run")
        client.run("DISCARD ALL")
        client.watch.discarded()
        #expect(client.end() == nil && client.watch.held == [])
    }

    @Test("what is held is what the server says, and asked again when it may be gone")
    func holdings() {
        for (kind, text) in [
            (SessionKinds.listens, "LISTEN a"), (.locks, "SELECT pg_advisory_lock(1)"),
            (.temporaries, "CREATE TEMP TABLE a ()"),
            (.cursors, "DECLARE a CURSOR WITH HOLD FOR SELECT 1"),
            (.statements, "PREPARE a AS SELECT 1"),
        ] {
            let client = Client()
            client.run(text)
            #expect(client.end()?.kinds == kind)
            #expect(client.end([]) && !client.watch.isPinned, "rolled back")
            client.run(text)
            #expect(client.end([Self.held(kind)]) && client.watch.held == kind)
            #expect(client.watch.isRaised && client.end() == nil, "nothing new to ask")
            #expect(client.watch.isRaised)
            client.run("CLOSE ALL")
            #expect(client.end()?.kinds == kind)
            #expect(client.end([Self.held(kind)]) && client.watch.isPinned)
            client.run("DISCARD ALL")
            #expect(client.end([]) && !client.watch.isPinned && !client.watch.isRaised)
        }
    }

    @Test("a library stays with its server, whatever is discarded")
    func library() {
        let client = Client()
        client.run("LOAD 'x'")
        #expect(client.watch.held == .libraries)
        #expect(client.end() == nil && client.watch.isRaised)
        client.run("DISCARD ALL")
        #expect(client.end() == nil && client.watch.held == .libraries)
    }

    @Test("an answer that is broken or missing ties the client, and is asked for again")
    func broken() {
        for isWhole in [true, false] {
            let client = Client()
            client.settings = [Self.setting("app.x", "a")]
            client.run("SET app.x = 'b'")
            #expect(!client.end(isWhole ? [["?", nil, nil, nil]] : [], isWhole: isWhole))
            #expect(client.watch.held == .unknown && client.watch.isRaised)
            #expect(client.settings == [Self.setting("app.x", "a")])
            #expect(client.end()?.kinds == .askable)
            #expect(client.end([Self.named("app.x", "b", nil)]))
            #expect(!client.watch.isRaised && client.settings == [Self.setting("app.x", "b")])
        }
    }

    @Test("rows that are none break the answer")
    func rows() {
        let whole = Self.row(["n", "a", "6162", nil])
        for length in 0..<whole.count {
            var answer = SessionAnswer()
            answer.received(whole.span, in: 0..<length)
            answer.received(Self.row(["z", nil, nil, nil]).span, in: 0..<19)
            #expect(!answer.isWhole, "\(length)")
        }
        for columns in [
            ["n", nil, nil, nil], ["n", "a", "6", nil], ["n", "a", "xy", nil],
            ["h", "x", nil, nil],
            ["h", nil, nil, nil], ["l", "a", nil, nil], ["l", nil, "61", nil], ["n", "a", "61"], [],
            [nil, nil, nil, nil],
        ] {
            #expect(!Self.answer([columns]).isWhole)
        }
        #expect(Self.answer([["n", "a", "6162", "session"]]).isWhole)
        #expect(!Self.answer([], isWhole: false).isWhole)
    }

    @Test("prepared texts are suspected when they run")
    func prepared() {
        let client = Client()
        client.watch.parsed(Self.scan("SELECT 1"))
        #expect(!client.watch.hasPrepared)
        client.watch.parsed(Self.scan("SET app.x = 'a'"))
        #expect(!client.watch.isRaised && client.watch.hasPrepared)
        client.watch.bound()
        #expect(client.watch.isRaised)
        #expect(client.end()?.names == ["app.x"])
        let other = Client()
        other.run("PREPARE a AS SELECT set_config('app.y', 'a', false)")
        #expect(other.end()?.names == [])
        other.run("EXECUTE a")
        #expect(other.end()?.names == ["app.y"])
    }

    @Test("a path that leads to the session's own schema is reason to ask every time")
    func path() {
        let client = Client()
        client.run("SET search_path = pg_temp, public")
        #expect(client.end([Self.named("search_path", "pg_temp, public", "session")]))
        #expect(!client.watch.isPinned && client.watch.isRaised)
        for rows in [[], [Self.held(.temporaries)], []] {
            #expect(client.end()?.kinds == .temporaries)
            #expect(client.end(rows) && client.watch.isPinned == !rows.isEmpty)
        }
        client.run("RESET search_path")
        #expect(client.end([Self.named("search_path", "public", "default")]))
        #expect(!client.watch.isRaised)
    }

    @Test("a question asks for what it should, and lifts the client's own limit")
    func questions() {
        var question = SessionQuestion()
        #expect(question.isEmpty)
        question.names = ["app.x"]
        question.kinds = [.locks]
        #expect(question.text.contains("('app.x')") && question.text.contains("pg_locks"))
        #expect(
            !question.text.contains("pg_listening_channels") && !question.text.contains("SET LOCAL")
        )
        #expect(question.text.hasSuffix("SELECT 'z',NULL,NULL,NULL"))
        question.names = ["statement_timeout", "a'b"]
        let text = question.text
        #expect(text.hasPrefix("SELECT 'n','statement_timeout'"))
        #expect(text.contains(";SET LOCAL statement_timeout = 0;"))
        #expect(!text.contains("a'b"))
        question = SessionQuestion()
        question.listsSettings = true
        #expect(question.text.contains("'session'") && question.text.contains("SET LOCAL"))
    }
}
