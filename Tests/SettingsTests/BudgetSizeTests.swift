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
