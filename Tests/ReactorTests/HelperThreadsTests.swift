import Reactor
import Synchronization
import Testing

@Suite struct HelperThreadsTests {
    @Test func `every job runs once`() throws {
        let threads = try HelperThreads(count: 3, queueLimit: 100_000)
        let sum = SharedCounter()
        for number in 1...20_000 {
            #expect(threads.submit { sum.add(number) })
        }
        try sum.wait(for: 20_000 * 20_001 / 2)
        #expect(threads.waiting == 0)
    }

    @Test func `a full queue refuses, and a shut one too`() throws {
        let threads = try HelperThreads(count: 1, queueLimit: 3)
        let gate = SharedCounter()
        let started = SharedCounter()
        let done = SharedCounter()
        #expect(
            threads.submit {
                started.add(1)
                while gate.value == 0 {}
                done.add(1)
            }
        )
        try started.wait(for: 1)
        for _ in 0..<3 {
            #expect(threads.submit { done.add(100) })
        }
        #expect(!threads.submit { done.add(1000) })
        threads.shutdown()
        #expect(!threads.submit { done.add(1000) })
        gate.add(1)
        try done.wait(for: 1)
        #expect(done.value == 1, "what waited was dropped")
    }
}

/// A number that several threads add to.
final class SharedCounter: Sendable {
    private let number = Atomic<Int>(0)

    var value: Int { self.number.load(ordering: .acquiring) }

    func add(_ amount: Int) {
        self.number.add(amount, ordering: .acquiringAndReleasing)
    }

    func wait(for value: Int) throws {
        let deadline = EventLoop.clock() + 5_000_000_000
        while self.value != value {
            try #require(EventLoop.clock() < deadline, "\(value) never came: \(self.value)")
        }
    }
}
