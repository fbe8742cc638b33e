import Locking
import Synchronization
import Testing

@testable import Reactor

@Suite struct ResolverTests {
    typealias Answer = Result<[SocketAddress], ResolveError>

    /// Collects answers from helper threads.
    final class Answers: Sendable {
        private let list = Locked<[Answer]>([])

        var all: [Answer] { self.list.withLock { $0 } }

        func add(_ answer: Answer) {
            self.list.withLock { $0.append(answer) }
        }

        func wait(for count: Int) throws {
            let deadline = EventLoop.clock() + 5_000_000_000
            while self.all.count < count {
                try #require(EventLoop.clock() < deadline, "\(count) answers never came")
            }
        }
    }

    /// A name service that counts, and answers when the gate is open.
    final class Service: Sendable {
        let calls = Atomic<Int>(0)
        let isOpen = Atomic<Bool>(true)

        func look(_ host: String) -> Answer {
            self.calls.add(1, ordering: .relaxed)
            while !self.isOpen.load(ordering: .acquiring) {}
            return host.hasPrefix("no")
                ? .failure(.notFound(host: host)) : .success([.ipv4(0x0a00_0001, port: 0)])
        }
    }

    static func make(
        _ service: Service,
        maxHosts: Int = 100,
        queueLimit: Int = 100
    ) throws -> Resolver {
        Resolver(
            threads: try HelperThreads(count: 2, queueLimit: queueLimit),
            cache: ResolverCache(positiveTTL: 1000, negativeTTL: 100, maxHosts: maxHosts),
            lookup: { service.look($0) }
        )
    }

    @Test func `what is no name is answered at once`() throws {
        let service = Service()
        let resolver = try Self.make(service)
        let answers = Answers()
        for host in ["127.0.0.1", "::1", "/var/run", "@weir", "fe80::1%7"] {
            resolver.resolve(host: host, port: 5432, now: 0) { answers.add($0) }
        }
        #expect(
            answers.all == [
                .success([.ipv4(0x7f00_0001, port: 5432)]),
                .success([.ipv6(high: 0, low: 1, scope: 0, port: 5432)]),
                .success([.unix(path: "/var/run/.s.PGSQL.5432")]),
                .success([.unix(path: "@weir/.s.PGSQL.5432")]),
                .success([.ipv6(high: 0xfe80 << 48, low: 1, scope: 7, port: 5432)]),
            ]
        )
        #expect(service.calls.load(ordering: .relaxed) == 0)
        let path = "/" + String(repeating: "x", count: 120)
        resolver.resolve(host: path, port: 1, now: 0) { answers.add($0) }
        #expect(answers.all.last == .failure(.pathTooLong("\(path)/.s.PGSQL.1")))
    }

    @Test func `an answer is kept for its time, and its port is the asker's`() throws {
        let service = Service()
        let resolver = try Self.make(service)
        let answers = Answers()
        resolver.resolve(host: "db", port: 1, now: 0) { answers.add($0) }
        try answers.wait(for: 1)
        resolver.resolve(host: "db", port: 2, now: 999) { answers.add($0) }
        #expect(
            answers.all == [
                .success([.ipv4(0x0a00_0001, port: 1)]), .success([.ipv4(0x0a00_0001, port: 2)]),
            ]
        )
        #expect(service.calls.load(ordering: .relaxed) == 1)
        #expect(
            resolver.snapshot(now: 0) == [
                Resolver.Entry(hostname: "db", ttl: 0, addresses: [.ipv4(0x0a00_0001, port: 0)])
            ]
        )
        resolver.resolve(host: "db", port: 1, now: 1000) { answers.add($0) }
        try answers.wait(for: 3)
        #expect(service.calls.load(ordering: .relaxed) == 2)
        resolver.flush()
        #expect(resolver.snapshot(now: 1000).isEmpty)
    }

    @Test func `a failure is kept for its own time`() throws {
        let service = Service()
        let resolver = try Self.make(service)
        let answers = Answers()
        resolver.resolve(host: "nobody", port: 1, now: 0) { answers.add($0) }
        try answers.wait(for: 1)
        resolver.resolve(host: "nobody", port: 1, now: 99) { answers.add($0) }
        #expect(answers.all == Array(repeating: .failure(.notFound(host: "nobody")), count: 2))
        #expect(resolver.snapshot(now: 99).map(\.addresses) == [[]])
        resolver.resolve(host: "nobody", port: 1, now: 100) { answers.add($0) }
        try answers.wait(for: 3)
        #expect(service.calls.load(ordering: .relaxed) == 2)
    }

    @Test func `look-ups of one name are merged`() throws {
        let service = Service()
        service.isOpen.store(false, ordering: .releasing)
        let resolver = try Self.make(service)
        let answers = Answers()
        for port in 1...20 {
            resolver.resolve(host: "db", port: UInt16(port), now: 0) { answers.add($0) }
        }
        #expect(answers.all.isEmpty)
        service.isOpen.store(true, ordering: .releasing)
        try answers.wait(for: 20)
        #expect(
            answers.all
                == (1...20).map { .success([.ipv4(0x0a00_0001, port: UInt16($0))]) }
        )
        #expect(service.calls.load(ordering: .relaxed) == 1)
    }

    @Test func `names and queued look-ups are bounded`() throws {
        let service = Service()
        let resolver = try Self.make(service, maxHosts: 3)
        let answers = Answers()
        for number in 0..<10 {
            resolver.resolve(host: "db\(number)", port: 1, now: Int64(number)) { answers.add($0) }
            try answers.wait(for: number + 1)
        }
        #expect(resolver.snapshot(now: 10).map(\.hostname) == ["db7", "db8", "db9"])

        service.isOpen.store(false, ordering: .releasing)
        for number in 0..<4 {
            resolver.resolve(host: "x\(number)", port: 1, now: 20) { answers.add($0) }
        }
        #expect(answers.all.last == .failure(.busy(host: "x3")))
        service.isOpen.store(true, ordering: .releasing)
        try answers.wait(for: 14)
    }

    @Test func `a full queue is told and not remembered`() throws {
        let service = Service()
        service.isOpen.store(false, ordering: .releasing)
        let resolver = try Self.make(service, queueLimit: 1)
        let answers = Answers()
        for number in 0..<20 {
            resolver.resolve(host: "db\(number)", port: 1, now: 0) { answers.add($0) }
        }
        let refused = answers.all.count
        #expect(refused >= 17)
        service.isOpen.store(true, ordering: .releasing)
        try answers.wait(for: 20)
        #expect(resolver.snapshot(now: 0).count == 20 - refused)
    }
}
