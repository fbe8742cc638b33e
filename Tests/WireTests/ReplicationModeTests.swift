import Testing
import Wire

struct ReplicationModeTests {
    @Test(arguments: ["true", "TRUE", "t", "tr", "yes", "Y", "on", "ON", "1"])
    func `what PostgreSQL takes for true is physical`(text: String) {
        #expect(ReplicationMode(startupValue: text) == .physical)
    }

    @Test(arguments: ["false", "F", "fal", "no", "n", "off", "of", "0"])
    func `what it takes for false is none`(text: String) {
        #expect(ReplicationMode(startupValue: text) == ReplicationMode.none)
    }

    @Test(arguments: ["", "o", "2", "10", "truex", "Database", "database ", "physical"])
    func `anything else means nothing`(text: String) {
        #expect(ReplicationMode(startupValue: text) == nil)
    }

    @Test func `a database is logical, and what is sent on means the same`() {
        #expect(ReplicationMode(startupValue: "database") == .logical)
        for mode in [ReplicationMode.physical, .logical] {
            #expect(mode.startupValue.flatMap { ReplicationMode(startupValue: $0) } == mode)
        }
        #expect(ReplicationMode.none.startupValue == nil)
    }
}
