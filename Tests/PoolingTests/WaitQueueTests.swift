import Pooling
import TestSupport
import Testing

struct WaitQueueTests {
    @Test func `every order of seven operations does what an array does`() {
        // Operation and choice of whom it concerns, exhausted like the digits of a number.
        let alphabet = [(0, 0), (1, 0), (2, 0), (2, 1), (3, 0), (6, 0), (6, 1)]
        var count = 1
        for _ in 0..<7 { count *= alphabet.count }
        for number in 0..<count {
            var model = QueueModel()
            var rest = number
            for _ in 0..<7 {
                let (operation, choice) = alphabet[rest % alphabet.count]
                rest /= alphabet.count
                if let fault = model.perform(operation, choice) ?? model.check() {
                    Issue.record("\(fault) in order \(number)")
                    return
                }
            }
        }
    }

    @Test func `long random runs do what an array does`() {
        for round in 0..<TestRun.rounds(debug: 300, release: 10_000) {
            var random = TestRun.random(round: round)
            var model = QueueModel()
            let weights = [0, 0, 0, 1, 2, 3, 4, 5, 6]
            for _ in 0..<(100 + random.below(400)) {
                let operation = random.pick(weights)
                if let fault = model.perform(operation, random.below(64)) ?? model.check() {
                    Issue.record("\(fault); WEIR_SEED=\(random.seed)")
                    return
                }
            }
        }
    }

    @Test func `clients that come and go behind one that stays leave no room taken`() throws {
        var queue = WaitQueue()
        let patient = ClientID(index: 0, generation: 0)
        let ticket = queue.append(patient, since: 0)
        for number in 1..<100_000 {
            let client = ClientID(index: UInt32(number), generation: 0)
            let left = queue.remove(queue.append(client, since: Instant(number)), client: client)
            try #require(left)
        }
        #expect(queue.count == 1)
        let places = Mirror(reflecting: queue).children.first { $0.label == "places" }
        let kept = try Mirror(reflecting: #require(places?.value)).children.count
        #expect(kept < 1_000, "a client that reconnects could fill the memory: \(kept)")
        let isLeft = queue.remove(ticket, client: patient)
        #expect(isLeft && queue.isEmpty)
    }

    @Test func `a client put back into a fresh queue has a ticket of its own`() {
        var queue = WaitQueue()
        let ticket = queue.prepend(ClientID(index: 1, generation: 1), since: 5)
        #expect(ticket != .none)
    }
}
