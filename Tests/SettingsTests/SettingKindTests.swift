import Testing

@testable import Settings

struct SettingKindTests {
    @Test(arguments: [
        ("0", 0), ("42", 42), ("-7", -7), ("+7", 7), ("0x1F", 31), ("0XfF", 255), ("0777", 511),
        ("00", 0), ("-0x10", -16), ("-010", -8),
    ])
    func `whole numbers read as C reads them with base 0`(text: String, number: Int) {
        #expect(IntegerText.value(of: text) == number)
    }

    @Test(arguments: [
        "", "-", "+", "--1", "+-1", "0x", "0x-5", "-0x-5", "08", "0-7", "1.0", "1e3", "12a", " 1",
        "99999999999999999999",
    ])
    func `what is no whole number is refused`(text: String) {
        #expect(IntegerText.value(of: text) == nil)
    }

    @Test(arguments: [
        ("1", true), ("0", false), ("2", true), ("0x0", false), ("on", true), ("OFF", false),
        ("True", true), ("false", false), ("yes", true), ("No", false),
    ])
    func `switches are numbers or words`(text: String, value: Bool) throws {
        let settings = try load("[weir]\nlog_stats = \(text)")
        #expect(settings.global.logStats == value)
    }

    @Test func `lists split at commas and blanks`() throws {
        let settings = try load("[weir]\nadmin_users = ann, bob,carl  dora ,")
        #expect(settings.global.adminUsers == ["ann", "bob", "carl", "dora"])
    }

    @Test func `names are read in any case`() throws {
        let settings = try load("[weir]\npool_mode = Transaction\nauth_type = SCRAM-SHA-256")
        #expect(settings.global.poolMode == .transaction)
        #expect(settings.global.authType == .scramSHA256)
    }

    @Test func `the mode of the socket is octal and prints so`() throws {
        let settings = try load("[weir]\nunix_socket_mode = 0770")
        #expect(settings.global.unixSocketMode == 0o770)
        #expect(
            settings.configRows().first { $0.key == "unix_socket_mode" }
                == ConfigRow(
                    key: "unix_socket_mode",
                    value: "0770",
                    default: "0777",
                    changeable: false
                )
        )
        #expect(
            mistakes(in: "[weir]\nunix_socket_mode = 777") == [
                "weir.ini:2: unix_socket_mode = \"777\": expected an octal mode with its leading "
                    + "zero, such as 0770"
            ]
        )
    }

    @Test(arguments: [
        ("0", SlowQueryThreshold.atLeast(.zero)), ("-1", .off), ("off", .off),
        ("250ms", .atLeast(.milliseconds(250))),
    ])
    func `the slow query threshold may be off`(text: String, value: SlowQueryThreshold) throws {
        let settings = try load("[weir]\nslow_query_threshold = \(text)")
        #expect(settings.global.slowQueryThreshold == value)
        #expect(SlowQueryThreshold(parsing: value.description) == value)
        #expect(SlowQueryThreshold(parsing: "-2") == nil)
    }

    @Test func `a password does not show itself`() {
        let password = RedactedText("hunter2")
        #expect("\(password)" == "********")
        #expect(String(reflecting: password) == "********")
        #expect(Mirror(reflecting: password).children.isEmpty)
        #expect(password.exposed == "hunter2")
        var database = DatabaseSettings(name: "app")
        database.password = password
        #expect(!"\(database)".contains("hunter2"))
        #expect(!String(reflecting: database).contains("hunter2"))
        var dumped = ""
        dump(database, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }
}
