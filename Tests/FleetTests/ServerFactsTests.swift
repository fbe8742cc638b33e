import Testing

@testable import Fleet

struct ServerFactsTests {
    @Test func `what PostgreSQL 15 says is read`() throws {
        let facts = try #require(
            ServerFacts(row: ["100", "3", nil, "-7", "150018", "f"])
        )
        #expect(facts.maxConnections == 100)
        #expect(facts.superuserReserved == 3)
        #expect(facts.reserved == 0)
        #expect(facts.systemIdentifier == UInt64.max - 6)
        #expect(facts.version == 150_018)
        #expect(!facts.isInRecovery)
    }

    @Test func `what PostgreSQL 16 says on a standby to somebody with few rights is read`() throws {
        let facts = try #require(ServerFacts(row: ["200", "5", "7", nil, "160004", "t"]))
        #expect(facts.reserved == 7)
        #expect(facts.systemIdentifier == nil)
        #expect(facts.isInRecovery)
    }

    @Test(arguments: [[], ["100"], ["many", "3", nil, "1", "150018", "f"]] as [[String?]])
    func `another answer is none`(row: [String?]) {
        #expect(ServerFacts(row: row) == nil)
    }

    @Test func `who is not there gives a reason, in time`() {
        let address = ControlAddress(
            hosts: ["/nowhere"],
            port: 5_432,
            database: "postgres",
            user: "app",
            password: nil
        )
        let failure = #expect(throws: ServerProbe.Failure.self) {
            try ServerProbe.facts(of: address, within: 1_000_000_000)
        }
        #expect(failure?.description.contains("/nowhere/.s.PGSQL.5432") == true)
    }
}
