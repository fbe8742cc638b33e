import Testing

@testable import Settings

struct BudgetSizeTests {
    private static let usual = ServerCapacity(
        maxConnections: 100,
        superuserReserved: 3,
        reserved: 0
    )

    private func slots(
        _ text: String,
        reserve: Int = 0,
        of capacity: ServerCapacity? = Self.usual
    ) throws -> Int? {
        let settings = try load("[servers]\nmain = host=h budget=\(text) reserve=\(reserve)")
        return settings.server(host: "h", port: 5_432).slots(of: capacity)
    }

    @Test func `a number is a number, whatever the server takes`() throws {
        #expect(try self.slots("40", of: nil) == 40)
        #expect(try self.slots("40", reserve: 5, of: nil) == 35)
        #expect(try self.slots("4000") == 4_000)
        #expect(try load("").server(host: "h", port: 5_432).slots(of: nil) == 0)
        #expect(try load("").server(host: "h", port: 5_432).slots(of: Self.usual) == 0)
    }

    @Test func `a part and what is left are known when the server is`() throws {
        #expect(try self.slots("80%", of: nil) == nil)
        #expect(try self.slots("auto", of: nil) == nil)
        #expect(try self.slots("80%") == 80)
        #expect(try self.slots("80%", reserve: 10) == 70)
        // Rounded down.
        #expect(
            try self.slots(
                "33%",
                of: ServerCapacity(maxConnections: 50, superuserReserved: 3, reserved: 0)
            ) == 16
        )
    }

    @Test func `a part is never more than what the server leaves`() throws {
        #expect(try self.slots("100%") == 97)
        #expect(try self.slots("98%", reserve: 7) == 90)
        let reserving = ServerCapacity(maxConnections: 100, superuserReserved: 3, reserved: 20)
        #expect(try self.slots("100%", of: reserving) == 77)
    }

    @Test func `auto leaves a tenth to others, and at least three connections`() throws {
        #expect(try self.slots("auto") == 87)
        #expect(try self.slots("auto", reserve: 7) == 80)
        let small = ServerCapacity(maxConnections: 20, superuserReserved: 3, reserved: 0)
        #expect(try self.slots("auto", of: small) == 14)
    }

    @Test func `there is always one connection: none would mean no limit`() throws {
        let tiny = ServerCapacity(maxConnections: 4, superuserReserved: 3, reserved: 0)
        #expect(try self.slots("auto", of: tiny) == 1)
        #expect(try self.slots("1%", of: tiny) == 1)
        #expect(try self.slots("80%", reserve: 90) == 1)
    }

    private func main(_ entry: String, _ databases: String = "") throws -> (Settings, ServerBudget)
    {
        let settings = try load(
            "[servers]\nmain = host=h \(entry)\n[weir]\nledger_user = x\n[databases]\n\(databases)"
        )
        return (settings, settings.server(host: "h", port: 5_432))
    }

    @Test(arguments: [
        (
            "budget=80%",
            "server main: max_connections 100, reserved for superusers 3, leaves 97; "
                + "budget 80 (80%), for others 17"
        ),
        (
            "budget=auto reserve=7",
            "server main: max_connections 100, reserved for superusers 3, leaves 97; "
                + "budget 80 (auto less a reserve of 7), for others 17"
        ),
        (
            "budget=20 reserve=5",
            "server main: max_connections 100, reserved for superusers 3, leaves 97; "
                + "budget 15 (less a reserve of 5), for others 82"
        ),
        (
            "budget=97",
            "server main: max_connections 100, reserved for superusers 3, leaves 97; "
                + "budget 97, for others 0"
        ),
    ])
    func `the arithmetic is one line`(entry: String, line: String) throws {
        let (_, server) = try self.main(entry)
        #expect(server.arithmetic(Self.usual) == line)
        #expect(server.warnings(Self.usual, minimum: 0).isEmpty)
    }

    @Test func `places that PostgreSQL 16 keeps for a role are named`() throws {
        let capacity = ServerCapacity(maxConnections: 100, superuserReserved: 3, reserved: 5)
        #expect(
            try self.main("budget=40").1.arithmetic(capacity)
                == "server main: max_connections 100, reserved for superusers 3, "
                + "for pg_use_reserved_connections 5, leaves 92; budget 40, for others 52"
        )
    }

    @Test func `what does not fit is warned of`() throws {
        let (_, large) = try self.main("budget=98")
        #expect(large.arithmetic(Self.usual).hasSuffix("budget 98, for others 0"))
        #expect(
            large.warnings(Self.usual, minimum: 98) == [
                "server main: the budget of 98 is more than the 97 connections that "
                    + "max_connections = 100 leaves: logins will be refused before it is used up"
            ]
        )
        let (settings, small) = try self.main("budget=5%", "a = host=h user=u min_pool_size=6")
        #expect(
            small.warnings(Self.usual, minimum: settings.minimum(at: small)) == [
                "server main: min_pool_size of its databases adds up to 6, and the budget is 5, "
                    + "which will be the limit"
            ]
        )
        #expect(try self.main("").1.warnings(Self.usual, minimum: 6).isEmpty)
    }

    @Test func `a minimum is of pools that are filled without a client`() throws {
        func minimum(_ databases: String, _ more: String = "") throws -> Int {
            let (settings, server) = try self.main("budget=50%", "\(databases)\n\(more)")
            return settings.minimum(at: server)
        }
        #expect(try minimum("a = host=h user=u min_pool_size=6\nb = host=h user=v") == 6)
        #expect(try minimum("a = host=h min_pool_size=6") == 0)
        #expect(try minimum("* = host=h user=u min_pool_size=6") == 0)
        // Some may go elsewhere.
        #expect(try minimum("a = host=h,i user=u min_pool_size=6") == 0)
        #expect(try minimum("a = host=h port=6000 user=u min_pool_size=6") == 0)
        #expect(try minimum("a = host=h user=u", "[weir]\nmin_pool_size = 4") == 4)
        let several = "a = host=h user=u min_pool_size=6\nb = host=h user=u min_pool_size=5"
        #expect(try minimum(several) == 11)
        #expect(try minimum(several, "[users]\nu = max_user_connections=8") == 8)
        #expect(try minimum(several, "[users]\nu = pool_size=2") == 4)
        #expect(try minimum(several, "[weir]\nmax_db_connections = 4") == 8)
    }

    @Test(arguments: [
        (
            "server_budget = 10\n[databases]\na = host=h user=u min_pool_size=6\n"
                + "b = host=h user=v min_pool_size=5",
            "weir.ini:2: server h:5432: min_pool_size of its databases adds up to 11, which is "
                + "above its 10 connections"
        ),
        (
            "[servers]\nmain = host=h,i budget=12 reserve=2\n[databases]\n"
                + "a = host=h user=u min_pool_size=6\nb = host=i user=v min_pool_size=5",
            "weir.ini:3: server main: min_pool_size of its databases adds up to 11, which is above "
                + "its 10 connections"
        ),
        (
            "server_budget = auto\n[databases]\na = host=h",
            "weir.ini:2: server h:5432: a budget of auto needs a login there, to ask for "
                + "max_connections: set ledger_user, or user= for a database that is there"
        ),
        (
            "budget_ledger = postgres\n[servers]\nmain = host=h budget=80%\n"
                + "[databases]\na = host=h",
            "weir.ini:4: server main: a budget of 80% needs a login there, to ask for "
                + "max_connections: set ledger_user, or user= for a database that is there"
        ),
    ])
    func `what cannot be kept is refused`(lines: String, message: String) {
        #expect(mistakes(in: "[weir]\n\(lines)") == [message])
    }

    @Test func `a size shows as it is written`() throws {
        for text in ["0", "40", "80%", "auto"] {
            #expect(BudgetSize(parsing: text)?.description == text)
            let rows = try load("[weir]\nserver_budget = \(text)").configRows()
            #expect(rows.first { $0.key == "server_budget" }?.value == text)
        }
        #expect(BudgetSize(parsing: "AUTO") == .auto)
        #expect(BudgetSize(parsing: "0x10") == .slots(16))
    }
}
