/// The settings of one pool, resolved over user, database and global.
public struct PoolLimits: Equatable, Sendable {
    /// The most connections in normal times; 0 means no limit.
    public var size = 20
    /// Connections kept open while the pool is in use.
    public var minimumSize = 0
    /// More connections for when a waiter has waited `reserveTimeout`.
    public var reserveSize = 0
    /// After so long a wait the reserve opens; 0 closes it.
    public var reserveTimeout: Nanoseconds = 0
    /// Logins that may be under way at once, when those before have succeeded.
    public var loginParallelism = 16
    /// Connections that clients may keep beyond their transactions; nil means no limit.
    public var pinnedMax: Int?
    /// The age at which a connection is closed between two clients; 0 means after each use.
    public var lifetime: Nanoseconds = 0
    /// How long a connection may be idle; 0 means for ever.
    public var idleTimeout: Nanoseconds = 0
    /// How long a connection may have been idle before it is checked; nil means never checked.
    public var checkDelay: Nanoseconds?
    /// Idle connections are used in turn rather than the last one first.
    public var isRoundRobin = false
    /// The longest wait for a connection; 0 means no limit.
    public var waitTimeout: Nanoseconds = 0
    /// The longest wait while the server cannot be reached; 0 means `waitTimeout` alone counts.
    public var downTimeout: Nanoseconds = 0
    /// A waiter is told after so long; 0 means never.
    public var notifyAfter: Nanoseconds = 0
    /// The pause after repeated failures to log in grows up to this.
    public var retryDelayMax: Nanoseconds = 15_000_000_000

    /// The pause after a first failure to log in.
    public static let retryDelayMin: Nanoseconds = 100_000_000

    /// Logins under way at once before any has shown how the server takes them.
    static let firstParallelism = 4

    /// Creates the defaults.
    public init() {}
}
