import Foundation
import Locking
import Logging
import Pooling

@testable import Fleet

/// A member of a fleet with nothing but its engine.
final class EtcdMemberOfTest: Sendable {
    /// What all of one fleet share.
    struct Fleet {
        let settings: EtcdSettings
        let name = "test-\(UUID().uuidString)"
        var lease: Nanoseconds = 2_000_000_000
        var restless: Nanoseconds = 5_000_000_000
        var fence = FleetLimits.Fence.wait
        var sessions = FakeSessions()

        init(_ settings: EtcdSettings) { self.settings = settings }
        init(_ server: EtcdServer) { self.settings = EtcdSettings(endpoints: server.endpoints) }

        var prefix: String { "/weir/\(self.name)/7123/" }
        var board: String { self.prefix + "5432/" }
    }

    let number: UInt64
    let events = LedgerEvents()
    let own = Locked<[UInt32]>([])
    let ledger: EtcdLedger

    init(_ number: UInt64, of fleet: Fleet, budget: Int = 20) throws {
        self.number = number
        let (events, own) = (self.events, self.own)
        self.ledger = try EtcdLedger(
            fleet.settings,
            lease: fleet.lease,
            restless: fleet.restless,
            place: "db:5432",
            fence: fleet.fence,
            context: LedgerContext(
                identity: MemberIdentity(
                    member: number,
                    fleet: fleet.name,
                    node: "node-\(number)",
                    address: "10.0.0.\(number):6432",
                    version: "1.0"
                ),
                roles: { ["app"] },
                ownSessions: { own.withLock { $0 } },
                budget: { budget },
                learn: { _ in },
                report: { events.note($0) },
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ),
            sessions: fleet.sessions
        )
    }

    deinit { self.ledger.stop() }

    /// Creates one that is connected.
    static func connected(
        _ number: UInt64,
        of fleet: Fleet,
        budget: Int = 20
    ) async throws -> EtcdMemberOfTest {
        let member = try EtcdMemberOfTest(number, of: fleet, budget: budget)
        try await member.connect()
        return member
    }

    func connect() async throws {
        let start = self.events.count
        self.ledger.perform(.reconnect)
        try await self.events.wait("back", from: start) { $0.isBack ? true : nil }
    }

    /// Connects as a member does that fails at first.
    func connectInTheEnd(seconds: Int = 15) async throws {
        let end = BootClock.now + Int64(seconds) * 1_000_000_000
        while BootClock.now < end {
            let start = self.events.count
            self.ledger.perform(.reconnect)
            let isBack = try await self.events.wait("back", from: start) { event in
                event.isBack ? true : event.lostText.map { _ in false }
            }
            if isBack.found { return }
            await OwnThread.sleep(milliseconds: 100)
        }
        throw TestFailure("not back within \(seconds) s")
    }

    /// Whether the last that was said of the session is its loss.
    var isLost: Bool {
        self.events.all { $0.isBack ? false : $0.lostText.map { _ in true } }.last ?? true
    }

    func publish(held: Int, waiting: Int = 0, wakes: Bool = false) {
        var entry = BoardEntry(member: self.number, weight: 1, minimum: 1)
        entry.held = held
        entry.waiting = waiting
        self.ledger.perform(.publish(entry, wakes: wakes))
    }

    /// The board, after all that was wanted before.
    func board() async throws -> Board {
        let start = self.events.count
        self.ledger.perform(.readBoard)
        return try await self.events.wait("board", from: start) { event in
            if case .boardRead(let board) = event { board } else { nil }
        }.found
    }

    func enter(_ pass: UInt32) {
        self.ledger.perform(.enterGate(GatePass(member: self.number, number: pass)))
    }

    /// Waits until the gate is the member's.
    ///
    /// - Returns: when that was.
    @discardableResult
    func waitForGate(_ pass: UInt32, seconds: Int = 10) async throws -> Instant {
        let wanted = GatePass(member: self.number, number: pass)
        return try await self.events.wait("gate", seconds: seconds) { event in
            if case .gateEntered(wanted) = event { true } else { nil }
        }.at
    }

    /// Waits until the session is lost.
    func waitForLoss(from start: Int = 0, seconds: Int = 10) async throws -> String {
        try await self.events.wait("loss", from: start, seconds: seconds) { $0.lostText }.found
    }
}

extension LedgerEvent {
    var isBack: Bool { if case .back = self { true } else { false } }
    var lostText: String? { if case .lost(let text) = self { text } else { nil } }
    var isWoken: Bool { if case .woken = self { true } else { false } }
    var isGateLost: Bool { if case .gateLost = self { true } else { false } }
    var enteredPass: GatePass? { if case .gateEntered(let pass) = self { pass } else { nil } }
    var renewedAt: Instant? { if case .leaseRenewed(let sentAt) = self { sentAt } else { nil } }
}
