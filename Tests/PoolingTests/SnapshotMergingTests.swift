import Pooling
import Testing

struct SnapshotMergingTests {
    private static func snapshot() -> Snapshot {
        Snapshot(now: 5, state: .active, eventEngine: "epoll", listenPort: 6432, consoleClients: 1)
    }

    private static func pool(_ database: String, _ number: Int) -> Snapshot.Pool {
        var pool = Snapshot.Pool(
            database: database,
            user: "app",
            poolMode: "transaction",
            loadBalanceHosts: nil
        )
        pool.clientsActive = number
        pool.clientsWaiting = number + 1
        pool.clientsActiveCancel = number + 2
        pool.clientsWaitingCancel = number + 3
        pool.serversActive = number + 4
        pool.serversActiveCancel = number + 5
        pool.serversBeingCanceled = number + 6
        pool.serversIdle = number + 7
        pool.serversUsed = number + 8
        pool.serversTested = number + 9
        pool.serversLogin = number + 10
        pool.oldestWait = Int64(number)
        return pool
    }

    @Test func `shares of a pool are added, and the oldest wait of any is the pool's`() {
        var sum = Self.snapshot()
        sum.pools = [Self.pool("b", 100)]
        var other = Self.snapshot()
        other.pools = [Self.pool("b", 20), Self.pool("a", 7)]
        sum.merge(other)
        var expected = Self.pool("b", 120)
        expected.clientsWaiting += 1
        expected.clientsActiveCancel += 2
        expected.clientsWaitingCancel += 3
        expected.serversActive += 4
        expected.serversActiveCancel += 5
        expected.serversBeingCanceled += 6
        expected.serversIdle += 7
        expected.serversUsed += 8
        expected.serversTested += 9
        expected.serversLogin += 10
        expected.oldestWait = 100
        #expect(sum.pools == [Self.pool("a", 7), expected])
    }

    @Test func `a worker that waits longer is heard`() {
        var sum = Self.snapshot()
        sum.pools = [Self.pool("b", 1)]
        var other = Self.snapshot()
        other.pools = [Self.pool("b", 3_000)]
        sum.merge(other)
        #expect(sum.pools[0].oldestWait == 3_000)
    }

    @Test func `what the process has once is not doubled`() {
        var sum = Self.snapshot()
        var other = Self.snapshot()
        other.now = 9
        other.consoleClients = 0
        other.state = .paused
        other.workers = [Self.worker(0)]
        sum.workers = [Self.worker(1)]
        sum.merge(other)
        #expect(sum.now == 5 && sum.consoleClients == 1 && sum.state == .active)
        #expect(sum.workers == [Self.worker(0), Self.worker(1)])
    }

    @Test func `pins of one pool and reason are added`() {
        func pin(_ reason: String, _ current: Int) -> Snapshot.Pin {
            var pin = Snapshot.Pin(database: "a", user: "b", reason: reason)
            pin.current = current
            pin.counts.started = 1
            pin.counts.refused = 2
            pin.counts.reset = 3
            pin.counts.timedOut = 4
            return pin
        }
        var sum = Self.snapshot()
        sum.pins = [pin("prepare", 5)]
        var other = Self.snapshot()
        other.pins = [pin("prepare", 6), pin("listen", 7)]
        sum.merge(other)
        #expect(sum.pins.map(\.reason) == ["listen", "prepare"])
        #expect(sum.pins[1].current == 11)
        let counts = sum.pins[1].counts
        #expect([counts.started, counts.refused, counts.reset, counts.timedOut] == [2, 4, 6, 8])
        var known = PinCounts()
        known.add([.locks, .unknown], to: \.refused)
        known.add(.locks, to: \.refused)
        #expect(known.counts(of: .locks).refused == 2 && known.counts(of: .unknown).refused == 1)
        #expect(known.counts(of: .listens).isZero)
    }

    @Test func `counts of memory and places are added`() {
        var sum = Self.snapshot()
        sum.counts.usedClients = 3
        sum.counts.freeServers = 4
        sum.counts.loginClients = 1
        sum.memory = [.init(name: "client_cache", entrySize: 10, used: 1, free: 2, totalBytes: 30)]
        var other = Self.snapshot()
        other.counts.usedClients = 30
        other.counts.freeServers = 40
        other.counts.loginClients = 10
        other.memory = [
            .init(name: "client_cache", entrySize: 12, used: 10, free: 20, totalBytes: 360),
            .init(name: "iobuf_cache", entrySize: 1, used: 1, free: 0, totalBytes: 1),
        ]
        sum.merge(other)
        #expect(sum.counts.usedClients == 33 && sum.counts.freeServers == 44)
        #expect(sum.counts.loginClients == 11)
        #expect(
            sum.memory == [
                .init(name: "client_cache", entrySize: 12, used: 11, free: 22, totalBytes: 390),
                .init(name: "iobuf_cache", entrySize: 1, used: 1, free: 0, totalBytes: 1),
            ]
        )
    }

    private static func worker(_ number: Int) -> Snapshot.Worker {
        Snapshot.Worker(
            number: number,
            clients: 1,
            servers: 2,
            waiting: 3,
            cpuTime: 4,
            serversArrived: 5,
            serversDeparted: 6,
            missedServers: 0
        )
    }
}
