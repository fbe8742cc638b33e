import Testing

@testable import Pooling

/// What clients have set, and the way from one to another.
struct WishesTests {
    /// The table, held so that expectations can change it.
    private final class Table {
        var wishes = Wishes()

        func hold(_ settings: [SettingValue]) -> Wishes.Combination { self.wishes.hold(settings) }
    }

    private static func setting(_ name: String, _ value: String) -> SettingValue {
        SettingValue(name: name, value: Array(value.utf8))
    }

    @Test("combinations are counted and forgotten")
    func counting() {
        let table = Table()
        let a = Self.setting("a.x", "1")
        let b = Self.setting("b.x", "2")
        #expect(table.hold([]) == .none)
        let first = table.hold([a, b])
        let second = table.hold([b, a])
        #expect(first == second && first != .none && table.wishes.count == 1)
        #expect(table.hold([a]) != first)
        table.wishes.retain(first)
        for _ in 0..<2 { table.wishes.release(first) }
        #expect(table.wishes.settings(of: first) == [a, b])
        table.wishes.release(first)
        #expect(table.wishes.count == 1)
        let third = table.hold([b])
        #expect(table.wishes.settings(of: third) == [b])
        table.wishes.release(.none)
        #expect(table.hold([Self.setting("b.x", "1"), b]) == third, "the later value counts")
    }

    @Test("from one combination to another")
    func difference() {
        var wishes = Wishes()
        let one = wishes.hold([Self.setting("work_mem", "1MB"), Self.setting("app.x", "it's")])
        let two = wishes.hold([Self.setting("work_mem", "2MB")])
        let role = wishes.hold([Self.setting("role", "a"), Self.setting("work_mem", "1MB")])
        let owner = wishes.hold([
            Self.setting("role", "a"), Self.setting("session_authorization", "b"),
        ])
        let limit = wishes.hold([Self.setting("statement_timeout", "1ms")])
        #expect(wishes.statements(from: one, to: one) == nil)
        #expect(wishes.statements(from: .none, to: .none) == nil)
        #expect(wishes.statements(from: .none, to: .none, with: ["f()"]) == "SELECT f()")
        #expect(
            wishes.statements(from: one, to: two)
                == "SELECT pg_catalog.set_config('app.x',NULL,false),"
                + "pg_catalog.set_config('work_mem','2MB',false)"
        )
        #expect(
            wishes.statements(from: .none, to: one, with: ["f()"])
                == "SELECT f(),pg_catalog.set_config('app.x',pg_catalog.convert_from("
                + "pg_catalog.decode('69742773','hex'),pg_catalog.getdatabaseencoding()),false),"
                + "pg_catalog.set_config('work_mem','1MB',false)"
        )
        // The role goes before anything else is set, and comes when all is.
        #expect(
            wishes.statements(from: role, to: role, with: ["f()"])
                == "RESET ROLE;SELECT f(),pg_catalog.set_config('role','a',false)"
        )
        #expect(
            wishes.statements(from: owner, to: .none) == "RESET SESSION AUTHORIZATION;RESET ROLE"
        )
        #expect(
            wishes.statements(from: .none, to: owner)
                == "SELECT pg_catalog.set_config('session_authorization','b',false),"
                + "pg_catalog.set_config('role','a',false)"
        )
        #expect(
            wishes.statements(from: limit, to: .none)
                == "SET LOCAL statement_timeout = 0;"
                + "SELECT pg_catalog.set_config('statement_timeout',NULL,false)"
        )
    }

    @Test("no value or name gets out of its literal")
    func literals() {
        let hostile = ["', false); DROP TABLE a; --", "\\", "\u{0}", "é", "\n", "a'b"]
        for text in hostile {
            let value = Self.setting("x", text).literal
            #expect(value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") })
            #expect(!value.contains("DROP") && SettingValue.literal(text) == value)
        }
        #expect(Self.setting("x", "\"$user\", public").literal == "'\"$user\", public'")
        #expect(SettingValue(name: "x", value: [0xff, 0x01]).literal.contains("'ff01'"))
    }

    @Test("contents are equal exactly if what parsing depends on is")
    func parsing() {
        var wishes = Wishes()
        let path = Self.setting("search_path", "a")
        let harmless = [Self.setting("app.x", "1"), Self.setting("statement_timeout", "1")]
        let contents = [
            [], harmless, [path], [path] + harmless, [Self.setting("search_path", "b")],
            [Self.setting("role", "a")], [Self.setting("role", "a"), path],
            [Self.setting("search_path", "")],
        ].map { settings in
            let held = wishes.hold(settings)
            return wishes.parsing(of: held)
        }
        #expect(contents[0].isEmpty && contents[1].isEmpty)
        #expect(contents[2] == contents[3])
        #expect(Set(contents).count == 6)
    }
}
