import Auth
import Fleet
import Glibc
import Logging
import Pooling
import Proxy
import Settings

/// The fleet that the configuration says the process belongs to.
struct PoolerFleet: FleetJoining {
    private let settings: Settings
    private let passwords: @Sendable (String) -> String?
    private let identity: MemberIdentity
    private let probes: BudgetProbes
    private let logger: Logger

    /// Nil where the process has its budgets for itself.
    ///
    /// - Parameter probes: told what ledgers learn of their servers.
    init?(_ settings: Settings, _ users: UserList, _ probes: BudgetProbes, _ logger: Logger) {
        let global = settings.global
        guard global.budgetLedger != .local else { return nil }
        self.settings = settings
        self.passwords = { user in
            if case .plain(let password)? = users.secret(of: user) { password } else { nil }
        }
        self.probes = probes
        self.logger = logger
        self.identity = MemberIdentity(
            member: UInt64.random(in: 1..<1 << 48),
            fleet: global.fleetName,
            node: global.nodeName.isEmpty ? Self.hostName : global.nodeName,
            address: Self.address(global),
            version: WeirVersion.number
        )
    }

    var ledger: String { "\(self.settings.global.budgetLedger)" }

    var origin: UInt8 { UInt8(truncatingIfNeeded: self.identity.member) }

    /// Control connections take their places out of the budget, so that a process can come up
    /// without asking anybody.
    func slots(of slots: Int) -> Int { max(1, slots - self.settings.global.controlReserve) }

    func join(
        _ server: ServerBudget,
        _ settings: Settings,
        slots: Int,
        workers: Int,
        roles: @escaping @Sendable () -> [String],
        change: @escaping @Sendable (FleetStanding, _ inUse: Int) -> Void
    ) -> (any FleetSeat)? {
        // A reload changes databases, and may leave the ledger's keys as they were.
        guard let address = self.address(of: server, settings) else {
            self.logger.error(
                """
                server \(server.name): nothing is opened there: set ledger_user, or user= for a \
                database that is there
                """
            )
            return nil
        }
        var limits = FleetLimits(budget: slots)
        limits.weight = server.weight
        limits.settleTime = Self.loginTime
        let isTerminating = self.settings.global.budgetFence == .terminate
        if isTerminating { limits.fence = .terminate(after: Self.silence) }
        let (identity, probes, logger) = (self.identity, self.probes, self.logger)
        let reserve = self.settings.global.controlReserve
        return Membership(
            server: server.name,
            member: identity.member,
            limits: limits,
            workers: workers,
            logger: logger,
            makeLedger: { report, ownSessions, budget in
                PostgresLedger(
                    LedgerContext(
                        identity: identity,
                        roles: roles,
                        ownSessions: ownSessions,
                        budget: budget,
                        learn: { probes.learned($0, of: server) },
                        report: report,
                        logger: logger
                    ),
                    at: address,
                    controlReserve: reserve,
                    silence: isTerminating ? Self.silence : nil
                )
            },
            change: change
        )
    }

    private func address(of server: ServerBudget, _ settings: Settings) -> ControlAddress? {
        guard let login = settings.controlLogin(for: server) else { return nil }
        return ControlAddress(
            hosts: server.hosts,
            port: server.port,
            database: self.settings.global.ledgerDatabase,
            user: login.user,
            password: login.password?.exposed ?? self.passwords(login.user)
        )
    }

    /// The longest time from a startup message to the session in PostgreSQL's list. All wait for it
    /// when somebody dies in the gate; whoever logs in gives up then.
    private static let loginTime: Nanoseconds = 1_000_000_000

    /// For how long a process is not heard of before its sessions are ended, if they are.
    private static let silence: Nanoseconds = 10_000_000_000

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Where other processes reach this one; without a host where only they can tell.
    private static func address(_ global: GlobalSettings) -> String {
        ":\(global.listenPort)"
    }
}
