import Testing

@testable import Wire

/// Which texts need no closer look.
struct TextMarksTests {
    private static func isHarmless(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return TextMarks.isHarmless(bytes.span, in: 0..<bytes.count)
    }

    @Test(
        "what most statements look like is harmless",
        arguments: [
            "", " ", ";", "SELECT 1", "select 1;", "  \n\tSeLeCt 1 ; \n", "SELECT",
            "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;",
            "UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = 1;",
            "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
            "BEGIN", "COMMIT;", "ROLLBACK TO SAVEPOINT a", "(SELECT 1) UNION (SELECT 2)",
            "SELECT current_timestamp, template, employee, temperature FROM emptyish",
            "SELECT * FROM information_schema.tables WHERE conf = 'confirmed'",
            "/* a comment in front */ SELECT 1", "/*app:x*/SELECT 1",
            "COPY t FROM STDIN", "WITH a AS (SELECT 1) SELECT * FROM a",
            "SELECT a & b, a && b FROM t", "INSERT INTO t VALUES ('a;b', 'it''s; me', \"c;d\")",
            "SELECT 1 - 2 / 3, $1, ';--/*&\"$$' AS \"';\"", "SELECT 'Müller' AS \"größe\"",
        ]
    )
    func harmless(text: String) {
        #expect(Self.isHarmless(text))
    }

    @Test(
        "what may leave something behind is looked at",
        arguments: [
            "SET x = 1", "set local x = 1", "RESET ALL", "DISCARD ALL", "LISTEN a", "UNLISTEN *",
            "PREPARE a AS SELECT 1", "EXECUTE a", "DEALLOCATE a", "DECLARE c CURSOR FOR SELECT 1",
            "CLOSE a", "LOAD 'a'", "DO $$ $$", "CALL a()", "CREATE TABLE a ()", "DROP TABLE a",
            "SELECT 1; SET x = 1", "SELECT 1;;SET x = 1;", ";SET x = 1",
            "SELECT 'a\\'; SET x = 1; --'",
            "SELECT $$'$$; SET x = 1; --'", "SELECT 1 --'\n; SET x = 1 --'",
            "SELECT 1 /*'*/; SET x = 1 --'", "SELECT ';", "SELECT \";", "SELECT 'a'';b'; SET x = 1",
            "SELECT a$b; SET x = 1", "SELECT $a$;$a$",
            "SELECT set_config('a.b', 'c', false)", "SELECT SET_CONFIG ('a.b', 'c', false)",
            "SELECT pg_advisory_lock(1)", "select PG_TRY_ADVISORY_LOCK(1)",
            "SELECT * INTO TEMP a FROM b", "SELECT * INTO TEMPORARY a FROM b",
            "SELECT * FROM pg_temp.a", "SELECT * FROM pg_temp_3.a", "SELECT temp", "TABLE temp",
            "SELECT U&\"s\\0065t_config\"('a.b', 'c', false)",
            "-- c\nSELECT 1", "/* /* */ SELECT 1", "/* open", "/SELECT 1", "SETTING", "selectx",
            "SELECT\u{e9}", "select_1", "beginx", "COMMIT2", "x", "é", "\u{0b}SELECT 1",
            "explain analyze execute a", "selectselectselect", "\"SELECT\"", "'a'", "1",
        ]
    )
    func suspicious(text: String) {
        #expect(!Self.isHarmless(text))
    }

    @Test("a mark is found wherever it stands")
    func places() {
        let marks = [
            "set_config(", "pg_advisory_lock(", "pg_temp.a", " temp ", " temporary ", ";set x=1",
            "u&\"a\"", ";a", ";",
        ]
        for mark in marks {
            for before in 0..<70 {
                for after in 0..<40 where mark != ";" || after > 0 {
                    let filling = String(repeating: "x", count: before)
                    let rest = String(repeating: "y", count: after)
                    let isWord = mark.hasPrefix(" ")
                    let text = "SELECT \(filling)\(isWord ? "" : "_")\(mark)\(rest)"
                    #expect(!Self.isHarmless(text), "\(text)")
                }
            }
        }
    }

    private static func isHarmless(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        TextMarks.isHarmless(bytes.span, in: range)
    }

    @Test("a range in the middle of other bytes is all that is looked at")
    func ranges() {
        let text = Array("; SELECT abalance FROM pgbench_accounts ; SET".utf8)
        for end in 2...41 {
            let copy = Array(text[2..<end])
            let isHarmless = Self.isHarmless(text, 2..<end)
            #expect(isHarmless == Self.isHarmless(copy, 0..<copy.count))
        }
        #expect(Self.isHarmless(text, 2..<41))
    }

    @Test("every harmless command's number is its first word")
    func commands() {
        for command in HarmlessCommand.allCases {
            let word = "\(command)".utf8.reduce(UInt64(0)) {
                HarmlessCommand.appending($1, to: $0)
            }
            #expect(command.rawValue == word)
            #expect("\(command)".utf8.count < HarmlessCommand.lengthMax)
            #expect(Self.isHarmless("\(command) a"))
            #expect(Self.isHarmless("\(command)".uppercased()))
            #expect(!Self.isHarmless("\(command)a b"))
        }
    }
}
