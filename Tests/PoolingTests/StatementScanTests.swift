import TestSupport
import Testing
import Wire

@testable import Pooling

/// What texts are suspected of.
struct StatementScanTests {
    private static func scan(_ text: String, isWhole: Bool = true) -> Suspicion {
        StatementScan.suspicion(of: Array(text.utf8), isWhole: isWhole)
    }

    @Test(
        "settings by their names",
        arguments: [
            ("SET work_mem = '1MB'", "work_mem"), ("set SESSION Work_Mem TO 1", "work_mem"),
            ("SET \"Work_Mem\" = 1", "work_mem"), ("SET app.tenant = 'a'", "app.tenant"),
            ("SET \"App\" . \"Tenant\" = 'a'", "app.tenant"), ("SET ROLE app", "role"),
            ("SET role = app", "role"), ("SET names = 1", "names"),
            ("SET NAMES 'x'", "client_encoding"),
            ("SET TIME ZONE 'UTC'", "timezone"), ("SET SCHEMA 'a'", "search_path"),
            ("SET XML OPTION DOCUMENT", "xmloption"),
            ("SET SESSION AUTHORIZATION app", "session_authorization role"),
            ("SET SESSION SESSION AUTHORIZATION app", "session"),
            (
                "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
                "default_transaction_isolation default_transaction_read_only "
                    + "default_transaction_deferrable"
            ),
            ("SELECT set_config('A.b', 'c', false)", "a.b"),
            ("SELECT set_config('a.b'::text, $1, false)", "a.b"),
            ("SELECT \"set_config\" ( 'a.b' , f(1,2) , 'f' )", "a.b"),
            ("SELECT pg_catalog.set_config('a.b', 'c', $1)", "a.b"),
            ("SELECT set_config('role', 'c', false)", "role"),
            ("SELECT 1; SET x = 1; SET y = 2", "x y"), ("/* a */ SET -- b\n x = 1", "x"),
            ("DO 'BEGIN SET x = 1; END'", "x"),
        ]
    )
    func settings(text: String, names: String) {
        let suspicion = Self.scan(text)
        #expect(suspicion.sets.joined(separator: " ") == names)
        #expect(!suspicion.hidesNames)
    }

    @Test(
        "what lasts as long as its transaction, or as nothing at all, leaves nothing behind",
        arguments: [
            "SET LOCAL x = 1", "SET LOCAL ROLE a", "SET LOCAL SESSION AUTHORIZATION a",
            "SET TRANSACTION READ ONLY", "SET CONSTRAINTS ALL DEFERRED", "SET SEED TO 0.5",
            "SET transaction_isolation = 'serializable'", "SET LOCAL TIME ZONE 'UTC'",
            "SELECT set_config('a.b', $1, true)", "SELECT set_config($1, 'c', true)",
            "SELECT set_config('search_path', 'a, b', true)", "SET LOCAL search_path = 'a', b",
            "SELECT set_config('a.b', 'c', 't'::boolean)", "SELECT pg_advisory_xact_lock(1)",
            "SELECT pg_try_advisory_xact_lock_shared(1)", "PREPARE TRANSACTION 'a'",
            "DECLARE c CURSOR FOR SELECT 1", "DISCARD PLANS", "DISCARD SEQUENCES",
            "INSERT INTO temp VALUES (1)", "SELECT temp FROM weather", "SELECT set_config FROM t",
            "CREATE TABLE temp (n int)",
            "CREATE FUNCTION f() RETURNS int AS 'SELECT set_config(1)'",
            "DO $$ BEGIN PERFORM f(); RAISE NOTICE 'a;b'; END $$", "NOTIFY a", "SELECT 'SET x = 1'",
            "SELECT $a$; SET x = 1;$a$", "SELECT \"; SET x = 1\"", "-- SET x = 1\nSELECT 1",
            "EXPLAIN SELECT 1", "GRANT EXECUTE ON FUNCTION f() TO a", "ALTER ROLE a SET x = 1",
            "SELECT E'\\'; SET x = 1'",
        ]
    )
    func nothing(text: String) {
        var suspicion = Self.scan(text)
        // Statements of the same transaction may mean something else.
        suspicion.changesParsing = false
        #expect(suspicion.isNone)
    }

    @Test(
        "a path that the text does not show may be that of temporary tables",
        arguments: [
            "SELECT set_config($1, $2, true)", "SELECT set_config('search_path', $1, true)",
            "SELECT set_config('search_path', 'pg' || '_temp', false)",
            "SELECT set_config('search_path', E'pg_t\\x65mp', true)",
            "SET LOCAL search_path = E'pg_t\\x65mp'",
            "SELECT set_config('Search_Path'::text, current_user, true)",
        ]
    )
    func hiddenPath(text: String) {
        let suspicion = Self.scan(text)
        #expect(suspicion.kinds == .temporaries && suspicion.certain.isEmpty)
    }

    @Test(
        "where a transaction may end",
        arguments: [
            ("ROLLBACK TO a", true), (" /* c */ rollback", true), ("COMMIT", true), ("END", true),
            ("abort", true), ("PREPARE TRANSACTION 'a'", true), ("SAVEPOINT a", false),
            ("SELECT 'rollback'", false), ("", false), ("rollbacks", false),
        ]
    )
    func end(text: String, ends: Bool) {
        #expect(StatementScan.endsTransaction(Array(text.utf8)) == ends)
    }

    @Test(
        "what ties a client to its server",
        arguments: [
            ("LISTEN a", SessionKinds.listens), ("listen \"A\"", .listens),
            ("SELECT pg_advisory_lock(1)", .locks),
            ("SELECT pg_try_advisory_lock_shared(1)", .locks),
            ("CREATE TEMP TABLE a (n int)", .temporaries),
            ("CREATE OR REPLACE TEMPORARY VIEW a AS SELECT 1", .temporaries),
            ("CREATE LOCAL TEMP TABLE a ()", .temporaries),
            ("CREATE TABLE pg_temp.a ()", .temporaries),
            ("CREATE TABLE \"pg_temp\".a ()", .temporaries),
            ("SELECT 1 AS n INTO TEMP a", .temporaries),
            ("SELECT 1 AS n INTO pg_temp.a", .temporaries),
            ("EXPLAIN ANALYZE CREATE TEMP TABLE a AS SELECT 1", .temporaries),
            ("DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1", .cursors),
            ("PREPARE a AS SELECT 1", .statements),
            ("PREPARE transaction AS SELECT 1", .statements),
            ("LOAD 'auto_explain'", .libraries), ("SELECT 1; LISTEN a", .listens),
        ]
    )
    func pins(text: String, kinds: SessionKinds) {
        let suspicion = Self.scan(text)
        #expect(suspicion.kinds == kinds)
        #expect(suspicion.certain == kinds)
    }

    @Test(
        "what may tie it is asked, and not taken for certain",
        arguments: [
            ("SELECT * FROM pg_temp.a", SessionKinds.temporaries),
            ("CREATE TEMP TABLE a (n int) ON COMMIT DROP", .temporaries),
            ("SET LOCAL search_path = pg_temp", .temporaries),
            ("SET LOCAL search_path = 'pg_temp, public'", .temporaries),
            ("SELECT * FROM pg_proc WHERE proname = 'pg_advisory_lock'", .locks),
        ]
    )
    func doubts(text: String, kinds: SessionKinds) {
        let suspicion = Self.scan(text)
        #expect(suspicion.kinds == kinds)
        #expect(suspicion.certain.isEmpty)
    }

    @Test(
        "what cannot be seen may be anything",
        arguments: [
            "CALL f()", "DO LANGUAGE plpgsql $$ BEGIN EXECUTE 'x'; END $$",
            "SELECT '\\'; SET x = 1; --'", "SELECT 'open", "SELECT \"open", "SELECT $a$ open",
            "SELECT 1 /* open", "SELECT U&\"a\"(1)", "\"a\" b", "SET", "RESET", "1", "'a' b",
            "SELECT E'a' \n 'b\\'; SET x = 1; --'", "SET U&\"a\" = 1",
            "DO E'BEGIN\\nSET x = 1; END'",
        ]
    )
    func everything(text: String) {
        let suspicion = Self.scan(text)
        #expect(suspicion.setsUnseen && suspicion.kinds == .askable && suspicion.changesParsing)
    }

    @Test("a command that is not known may be anything but a change of meaning")
    func unknownCommands() {
        let suspicion = Self.scan("FROB x")
        #expect(suspicion.setsUnseen && suspicion.kinds == .askable && !suspicion.changesParsing)
    }

    @Test("a text of which a part is not seen may be anything, and what is seen counts")
    func cut() {
        let suspicion = Self.scan("SET x = 1; SELECT", isWhole: false)
        #expect(suspicion.setsUnseen && suspicion.kinds == .askable)
        #expect(suspicion.sets == ["x"])
    }

    @Test(
        "names that nobody can see",
        arguments: [
            "SELECT set_config($1, $2, false)", "SELECT set_config('a' || 'b', 'c', false)",
            "SELECT set_config(U&'a', 'c', false)", "SELECT set_config(E'a\\142', 'c', false)",
            "SELECT set_config(n, v, $1) FROM t", "DO $$ BEGIN EXECUTE 'SET ' || x; END $$",
            "SELECT set_config(setting_name => 'a.b', 'c', false)",
            "SELECT set_config('a' 'b', 'c', false)",
        ]
    )
    func hidden(text: String) {
        let suspicion = Self.scan(text)
        #expect(suspicion.hidesNames && suspicion.setsUnseen)
    }

    @Test("setting back")
    func resets() {
        #expect(Self.scan("RESET x").resets == ["x"])
        #expect(Self.scan("RESET ROLE").resets == ["role"])
        #expect(Self.scan("SET x TO DEFAULT").resets == ["x"])
        #expect(
            Self.scan("RESET SESSION AUTHORIZATION").resets == ["session_authorization", "role"]
        )
        #expect(Self.scan("RESET TIME ZONE").resets == ["timezone"])
        #expect(Self.scan("RESET ALL").resetsAll)
        #expect(Self.scan("RESET ALL").resets.isEmpty)
        #expect(Self.scan("DISCARD ALL").resetsAll)
        #expect(Self.scan("DISCARD ALL").resets == ["session_authorization", "role"])
        #expect(Self.scan("RESET ROLE").onlySets && Self.scan("RESET ALL;").onlySets)
        #expect(!Self.scan("RESET ROLE; SELECT 1").onlySets)
        #expect(!Self.scan("SELECT 1; RESET ROLE").onlySets)
        #expect(!Self.scan("SELECT set_config('role', 'x', false)").onlySets)
    }

    @Test("drivers' clean-up raises nothing that must be asked of a client with nothing")
    func cleanUp() {
        let text = "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;"
        let suspicion = Self.scan(text)
        #expect(suspicion.kinds.isEmpty && suspicion.releases && suspicion.resetsAll)
        #expect(!suspicion.setsAny)
    }

    @Test("a name with escapes is suspicious as what it can be where it stands")
    func obscureNames() {
        let dropped = Self.scan("DEALLOCATE U&\"\\0073\"")
        #expect(dropped.releases && !dropped.setsUnseen && !dropped.hidesNames)
        #expect(dropped.kinds == .temporaries && dropped.certain.isEmpty)
        #expect(Self.scan("SELECT U&\"a\" (1)").hidesNames)
        #expect(Self.scan("SET U&\"a\" = 1").hidesNames)
        #expect(!Self.scan("SELECT 1 AS U&\"a\"").hidesNames)
    }

    @Test("many names are asked for as all")
    func many() {
        let text = (0..<12).map { "SET a\($0) = 1" }.joined(separator: ";")
        let suspicion = Self.scan(text)
        #expect(suspicion.sets.count == Suspicion.namesMax && suspicion.setsUnseen)
        #expect(!suspicion.hidesNames)
        let custom = (0..<12).map { "SET a.b\($0) = 1" }.joined(separator: ";")
        #expect(Self.scan(custom).hidesNames)
    }

    @Test("what is prepared is suspected when it runs")
    func prepared() {
        let suspicion = Self.scan("PREPARE a AS SELECT set_config('x.y', $1, false)")
        #expect(suspicion.sets.isEmpty)
        #expect(suspicion.prepares.first?.sets == ["x.y"])
        #expect(Self.scan("EXECUTE a").executes)
        #expect(Self.scan("CREATE TABLE b AS EXECUTE a").executes)
        #expect(Self.scan("EXPLAIN ANALYZE EXECUTE a").executes)
    }

    @Test("parsing depends on settings but for those that are known not to matter")
    func parsing() {
        #expect(Self.scan("SET LOCAL search_path = a").changesParsing)
        #expect(Self.scan("SET DateStyle = german").changesParsing)
        #expect(Self.scan("SET ROLE a").changesParsing)
        #expect(!Self.scan("SET statement_timeout = 1").changesParsing)
        #expect(!Self.scan("SET app.tenant = 1").changesParsing)
        #expect(!Self.scan("SELECT set_config('app.tenant', 'a', true)").changesParsing)
        #expect(Self.scan("SELECT set_config($1, 'a', true)").changesParsing)
    }

    /// Pieces of SQL, and of what looks like it.
    private static let pieces = [
        "SELECT", "select ", " ", "\n", ";", "'", "''", "\"", "$$", "$a$", "/*", "*/", "--", "\\",
        "set_config", "('a.b','c',false)", "(", ")", "pg_advisory_lock(1)", "temp", "TEMPORARY",
        "pg_temp", ".x", " INTO ", "SET x = 1", "LISTEN a", "U&\"", "E'", "U&'", "1", "é", "_", "a",
        "BEGIN", "COMMIT", "CREATE ", "WITH", "UPDATE t ", "employee", "conf", "&", "PREPARE a AS ",
    ]

    @Test("what the quick look calls harmless, the closer look does, too")
    func agreement() {
        var random = SeededRandom(seed: 4)
        var harmless = 0
        for _ in 0..<20_000 {
            let count = 1 + random.below(8)
            let text = (0..<count).map { _ in Self.pieces[random.below(Self.pieces.count)] }
                .joined()
            let bytes = Array(text.utf8)
            guard TextMarks.isHarmless(bytes.span, in: 0..<bytes.count) else { continue }
            harmless += 1
            let (_, isAmbiguous) = TokenReader.tokens(of: bytes)
            // A text that could end elsewhere holds no second statement, or it had a semicolon.
            if isAmbiguous { continue }
            #expect(Self.scan(text).isNone, "\(text)")
        }
        #expect(harmless > 500)
    }
}
