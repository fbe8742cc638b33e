import Pooling
import TestSupport
import Testing

/// No wake-up is lost between workers: `HandOver` says why, and these tests try every interleaving.
struct HandOverModelTests {
    /// Where a pool starts, and what may come.
    struct Scenario: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let idle: [Int8]
        let active: [Int8]
        let coming: Int8
        let closing: Int8
        /// Connections that may be opened beside those that are there.
        let free: Int
        let budget: HandOverModel.Budget

        init(
            _ description: String,
            idle: [Int8],
            active: [Int8],
            coming: Int8 = 0,
            closing: Int8 = 0,
            free: Int = 0,
            _ budget: HandOverModel.Budget
        ) {
            self.testDescription = description
            self.idle = idle
            self.active = active
            self.coming = coming
            self.closing = closing
            self.free = free
            self.budget = budget
        }

        /// What is wrong with the rules, as the story of a failure; and how much was seen.
        func explore(
            _ change: (inout HandOverModel.Rules) -> Void = { _ in }
        ) -> (wrong: String?, states: Int, rests: Int) {
            let start = HandOverModel(
                idle: self.idle,
                active: self.active,
                coming: self.coming,
                closing: self.closing,
                budget: self.budget
            )
            var rules = HandOverModel.Rules(slots: Int(start.used) + self.free)
            change(&rules)
            var explorer = HandOverExplorer(rules: rules)
            let wrong = explorer.explore(from: start)
            return (wrong, explorer.count, explorer.restCount)
        }
    }

    private static let idle = Scenario(
        "an idle server",
        idle: [0, 1],
        active: [0, 0],
        .init(arrivals: 2)
    )
    private static let ending = Scenario(
        "an idle server ends",
        idle: [0, 1],
        active: [0, 0],
        .init(arrivals: 1, closings: 1)
    )
    private static let coming = Scenario(
        "a server comes unwanted, another ends",
        idle: [0, 0],
        active: [0, 0],
        coming: 1,
        closing: 1,
        .init(arrivals: 2)
    )

    private static let short = [
        idle, ending,
        Scenario("no server yet", idle: [0, 0], active: [0, 0], free: 1, .init(arrivals: 2)),
        Scenario("three workers", idle: [0, 0, 1], active: [0, 0, 0], .init(arrivals: 1)),
        Scenario(
            "a move is called off",
            idle: [0, 1],
            active: [0, 0],
            .init(arrivals: 1, callsOff: 1)
        ),
        Scenario(
            "a waiter gives up",
            idle: [0, 1],
            active: [0, 0],
            .init(arrivals: 1, resignations: 1)
        ),
    ]

    private static let long = [
        coming,
        Scenario("a busy server", idle: [0, 0], active: [0, 1], .init(arrivals: 2)),
        Scenario("one idle, one busy", idle: [1, 0], active: [0, 1], .init(arrivals: 2)),
        Scenario(
            "three workers, two servers",
            idle: [0, 1, 1],
            active: [0, 0, 0],
            .init(arrivals: 1)
        ),
        Scenario(
            "one idle, room for one",
            idle: [0, 1],
            active: [0, 0],
            free: 1,
            .init(arrivals: 2)
        ),
        Scenario(
            "two ask, a move is called off",
            idle: [0, 1],
            active: [0, 0],
            .init(arrivals: 2, callsOff: 1)
        ),
        Scenario(
            "two ask, one gives up",
            idle: [0, 1],
            active: [0, 0],
            .init(arrivals: 2, resignations: 1)
        ),
        Scenario(
            "two ask, an idle server ends",
            idle: [0, 1],
            active: [0, 0],
            .init(arrivals: 2, closings: 1)
        ),
    ]

    @Test(arguments: TestRun.rounds(debug: 0, release: 1) == 0 ? short : short + long)
    func `nobody is left waiting beside an idle server or a free slot`(_ scenario: Scenario) {
        let (wrong, states, rests) = scenario.explore()
        #expect(wrong == nil)
        // The model has not merely stood still.
        #expect(states > 400 && rests > 5)
    }

    // What the rules are for: without any one of them the explorer finds somebody left waiting.

    @Test func `to read first and publish then loses a wake-up`() throws {
        let wrong = Self.idle.explore { $0.order = .readThenPublish }.wrong
        #expect(try #require(wrong).hasSuffix("a client waits while a server is idle"))
    }

    @Test func `who does not try again after it has published misses a slot`() throws {
        let wrong = Self.ending.explore { $0.triesAgain = false }.wrong
        #expect(try #require(wrong).hasSuffix("a client waits while a slot is free"))
    }

    @Test func `nor may a publication at a server's arrival go without that`() throws {
        let wrong = Self.coming.explore { $0.triesAgainAtArrival = false }.wrong
        #expect(try #require(wrong).hasSuffix("a client waits while a slot is free"))
    }

    @Test func `who hopes for servers that are gone misses a slot`() throws {
        let wrong = Self.ending.explore { $0.givesUpHopes = false }.wrong
        #expect(try #require(wrong).hasSuffix("a client waits while a slot is free"))
    }
}
