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
    private let identity: MemberIdentity
    /// Nil where the ledger is in PostgreSQL itself.
    private let etcd: EtcdSettings?
    private let probes: BudgetProbes
    private let logger: Logger

    /// Nil where the process has its budgets for itself.
    ///
    /// - Parameter probes: told what ledgers learn of their servers.
    /// - Throws: where a file that is set for etcd cannot be used.
    init?(
        _ settings: Settings,
        _ probes: BudgetProbes,
        _ logger: Logger
    ) throws(StartFailure) {
        let global = settings.global
        guard global.budgetLedger != .local else { return nil }
        self.settings = settings
        self.etcd = global.budgetLedger == .etcd ? try Self.etcd(global) : nil
        self.probes = probes
        self.logger = logger
        self.identity = MemberIdentity(
            member: Self.member(global.peerID == 0 ? Int.random(in: 0...255) : global.peerID),
            fleet: global.fleetName,
            node: global.nodeName.isEmpty ? Self.hostName : global.nodeName,
            address: Self.address(global),
            version: WeirVersion.number
        )
    }

    var ledger: String { "\(self.settings.global.budgetLedger)" }

    var origin: UInt8 { UInt8(truncatingIfNeeded: self.identity.member) }

    func slots(of slots: Int) -> Int? {
        let left = slots - self.settings.global.ledgerReserve
        return left > 0 ? left : nil
    }

    func join(
        _ serverNow: @escaping @Sendable () -> ServerBudget,
        _ settings: Settings,
        slots: Int,
        workers: Int,
        roles: @escaping @Sendable () -> [String],
        change: @escaping @Sendable (FleetStanding, _ inUse: Int) -> Void
    ) -> (any FleetSeat)? {
        let server = serverNow()
        // A reload changes databases, and may leave the ledger's keys as they were.
        guard let address = self.address(of: server, settings, self.probes.inForce.users) else {
            self.logger.error(
                """
                server \(server.name): nothing is opened there: set ledger_user, or user= for a \
                database that is there
                """
            )
            return nil
        }
        let limits = self.limits(slots, server, minimum: settings.minimum(at: server))
        var identity = self.identity
        // A member of its own at each server, or two names of one would end each other's control
        // connections. What cancel keys show is the process's.
        identity.member = Self.member(Int(self.origin))
        let (member, probes, logger) = (identity, self.probes, self.logger)
        return Membership(
            server: server.name,
            member: member.member,
            limits: limits,
            workers: workers,
            logger: logger,
            makeLedger: { report, ownSessions, budget in
                let context = LedgerContext(
                    identity: member,
                    roles: roles,
                    ownSessions: ownSessions,
                    budget: budget,
                    learn: { probes.learned($0, of: serverNow()) },
                    report: report,
                    logger: logger
                )
                guard let etcd = self.etcd else {
                    return PostgresLedger(
                        context,
                        at: { self.addressInForce(of: serverNow()) ?? address },
                        controlReserve: self.settings.global.controlReserve,
                        silence: self.isTerminating ? Self.silence : nil
                    )
                }
                return Self.ledger(
                    etcd,
                    lease: Self.lease,
                    place: server.hosts.joined(separator: ",") + ":\(server.port)",
                    fence: limits.fence,
                    context: context,
                    sessions: PostgresSessionSource(
                        address: { self.addressInForce(of: serverNow()) ?? address },
                        roles: roles
                    )
                )
            },
            change: change
        )
    }

    private static func ledger(
        _ settings: EtcdSettings,
        lease: Nanoseconds,
        place: String,
        fence: FleetLimits.Fence,
        context: LedgerContext,
        sessions: any SessionSource
    ) -> any Ledger {
        do throws(EtcdError) {
            return try EtcdLedger(
                settings,
                lease: lease,
                place: place,
                fence: fence,
                context: context,
                sessions: sessions
            )
        } catch {
            // They could be used when the process started.
            return UnusableLedger(error.description, context)
        }
    }

    private var isTerminating: Bool { self.settings.global.budgetFence == .terminate }

    private func limits(_ slots: Int, _ server: ServerBudget, minimum: Int) -> FleetLimits {
        var limits = FleetLimits(budget: slots)
        limits.weight = server.weight
        limits.minimum = max(1, minimum)
        limits.settleTime = Self.loginTime
        // The longest regular pass: it settles, opens, and doubts a login that it has given up.
        limits.gateLimit = 5_000_000_000
        if self.etcd != nil { limits.lease = Self.lease }
        if self.isTerminating {
            // Who has no lease any more has been silent for about as long as that was, and is seen
            // to be only at the next look.
            limits.fence = .terminate(
                after: Self.silence - (limits.lease.map { $0 + Self.look } ?? 0)
            )
        }
        return limits
    }

    /// How the control connection gets there, by the settings and users in force.
    private func addressInForce(of server: ServerBudget) -> ControlAddress? {
        let (settings, users) = self.probes.inForce
        return self.address(of: server, settings, users)
    }

    /// Nil where nobody is known who could log in.
    private func address(
        of server: ServerBudget,
        _ settings: Settings,
        _ users: UserList
    ) -> ControlAddress? {
        guard let login = settings.controlLogin(for: server) else { return nil }
        return ControlAddress(
            of: server,
            database: self.settings.global.ledgerDatabase,
            user: login.user,
            password: login.password,
            users
        )
    }

    /// The longest time from a startup message to the session in PostgreSQL's list. All wait for it
    /// when somebody dies in the gate; whoever logs in gives up then.
    private static let loginTime: Nanoseconds = 1_000_000_000

    /// How long a process's place in etcd outlives the process. Its slots are not free before.
    private static let lease: Nanoseconds = 3_000_000_000

    /// What the time between two looks takes of that, on the average.
    private static let look: Nanoseconds = 500_000_000

    /// For how long a process is not heard of before its sessions are ended, if they are.
    private static let silence: Nanoseconds = 10_000_000_000

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Where other processes reach this one. Without a host where PostgreSQL tells them which: it
    /// sees where the control connection comes from.
    private static func address(_ global: GlobalSettings) -> String {
        guard global.budgetLedger == .etcd else { return ":\(global.listenPort)" }
        let wildcards = ["*", "0.0.0.0", "::", ""]
        let host = global.listenAddr.first { !wildcards.contains($0) } ?? Self.hostName
        return (host.contains(":") ? "[\(host)]" : host) + ":\(global.listenPort)"
    }

    private static func etcd(_ global: GlobalSettings) throws(StartFailure) -> EtcdSettings {
        let settings = EtcdSettings(
            endpoints: global.etcdEndpoints,
            user: Self.text(global.etcdUser),
            password: global.etcdPassword?.exposed,
            caFile: Self.text(global.etcdCAFile),
            certificateFile: Self.text(global.etcdCertFile),
            keyFile: Self.text(global.etcdKeyFile)
        )
        do throws(EtcdError) {
            try settings.check()
        } catch {
            throw .configuration(error.description)
        }
        return settings
    }

    /// A number that no other process has; the byte that cancel keys show is given.
    private static func member(_ origin: Int) -> UInt64 {
        UInt64.random(in: 1 << 8..<1 << 48) & ~0xff | UInt64(origin & 0xff)
    }

    private static func text(_ setting: String?) -> String? { setting == "" ? nil : setting }
}
