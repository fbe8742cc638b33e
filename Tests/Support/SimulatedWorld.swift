import Pooling
import Wire

/// A whole pooler, its clients and its PostgreSQL in one deterministic run: everything that happens
/// follows from the seed.
///
/// Bytes travel in random pieces with random delays. Clients vanish in the middle of messages,
/// servers die, logins fail; in a gentle run none of that happens, and then every client must hear
/// all that a PostgreSQL of its own would have told it.
public final class SimulatedWorld {
    private enum Event {
        case speak(Int)
        case toPooler(Int, [UInt8])
        case vanish(Int)
        case gone(Int)
        case toClient(Int, [UInt8])
        case toBackend(ServerID, [UInt8])
        case toPoolerFromBackend(ServerID, [UInt8])
        case connected(ServerID)
        case backendEnds(ServerID)
        case backendGone(ServerID)
        case cancelEnds(ServerID)
        case dies
        case pause(Bool)
        case reconnect
        case tick

        /// The event with its bytes as text.
        var text: String {
            switch self {
            case .toPooler(let number, let bytes): "client \(number) > \(Self.text(bytes))"
            case .toClient(let number, let bytes): "client \(number) < \(Self.text(bytes))"
            case .toBackend(let id, let bytes): "server \(id.index) > \(Self.text(bytes))"
            case .toPoolerFromBackend(let id, let bytes):
                "server \(id.index) < \(Self.text(bytes))"
            default: "\(self)"
            }
        }

        private static func text(_ bytes: [UInt8]) -> String {
            String(decoding: bytes.map { $0 < 0x20 || $0 > 0x7e ? 0x2e : $0 }, as: UTF8.self)
        }
    }

    private struct Scheduled {
        var time: Instant
        var number: Int
        var event: Event
    }

    private static let second: Nanoseconds = 1_000_000_000

    private var random: SeededRandom
    private let isGentle: Bool
    private let pooler: SimulatedPooler
    private var clients: [SimulatedClient] = []
    private var ids: [ClientID: Int] = [:]
    private var names: SimulatedBackend.Names = [:]
    private var book = RequestBook()
    private var backends: [ServerID: SimulatedBackend] = [:]
    private let sessionLimit: Int
    private var sessionsMax = 0

    private var schedule: [Scheduled] = []
    private var number = 0
    private var now: Instant = 0
    /// When the last piece of each stream arrives, so that no piece overtakes another.
    private var arrivals: [String: Instant] = [:]
    private var fault: String?
    /// What happened, for a failed world's report; kept only when it is repeated.
    public private(set) var trace: [String] = []
    private let isTraced: Bool

    /// Makes the world of one seed.
    public init(random: SeededRandom, isGentle: Bool, isTraced: Bool = false) {
        self.random = random
        self.isTraced = isTraced
        self.isGentle = isGentle
        self.sessionLimit = 1 + self.random.below(5)
        var set = PoolSet()
        set.shared.setProcessLimit(self.sessionLimit)
        let database = set.addDatabase(limit: 0)
        var pools: [PoolID] = []
        for _ in 0...self.random.below(2) {
            var limits = PoolLimits()
            limits.size = 1 + self.random.below(3)
            limits.lifetime = self.random.chance(20) ? 0 : 1_000 * Self.second
            limits.idleTimeout = self.random.chance(50) ? Self.second : 3_000 * Self.second
            limits.checkDelay = self.random.chance(30) ? Self.second / 100 : nil
            let isPatient = self.random.chance(60)
            limits.waitTimeout = isGentle ? 0 : isPatient ? 0 : 2 * Self.second
            pools.append(
                set.addPool(database: database, user: set.addUser(limit: 0), limits: limits)
            )
        }
        self.pooler = SimulatedPooler(pools: set)
        for number in 0..<(2 + self.random.below(8)) { self.join(number, self.random.pick(pools)) }
        self.at(Self.second / 3, .tick)
        for _ in 0..<self.random.below(3) { self.at(self.delay(3), .reconnect) }
        if self.random.chance(20) {
            self.at(Self.second / 10, .pause(true))
            self.at(Self.second, .pause(false))
        }
        guard !isGentle else { return }
        for _ in 0..<self.random.below(4) { self.at(self.delay(3), .dies) }
    }

    private func join(_ number: Int, _ pool: PoolID) {
        let id = ClientID(index: UInt32(number), generation: 7)
        self.ids[id] = number
        self.clients.append(
            SimulatedClient(number: number, isGentle: self.isGentle, random: &self.random)
        )
        self.names[number] = "n\(number % 3)"
        let mode: PoolMode = self.random.chance(20) ? .session : .transaction
        self.pooler.clientJoined(id, pool, mode, name: "n\(number % 3)")
        self.at(self.delay(1), .speak(number))
        if !self.isGentle, self.random.chance(50) { self.at(self.delay(2), .vanish(number)) }
    }

    // MARK: Time

    private func delay(_ seconds: Int) -> Nanoseconds {
        Nanoseconds(self.random.below(seconds * 1_000)) * 1_000_000
    }

    private func at(_ time: Instant, _ event: Event) {
        self.number += 1
        self.schedule.append(Scheduled(time: time, number: self.number, event: event))
    }

    private func next() -> Scheduled? {
        let index = self.schedule.indices.min {
            let (first, second) = (self.schedule[$0], self.schedule[$1])
            return (first.time, first.number) < (second.time, second.number)
        }
        guard let index else { return nil }
        self.schedule.swapAt(index, self.schedule.count - 1)
        return self.schedule.removeLast()
    }

    /// Sends bytes in random pieces that arrive in order.
    private func send(_ bytes: [UInt8], on stream: String, _ event: ([UInt8]) -> Event) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = self.random.chance(60) ? rest.count : 1 + self.random.below(rest.count)
            let arrival =
                max(self.now, self.arrivals[stream, default: 0])
                + Nanoseconds(self.random.below(5_000_000))
            self.arrivals[stream] = arrival
            self.at(arrival, event(Array(rest.prefix(count))))
            rest.removeFirst(count)
        }
    }

    /// What follows everything that was sent on a stream.
    private func sendEnd(on stream: String, _ event: Event) {
        let arrival = max(self.now, self.arrivals[stream, default: 0]) + self.delay(1)
        self.arrivals[stream] = arrival
        self.at(arrival, event)
    }

    // MARK: The run

    /// Runs to the end; returns what went wrong.
    public func run() -> String? {
        while let scheduled = self.next() {
            self.now = max(self.now, scheduled.time)
            self.pooler.now = self.now
            if self.isTraced { self.trace.append("\(self.now / 1_000) \(scheduled.event.text)") }
            self.perform(scheduled.event)
            self.drain()
            if let fault = self.fault { return fault }
            if self.now > 600 * Self.second { return self.whoWaits() }
        }
        return self.leftovers()
    }

    private func perform(_ event: Event) {
        switch event {
        case .speak(let number): self.speak(number)
        case .toPooler(let number, let bytes): self.pooler.clientSent(self.id(number), bytes)
        case .vanish(let number):
            guard !self.clients[number].isOver else { return }
            self.clients[number].isOver = true
            self.sendEnd(on: "c\(number)", .gone(number))
        case .gone(let number): self.pooler.clientGone(self.id(number))
        case .toClient(let number, let bytes): self.hear(number, bytes)
        case .toBackend(let id, let bytes): self.read(id, bytes)
        case .toPoolerFromBackend(let id, let bytes): self.pooler.serverSent(id, bytes)
        case .connected(let id): self.connect(id)
        case .backendEnds(let id): self.endBackend(id)
        case .backendGone(let id): self.pooler.serverGone(id)
        case .cancelEnds(let id): self.endCancel(id)
        case .dies:
            if let id = self.anyBackend() { self.endBackend(id) }
        case .pause(let isPaused): self.pooler.setPaused(isPaused)
        case .reconnect:
            for id in self.pooler.servers.keys { self.pooler.pools.setCloseNeeded(id) }
        case .tick:
            self.pooler.tick()
            let isAlive = self.clients.contains { !$0.isOver } || !self.pooler.clients.isEmpty
            if isAlive { self.at(self.now + Self.second / 3, .tick) }
        }
    }

    private func id(_ number: Int) -> ClientID { ClientID(index: UInt32(number), generation: 7) }

    private func anyBackend() -> ServerID? {
        self.backends.keys.min { ($0.index, $0.generation) < ($1.index, $1.generation) }
    }

    // MARK: Clients

    private func speak(_ number: Int) {
        guard !self.clients[number].isOver, self.clients[number].mayGoOn else { return }
        let requests = self.clients[number].speak(&self.random, &self.book)
        let isCut = !self.isGentle && self.random.chance(3)
        var bytes: [UInt8] = []
        for request in requests {
            let padding = self.random.chance(10) ? self.random.below(500) : self.random.below(8)
            bytes += RequestBook.bytes(request, padding: padding)
        }
        if isCut {
            bytes.removeLast(min(bytes.count, 1 + self.random.below(12)))
            self.clients[number].isOver = true
        }
        self.send(bytes, on: "c\(number)") { .toPooler(number, $0) }
        if self.clients[number].isOver { self.sendEnd(on: "c\(number)", .gone(number)) }
        self.speakSoon(number)
    }

    private func speakSoon(_ number: Int) {
        let client = self.clients[number]
        guard !client.isOver, client.mayGoOn else { return }
        self.at(self.now + self.delay(1) / 10, .speak(number))
    }

    private func hear(_ number: Int, _ bytes: [UInt8]) {
        let couldGoOn = self.clients[number].mayGoOn
        if let fault = self.clients[number].hear(bytes) { self.fault = fault }
        if !couldGoOn, self.clients[number].mayGoOn { self.speakSoon(number) }
    }

    // MARK: PostgreSQL

    private func connect(_ id: ServerID) {
        guard let server = self.pooler.servers[id], server.phase == .connecting else { return }
        let failures: [PoolSet.LoginFailure] = [.busy, .unreachable, .refused]
        if !self.isGentle, self.random.chance(10) {
            self.pooler.serverRefused(id, self.random.pick(failures))
        } else {
            self.backends[id] = SimulatedBackend(pool: server.pool.index)
            self.sessionsMax = max(self.sessionsMax, self.backends.count)
            if self.backends.count > self.sessionLimit {
                self.fault = "\(self.backends.count) sessions of \(self.sessionLimit)"
            }
            self.pooler.serverLoggedIn(id)
        }
    }

    private func read(_ id: ServerID, _ bytes: [UInt8]) {
        guard self.backends[id] != nil else { return }
        let padding = self.random.below(20)
        var reply: [UInt8] = []
        if self.random.chance(2) { reply = RawMessage("N", "by itself").bytes }
        let result = self.backends[id]?.read(bytes, self.book, &self.names, padding: padding)
        reply += result?.reply ?? []
        if let fault = result?.fault { self.fault = fault }
        self.send(reply, on: "b\(id.index).\(id.generation)") { .toPoolerFromBackend(id, $0) }
        if self.backends[id]?.hasEnded == true { self.endBackend(id) }
    }

    private func endBackend(_ id: ServerID) {
        self.backends[id] = nil
        self.sendEnd(on: "b\(id.index).\(id.generation)", .backendGone(id))
    }

    private func endCancel(_ id: ServerID) {
        if let server = self.pooler.servers[id], server.phase != .closing, server.client != nil {
            self.fault = "a cancel could have met another client's query on \(id)"
        }
        self.pooler.cancelEnded(id)
    }

    // MARK: Outputs

    private func drain() {
        let outputs = self.pooler.outputs
        self.pooler.outputs.removeAll(keepingCapacity: true)
        for output in outputs {
            switch output {
            case .toClient(let id, let bytes):
                guard let number = self.ids[id] else { continue }
                self.send(bytes, on: "r\(number)") { .toClient(number, $0) }
            case .toServer(let id, let bytes):
                self.send(bytes, on: "s\(id.index).\(id.generation)") { .toBackend(id, $0) }
            case .closeClient: break
            case .connect(let id, _): self.at(self.now + self.delay(1) / 20, .connected(id))
            case .end(let id):
                self.sendEnd(on: "s\(id.index).\(id.generation)", .backendEnds(id))
            case .cancel(let id): self.at(self.now + self.delay(1) / 5, .cancelEnds(id))
            }
        }
    }

    // MARK: The end

    private func whoWaits() -> String? {
        let waiting = self.clients.filter { !$0.isOver }.map(\.number)
        return "clients \(waiting) wait for ever; \(self.pooler.pools)"
    }

    private func leftovers() -> String? {
        if self.clients.contains(where: { !$0.isOver }) { return self.whoWaits() }
        self.now += 10_000 * Self.second
        self.pooler.now = self.now
        self.pooler.tick()
        self.pooler.outputs.removeAll()
        for id in Array(self.pooler.servers.keys) {
            guard self.pooler.servers[id]?.phase == .closing else {
                return "\(id) is \(String(describing: self.pooler.pools.place(of: id))) at the end"
            }
            self.pooler.serverGone(id)
        }
        let slots = self.pooler.pools.slots(ofDatabase: nil)
        let held = self.pooler.parameters.count
        guard slots == 0, held == 0, self.pooler.clients.isEmpty else {
            return
                "\(slots) slots, \(held) settings, \(self.pooler.clients.count) clients left over"
        }
        return nil
    }

    /// Replies that clients heard and found right.
    public var heard: Int { self.clients.reduce(0) { $0 + $1.heard } }
}
