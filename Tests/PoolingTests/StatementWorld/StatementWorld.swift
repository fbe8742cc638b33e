import Pooling
import TestSupport
import Wire

/// Clients, workers and servers with prepared statements in one deterministic run: everything
/// follows from the seed.
///
/// Each client is told what a PostgreSQL of its own would have told it (`StatementOracle`), but for
/// what `AllowedDifference` lists; and each answer comes from the message that it is for.
final class StatementWorld {
    /// How many messages clients send in one world: few enough that a failure can be read.
    static let messagesPerRun = 1_500

    private var random: SeededRandom
    let mix: StatementMix
    let catalog: StatementCatalog
    private(set) var poolers: [StatementPooler] = []
    private(set) var clients: [WorldClient] = []
    private(set) var servers: [(server: PooledServer, worker: Int)] = []
    /// Cancel requests on their way.
    private var cancels: [(server: PooledServer, client: PooledClient)] = []
    private var tags = 0
    private var clientCount = 0
    private var serverCount = 0
    private(set) var fault: String?
    /// Messages of clients that have arrived.
    private(set) var arrived = 0
    /// Answers that were heard and found right.
    private(set) var heard = 0
    private(set) var differences: [AllowedDifference: Int] = [:]

    /// What happened, for a failed world's report; kept only when it is repeated.
    private(set) var trace: [String] = []
    private let isTraced: Bool

    init(random: SeededRandom, isTraced: Bool = false) {
        self.random = random
        self.isTraced = isTraced
        self.mix = StatementMix(&self.random)
        self.catalog = StatementCatalog(tables: self.mix.tables)
        for number in 0..<self.mix.workers {
            self.poolers.append(
                StatementPooler(
                    number: number,
                    catalog: self.catalog,
                    bytesMax: self.mix.bytesMax,
                    limit: self.mix.limit,
                    random: SeededRandom(seed: self.random.next())
                )
            )
        }
        for _ in 0..<self.mix.clients { self.join() }
        for number in 0..<self.mix.servers { self.open(on: number % self.mix.workers) }
    }

    private func join() {
        let worker = self.random.below(self.mix.workers)
        self.clients.append(self.newClient(on: worker))
    }

    private func newClient(on worker: Int) -> WorldClient {
        self.clientCount += 1
        return WorldClient(
            number: self.clientCount,
            worker: worker,
            catalog: self.catalog,
            isPipelining: self.random.chance(self.mix.pipelining)
        )
    }

    private func open(on worker: Int) {
        self.serverCount += 1
        let server = PooledServer(
            number: self.serverCount,
            backend: PostgresSession(catalog: self.catalog),
            limit: self.mix.limit
        )
        self.servers.append((server, worker))
        self.poolers[worker].checkIn(server)
        self.poolers[worker].settle()
    }

    private func note(_ line: @autoclosure () -> String) {
        if self.isTraced { self.trace.append(line()) }
    }

    // MARK: The run

    /// Runs until clients have sent `messages` messages; returns what went wrong.
    func run(messages: Int) -> String? {
        // Where little can move, the end says who waits for what.
        var steps = 0
        while self.arrived < messages, steps < messages * 100, self.fault == nil {
            self.step()
            self.hear()
            steps += 1
        }
        if self.fault == nil { self.end() }
        for client in self.clients { self.count(client) }
        return self.fault
    }

    private func step() {
        switch self.random.below(100) {
        case 0..<35: self.clientActs()
        case 35..<65: self.serverReads()
        case 65..<96: self.serverAnswers()
        default: self.happen()
        }
    }

    private func clientActs() {
        let place = self.random.below(self.clients.count)
        if self.clients[place].isOver { return self.replaceClient(place) }
        if self.clients[place].mayGoOn {
            self.clients[place].speak(&self.random, self.mix, &self.tags)
        }
        let count = self.random.chance(50) ? Int.max : 1 + self.random.below(4)
        self.deliver(place, count)
    }

    private func deliver(_ place: Int, _ count: Int) {
        let client = self.clients[place]
        var left = count
        while left > 0, !client.pooled.isClosed, let message = self.clients[place].takeFirst() {
            left -= 1
            self.arrived += 1
            self.note("c\(client.number) > #\(message.tag) \(message.request)")
            self.poolers[client.worker].received(message, from: client.pooled)
        }
    }

    private func serverReads() {
        let server = self.servers[self.random.below(self.servers.count)].server
        var left = self.random.chance(50) ? Int.max : 1 + self.random.below(4)
        while left > 0, server.phase != .closed, self.readOne(server) { left -= 1 }
    }

    private func readOne(_ server: PooledServer) -> Bool {
        guard let next = server.backend.next else { return false }
        self.note("  s\(server.number) reads #\(next.tag) \(PostgresRequest(next.message))")
        server.backend.readOne(at: self.catalog.epoch)
        return true
    }

    private func serverAnswers() {
        let (server, worker) = self.servers[self.random.below(self.servers.count)]
        guard server.phase != .closed, server.backend.deliverable > 0 else { return }
        let count = self.random.chance(50) ? Int.max : 1 + self.random.below(4)
        self.note("  s\(server.number) answers")
        self.poolers[worker].receive(count, from: server)
    }

    /// Clients hear what they have been sent; who has been closed is replaced.
    private func hear() {
        for (index, pooler) in self.poolers.enumerated() {
            if let fault = pooler.fault { self.violated(fault) }
            for (pooled, reply) in pooler.outputs {
                self.note("c\(pooled.number) < \(reply)")
                guard let place = self.place(of: pooled) else { continue }
                if let fault = self.clients[place].oracle.heard(reply) {
                    self.violated("client \(pooled.number) \(fault)")
                }
            }
            pooler.outputs.removeAll(keepingCapacity: true)
            for server in pooler.closed {
                self.note("s\(server.number) is closed")
                self.servers.removeAll { $0.server === server }
                self.open(on: index)
            }
            pooler.closed.removeAll()
        }
    }

    private func place(of pooled: PooledClient) -> Int? {
        self.clients.firstIndex { $0.pooled === pooled }
    }

    func violated(_ what: String) {
        if self.fault == nil { self.fault = what }
    }

    private func count(_ client: WorldClient) {
        self.heard += client.oracle.heardCount
        self.differences.merge(client.oracle.differences, uniquingKeysWith: +)
    }

    private func replaceClient(_ place: Int) {
        let old = self.clients[place]
        self.count(old)
        self.poolers[old.worker].close(old.pooled)
        self.clients[place] = self.newClient(on: old.worker)
    }

    // MARK: What happens beside

    private func happen() {
        // A twenty-fifth of all steps comes here.
        var number = self.random.below(400)
        func isDrawn(_ share: Int) -> Bool {
            defer { number -= share }
            return number >= 0 && number < share
        }
        if isDrawn(self.mix.cuts) { return self.cutClient() }
        if isDrawn(self.mix.serverCuts) { return self.cutServer() }
        if isDrawn(self.mix.cancels) { return self.cancel() }
        if isDrawn(self.mix.alterations) { return self.change { $0.alter($1) } }
        if isDrawn(self.mix.drops) { return self.change { $0.toggle($1) } }
        if isDrawn(self.mix.moves) { return self.move() }
        if isDrawn(self.mix.settings) { return self.changeSettings() }
        if isDrawn(self.mix.losses) { return self.loseStatements() }
        if isDrawn(self.mix.waitEnds) { return self.endWait() }
        self.landCancel()
    }

    private func cutClient() {
        let place = self.random.below(self.clients.count)
        let client = self.clients[place]
        if self.random.chance(40), let message = self.clients[place].takeFirst() {
            self.poolers[client.worker].receivedHalf(of: message, from: client.pooled)
        }
        self.note("c\(client.number) is cut")
        self.poolers[client.worker].close(client.pooled)
        self.replaceClient(place)
    }

    private func cutServer() {
        let (server, worker) = self.servers[self.random.below(self.servers.count)]
        self.note("s\(server.number) is cut")
        self.poolers[worker].closeServer(server)
        self.poolers[worker].settle()
    }

    /// DDL of somebody else, who waits for the transactions that have looked at the table.
    private func change(_ body: (StatementCatalog, Int) -> Void) {
        let table = self.random.below(self.catalog.count)
        let isLocked = self.servers.contains { $0.server.backend.model.locks & 1 << table != 0 }
        guard !isLocked else { return }
        body(self.catalog, table)
        let version = self.catalog.version(of: table, at: self.catalog.epoch)
        self.note("t\(table) is changed: \(version)")
    }

    private func cancel() {
        let place = self.random.below(self.clients.count)
        let client = self.clients[place]
        switch client.pooled.session.state {
        case .waiting:
            self.note("c\(client.number) is canceled while it waits")
            self.clients[place].oracle.hasCanceled = true
            self.poolers[client.worker].refuse(client.pooled, code: "57014")
        case .linked:
            guard let server = client.pooled.server, server.own == .none,
                !server.session.ledger.isSettled, server.session.cancelsUnderWay < 4
            else { return }
            self.note("c\(client.number) asks s\(server.number) for a cancel")
            self.clients[place].oracle.hasCanceled = true
            server.session.cancelStarted()
            self.cancels.append((server, client.pooled))
        case .idle, .linking: break
        }
    }

    private func landCancel() {
        guard !self.cancels.isEmpty else { return }
        let (server, client) = self.cancels.remove(at: self.random.below(self.cancels.count))
        guard server.phase != .closed else { return }
        if let other = server.client, other !== client {
            self.violated("the cancel of client \(client.number) meets client \(other.number)")
        }
        let hits = server.backend.cancel()
        self.note("  s\(server.number) is canceled\(hits ? "" : ", but is at rest")")
        guard let worker = self.servers.first(where: { $0.server === server })?.worker else {
            return
        }
        server.session.cancelEnded()
        self.poolers[worker].recover(server)
        self.poolers[worker].settle()
    }

    private func endWait() {
        let client = self.clients[self.random.below(self.clients.count)]
        guard client.pooled.session.state == .waiting else { return }
        self.note("c\(client.number) has waited too long")
        self.poolers[client.worker].refuse(client.pooled, code: "53300")
    }

    /// An idle server goes to another worker.
    private func move() {
        guard self.mix.workers > 1 else { return }
        self.move(self.random.below(self.servers.count))
    }

    /// Idle servers go where clients wait.
    private func help() {
        for place in self.servers.indices {
            let worker = self.servers[place].worker
            let others = self.poolers.filter { $0.number != worker && !$0.waiting.isEmpty }
            if !others.isEmpty { self.move(place) }
        }
    }

    private func move(_ place: Int) {
        let (server, worker) = self.servers[place]
        let session = server.session
        guard let index = self.poolers[worker].idle.firstIndex(where: { $0 === server }),
            session.nextRecovery() == .ready, session.isAtRest, server.own == .none
        else { return }
        self.note("s\(server.number) goes to another worker")
        self.poolers[worker].idle.remove(at: index)
        let luggage = server.exchange.luggage(self.poolers[worker].table)
        server.exchange.closed(&self.poolers[worker].table)
        let other = 1 - worker
        let moved = PooledServer(
            number: server.number,
            backend: server.backend,
            limit: self.mix.limit
        )
        moved.session = session
        moved.exchange.unpack(luggage, &self.poolers[other].table)
        self.servers[place] = (moved, other)
        self.poolers[other].checkIn(moved)
        self.poolers[other].settle()
    }

    /// A client's settings change while it is at rest, as by SET.
    private func changeSettings() {
        let place = self.random.below(self.clients.count)
        let client = self.clients[place]
        guard !client.isOver, client.oracle.isQuiet, client.oracle.model.isAtRest,
            client.underWay == 0, client.pooled.session.state == .idle
        else { return }
        let settings = self.random.below(3)
        self.note("c\(client.number) has settings \(settings)")
        client.pooled.settings = settings
        client.pooled.statements.parsing = ContentHash(high: 0, low: UInt64(settings))
        self.clients[place].oracle.set(parsing: settings)
    }

    /// A function of somebody's has run DEALLOCATE ALL.
    private func loseStatements() {
        let server = self.servers[self.random.below(self.servers.count)].server
        guard server.client == nil, server.phase == .ready else { return }
        self.note("s\(server.number) loses its statements")
        server.backend.loseStatements()
    }

    // MARK: The end

    /// Everybody finishes what is begun; then nothing may be owed, and nothing left over.
    private func end() {
        self.note("the end")
        for place in self.clients.indices where !self.clients[place].isOver {
            self.clients[place].say(.sync, &self.tags)
            self.clients[place].say(.query("ROLLBACK"), &self.tags)
        }
        var isMoving = true
        var turns = 0
        while isMoving, self.fault == nil {
            turns += 1
            if turns > 10_000 { return self.violated("the end does not come") }
            let before = (self.heardNow, self.arrived)
            for place in self.clients.indices { self.deliver(place, .max) }
            while !self.cancels.isEmpty { self.landCancel() }
            self.help()
            for (server, worker) in self.servers where server.phase != .closed {
                while self.readOne(server) {}
                self.poolers[worker].receive(.max, from: server)
                self.hear()
            }
            self.hear()
            let isQuiet = self.servers.allSatisfy { $0.server.backend.isQuiet }
            let isHelpDue = self.poolers.contains { worker in
                !worker.waiting.isEmpty && self.poolers.contains { !$0.idle.isEmpty }
            }
            isMoving = before != (self.heardNow, self.arrived) || !isQuiet || isHelpDue
        }
        if self.fault == nil { self.checkQuiet() }
        if self.fault == nil { self.checkLeavings() }
    }

    private var heardNow: Int { self.clients.reduce(0) { $0 + $1.oracle.heardCount } }

    private func checkQuiet() {
        for (server, worker) in self.servers {
            self.note(
                "s\(server.number) on \(worker): \(server.phase) of \(server.client?.number ?? -1),"
                    + " \(server.session.nextRecovery()), own \(server.own)"
            )
        }
        for client in self.clients where !client.pooled.isStashEmpty {
            self.note(
                "c\(client.number): \(client.pooled.session.state), \(client.pooled.stashCount)"
            )
        }
        for pooler in self.poolers {
            self.note("worker \(pooler.number): \(pooler.waiting.map(\.number)) wait")
        }
        for place in self.clients.indices where !self.clients[place].isOver {
            let client = self.clients[place]
            if let missed = self.clients[place].oracle.end() {
                return self.violated("client \(client.number) \(missed)")
            }
            guard client.pooled.session.state == .idle, client.pooled.isStashEmpty else {
                let state = client.pooled.session.state
                return self.violated("client \(client.number) is \(state) when all is quiet")
            }
        }
        let idle = self.poolers.reduce(0) { $0 + $1.idle.count }
        guard idle == self.servers.count else {
            return self.violated("\(idle) of \(self.servers.count) servers are idle at the end")
        }
        for (server, worker) in self.servers {
            if let fault = self.poolers[worker].check(server) { return self.violated(fault) }
        }
        for pooler in self.poolers {
            let clients = self.clients.filter { !$0.isOver && $0.worker == pooler.number }
            let servers = self.servers.filter { $0.worker == pooler.number }
            let fault = pooler.checkTable(clients.map(\.pooled), servers.map(\.server))
            if let fault { return self.violated(fault) }
        }
    }

    private func checkLeavings() {
        for client in self.clients { self.poolers[client.worker].close(client.pooled) }
        for pooler in self.poolers where pooler.table.bytes != 0 {
            return self.violated("\(pooler.table.bytes) bytes are left of clients that have gone")
        }
        for (server, worker) in self.servers { self.poolers[worker].closeServer(server) }
        for pooler in self.poolers where pooler.table.count != 0 {
            return self.violated("\(pooler.table.count) statements are left of nobody")
        }
    }
}
