import Auth
import Testing

/// PgBouncer's `auth_file`.
struct UserListTests {
    private func error(_ text: String) -> UserListError? {
        do throws(UserListError) {
            _ = try UserList(parsing: text, file: "users.txt")
            return nil
        } catch {
            return error
        }
    }

    @Test func `a list as PgBouncer reads it`() throws {
        let text = """
            ; a comment "with" "quotes"
            "alice" "secret"

            \t "bob" \t "md59dbb4524dc31dce32264dafd23c0e6a7" anything "else"
            "we""ird" "pass""word"
            "trusted" ""
            "sp ace" "a b;c"
            """
        let list = try UserList(parsing: text, file: "users.txt")
        #expect(list.users == ["alice", "bob", "we\"ird", "trusted", "sp ace"])
        #expect(list.secret(of: "alice") == .plain("secret"))
        #expect(list.secret(of: "bob") == .md5(digest: "9dbb4524dc31dce32264dafd23c0e6a7"))
        #expect(list.secret(of: "we\"ird") == .plain("pass\"word"))
        #expect(list.secret(of: "trusted") == .plain(""))
        #expect(list.secret(of: "sp ace") == .plain("a b;c"))
        #expect(list.secret(of: "ALICE") == nil)
        #expect(list.derives(under: .scramSHA256) && !list.derives(under: .plain))
    }

    @Test func `an empty file, blank lines and Windows line ends are fine`() throws {
        #expect(try UserList(parsing: "", file: "f").users.isEmpty)
        #expect(try UserList(parsing: "\n \n\t\n;\n", file: "f").users.isEmpty)
        let list = try UserList(parsing: "\"a\" \"b\"\r\n\r\n\"c\" \"d\"\r\n", file: "f")
        #expect(list.users == ["a", "c"])
        #expect(list.secret(of: "a") == .plain("b"))
    }

    @Test func `of two lines for one user the later one counts`() throws {
        let list = try UserList(parsing: "\"a\" \"1\"\n\"b\" \"2\"\n\"a\" \"3\"", file: "f")
        #expect(list.users == ["a", "b"])
        #expect(list.secret(of: "a") == .plain("3"))
    }

    @Test func `names are compared by bytes`() throws {
        let list = try UserList(parsing: "\"\u{E9}\" \"1\"", file: "f")
        #expect(list.secret(of: "\u{E9}") == .plain("1"))
        #expect(list.secret(of: "e\u{301}") == nil)
    }

    @Test(arguments: [
        ("alice \"x\"", "a user name in double quotes"),
        ("# comment", "a user name in double quotes"),
        ("\"alice", "a double quote at the end of a user name"),
        ("\"alice\"", "a space between user name and secret"),
        ("\"alice\" ", "a secret in double quotes"),
        ("\"alice\" secret", "a secret in double quotes"),
        ("\"alice\" \"secret", "a double quote at the end of a secret"),
        ("\"alice\" \"se\"\"", "a double quote at the end of a secret"),
        ("\"\" \"x\"", "a user name of 1 to 127 bytes"),
        ("\"a\0\" \"x\"", "a line without zero bytes"),
    ])
    func `a malformed line is an error with file, line and expectation`(
        line: String,
        expected: String
    ) throws {
        let error = try #require(self.error("\"ok\" \"ok\"\n;\n\(line)\n\"later\" \"x\"\n"))
        #expect(error.file == "users.txt" && error.line == 3 && error.expected == expected)
        #expect(error.description == "users.txt:3: expected \(expected)")
    }

    @Test func `lengths have bounds`() {
        let name = String(repeating: "n", count: AuthLimits.userNameLength)
        #expect(self.error("\"\(name)\" \"x\"") == nil)
        #expect(self.error("\"\(name)n\" \"x\"")?.line == 1)
        let secret = String(repeating: "s", count: AuthLimits.passwordLength)
        #expect(self.error("\"a\" \"\(secret)\"") == nil)
        #expect(self.error("\"a\" \"\(secret)s\"")?.line == 1)
    }

    @Test func `a broken SCRAM secret is an error that does not quote it`() throws {
        let error = try #require(self.error("\"a\" \"SCRAM-SHA-256$1:hunter2\""))
        #expect(error.line == 1)
        #expect(!error.description.contains("hunter2"))
    }
}
