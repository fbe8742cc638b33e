import Testing

@testable import Settings

struct SettingsFileTests {
    private func read(
        _ text: String,
        _ include: (String) throws(IncludeFailure) -> String = Settings.noIncludes
    ) -> SettingsFile {
        SettingsFile(text: text, name: "a.ini", include: include)
    }

    @Test func `only whole lines are comments`() {
        let file = self.read(
            """
            ; one
              # two
            [weir]
            server_reset_query = DISCARD ALL; -- # three

            """
        )
        #expect(file.errors.isEmpty)
        #expect(file.entries.map(\.value) == ["DISCARD ALL; -- # three"])
        #expect(file.entries.map(\.origin) == [.file("a.ini", line: 4)])
    }

    @Test func `keys in single quotes may hold anything`() {
        let file = self.read("[databases]\n'my ''db'' =x' = host=a\n'' = \na.b-c_* =")
        #expect(file.errors.map(\.origin) == [.file("a.ini", line: 3)])
        #expect(file.entries.map(\.key) == ["my 'db' =x", "a.b-c_*"])
        #expect(file.entries.map(\.value) == ["host=a", ""])
    }

    @Test func `line ends of Windows and a byte order mark do no harm`() {
        let file = self.read("\u{FEFF}[weir]\r\nuser = bob\r\n")
        #expect(file.errors.isEmpty)
        #expect(file.entries.map(\.value) == ["bob"])
    }

    @Test func `both names of the main section are one section`() {
        let file = self.read("[pgbouncer]\na=1\n[weir]\nb=2\n[peers]\n[users]\nc=\n[databases]\nd=")
        #expect(file.entries.map(\.section) == [.global, .global, .users, .databases])
    }

    @Test(arguments: [
        ("[weir", "a.ini:1: expected [section] on a line of its own"),
        (
            "[nonsense]\nkey = 1\n",
            "a.ini:1: unknown section [nonsense]: expected [weir] (or [pgbouncer]), [databases], "
                + "[users] or [peers]"
        ),
        ("a = 1", "a.ini:1: a stands before any section: expected [weir] first"),
        (
            "[weir]\nlisten port = 1",
            "a.ini:2: expected key = value; a key with characters other than A-Z a-z 0-9 _ . * - "
                + "stands in single quotes"
        ),
        (
            "[databases]\n\"db\" = host=a",
            "a.ini:2: expected key = value; a key with characters other than A-Z a-z 0-9 _ . * - "
                + "stands in single quotes (in single quotes, not double)"
        ),
        ("[databases]\n'db = host=a", "a.ini:2: the quoted key has no closing '"),
        ("[weir]\na = \0", "a.ini:2: the line holds a zero byte"),
        ("%includes x", "a.ini:1: expected %include PATH"),
        ("%include", "a.ini:1: expected %include PATH"),
        ("%include x", "a.ini:1: %include x: files cannot be included here"),
    ])
    func `a line that cannot be read says where and why`(text: String, message: String) {
        #expect(self.read(text).errors.map(\.description) == [message])
    }

    @Test func `an included file continues the section and may change it`() {
        let file = self.read("[weir]\n%include  b.ini \nc = 3") { path throws(IncludeFailure) in
            #expect(path == "b.ini")
            return "a = 1\n[users]\nb = 2"
        }
        #expect(file.errors.isEmpty)
        #expect(file.entries.map(\.key) == ["a", "b", "c"])
        #expect(file.entries.map(\.section) == [.global, .users, .users])
        #expect(file.entries.map(\.origin.description) == ["b.ini:1", "b.ini:3", "a.ini:3"])
    }

    @Test func `a file that includes itself comes to an end`() {
        var calls = 0
        let once = self.read("%include a.ini") { _ throws(IncludeFailure) in
            calls += 1
            return "%include a.ini"
        }
        #expect(calls == 10)
        #expect(
            once.errors.map(\.description) == [
                "a.ini:1: %include a.ini: nested more than 10 deep"
            ]
        )
        calls = 0
        _ = self.read("%include a.ini") { _ throws(IncludeFailure) in
            calls += 1
            return "%include a.ini\n%include a.ini\n%include a.ini"
        }
        #expect(calls == 1_000)
    }
}
