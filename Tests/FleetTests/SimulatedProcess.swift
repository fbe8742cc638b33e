import Locking
import Logging
import Pooling

@testable import Fleet

/// A process of a fleet whose clients always want a number of connections, and use them.
final class SimulatedProcess: Sendable {
    private struct State {
        var demand = 0
        var since: Instant = 0
        var sessions: [UInt32] = []
        var standing = FleetStanding()
    }

    private let state = Locked(State())
    private let server: SimulatedSessions
    private let membership: Membership

    init(_ number: UInt64, of fleet: EtcdMemberOfTest.Fleet, at server: SimulatedSessions) {
        self.server = server
        var limits = FleetLimits(budget: 10)
        limits.lease = fleet.lease
        limits.fence = fleet.fence
        let state = self.state
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        self.membership = Membership(
            server: "test",
            member: number,
            limits: limits,
            workers: 1,
            logger: logger,
            makeLedger: { report, ownSessions, budget in
                let context = LedgerContext(
                    identity: MemberIdentity(
                        member: number,
                        fleet: fleet.name,
                        node: "node-\(number)",
                        address: "",
                        version: "1.0"
                    ),
                    roles: { ["app"] },
                    ownSessions: ownSessions,
                    budget: budget,
                    learn: { _ in },
                    report: report,
                    logger: logger
                )
                do {
                    return try EtcdLedger(
                        fleet.settings,
                        lease: fleet.lease,
                        place: "db:5432",
                        fence: fleet.fence,
                        context: context,
                        sessions: server
                    )
                } catch {
                    preconditionFailure("\(error)")
                }
            },
            change: { standing, _ in state.withLock { $0.standing = standing } }
        )
    }

    /// Connections that it has.
    var held: Int { self.sessions.count }

    /// Their process IDs at PostgreSQL.
    var sessions: [UInt32] { self.state.withLock { $0.sessions } }

    /// What its clients want from now on.
    func want(_ demand: Int) {
        self.state.withLock { state in
            state.demand = demand
            state.since = BootClock.now
        }
    }

    /// What happens within a few milliseconds.
    func step() {
        let state = self.state.withLock { $0 }
        for session in state.sessions.suffix(state.standing.owed) {
            self.state.withLock { state in state.sessions.removeAll { $0 == session } }
            self.server.close(session)
            self.membership.closed(session: session)
        }
        var demand = PoolSet.Demand()
        demand.used = min(state.demand, self.held)
        demand.waiting = state.demand - demand.used
        demand.oldestSince = demand.waiting > 0 ? state.since : .max
        self.membership.demandChanged(demand, of: 0)
        for _ in 0..<demand.waiting where self.membership.takePermit() {
            let session = self.server.open()
            self.state.withLock { $0.sessions.append(session) }
            self.membership.loggedIn(session: session, by: 0)
        }
    }

    /// The process ends in an orderly way.
    func stop() {
        self.end()
        for session in self.state.withLock({ $0.sessions }) { self.server.close(session) }
    }

    /// The process ends, and its sessions stay.
    func end() { self.membership.stop() }
}
