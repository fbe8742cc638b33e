import Reactor
import Testing

extension ReactorSuite {
    /// In this suite because it opens files.
    @Suite struct NameServiceTests {
        @Test func `localhost is found by the real name service`() throws {
            let resolver = Resolver(
                threads: try HelperThreads(count: 1),
                positiveTTL: 1000,
                negativeTTL: 1000
            )
            let answers = ResolverTests.Answers()
            resolver.resolve(host: "localhost", port: 5432, now: 0) { answers.add($0) }
            resolver.resolve(host: "no-such-host.invalid", port: 1, now: 0) { answers.add($0) }
            try answers.wait(for: 2)
            let found = answers.all.compactMap { try? $0.get() }.flatMap { $0 }
            #expect(found.contains(.loopback(port: 5432)))
            #expect(answers.all.contains { (try? $0.get()) == nil })
        }
    }
}
