import CPerformance
import Pooling
import TestSupport
import Wire

/// The decisions of a transaction in the order in which the relay asks for them, without bytes and
/// sockets: check-out, requests, replies, check-in.
struct SessionRun {
    private static let client = ClientID(index: 7, generation: 1)
    private static let statement = UnnamedStatement(number: 7)
    /// Servers of the pool, as many as are idle beside the one in use.
    private static let servers = 20

    private var client = ClientSession(mode: .transaction)
    private var sessions: [ServerSession] = []
    private var pools = PoolSet()
    private let pool: PoolID
    private let requests: [(kind: UInt8, target: UInt8)]
    private let replies: [(kind: UInt8, status: UInt8)]
    private var now: Instant = 1

    private init(_ exchange: Exchange) {
        self.requests = exchange.request.map { ($0.kind, $0.body.first ?? 0) }
        self.replies = exchange.reply.map { ($0.kind, $0.body.first ?? 0) }
        let database = self.pools.addDatabase(limit: 0)
        let user = self.pools.addUser(limit: 0)
        self.pool = self.pools.addPool(database: database, user: user, limits: PoolLimits())
        self.pools.setFilling(of: self.pool, always: false, hasCredentials: true)
        self.pools.clientJoined(self.pool)
        var limits = PoolLimits()
        limits.lifetime = .max
        self.pools.setLimits(limits, of: self.pool)
        for index in 0..<Self.servers {
            let id = ServerID(index: UInt32(index), generation: 1)
            self.sessions.append(ServerSession())
            self.pools.opened(id, in: self.pool, now: self.now)
            self.pools.loginSucceeded(id, now: self.now)
            let outcome = self.pools.checkIn(id, now: self.now)
            precondition(outcome == .idle, "a new server is \(outcome)")
        }
    }

    /// Runs `count` transactions.
    static func measure(_ exchange: Exchange, count: Int) -> Measurement {
        weir_perf_count_allocations_here()
        var run = SessionRun(exchange)
        for _ in 0..<1_000 { run.transaction() }
        return Measurement { for _ in 0..<count { run.transaction() } }
    }

    private mutating func transaction() {
        self.now += 1_000
        guard self.client.received(self.requests[0].kind) == .acquire,
            case .use(let id) = self.pools.checkOut(self.pool, client: Self.client, now: self.now)
        else { preconditionFailure("no server for a client in state \(self.client.state)") }
        self.client.linked()
        let server = Int(id.index)
        for (kind, target) in self.requests {
            guard case .forward(let request?) = self.client.received(kind, target: target) else {
                preconditionFailure("request \(kind) is not forwarded")
            }
            self.send(request, to: server)
        }
        for (kind, status) in self.replies {
            let verdict = self.sessions[server].received(kind, status: status)
            switch verdict {
            case .forward: break
            case .forwardEnd: self.end(id)
            default: preconditionFailure("reply \(kind) is \(verdict)")
            }
        }
        precondition(self.client.state == .idle, "the client is \(self.client.state)")
    }

    private mutating func send(_ request: ReplyLedger.Request, to server: Int) {
        let isForeign = self.sessions[server]
            .mustCloseUnnamed(before: request, named: false, own: Self.statement)
        precondition(!isForeign, "there is but one client")
        if request == .parse { self.sessions[server].parseSent(Self.statement) }
        self.sessions[server].sent(request)
    }

    private mutating func end(_ id: ServerID) {
        let session = self.sessions[Int(id.index)]
        precondition(self.client.batchEnded(session) == .release, "the server is kept")
        self.client.unlinked()
        precondition(session.nextRecovery() == .ready, "the server is not clean")
        let outcome = self.pools.checkIn(id, now: self.now)
        precondition(outcome == .idle, "the server is \(outcome)")
    }
}
