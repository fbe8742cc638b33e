/// What one pool, database or process has counted since it started.
///
/// A trivial value: the worker that owns it adds to its fields in place, and a copy is a snapshot.
/// The first eleven fields stand in the order of `SHOW STATS`. Counts and byte counts are plain
/// numbers, times are microseconds. Arithmetic never traps: a sum wraps (after half a million
/// years of microseconds), a difference stops at zero.
public struct PoolCounters: Sendable, Equatable {
    /// How often a client was given a server connection.
    public var serverAssignmentCount: UInt64 = 0
    /// Transactions finished.
    public var xactCount: UInt64 = 0
    /// Queries finished; a pipelined batch counts once.
    public var queryCount: UInt64 = 0
    /// Bytes received from clients.
    public var bytesReceived: UInt64 = 0
    /// Bytes sent to clients, i.e. received from servers.
    public var bytesSent: UInt64 = 0
    /// Microseconds spent in transactions, idle-in-transaction included.
    public var xactTime: UInt64 = 0
    /// Microseconds spent in queries.
    public var queryTime: UInt64 = 0
    /// Microseconds that clients waited for a server connection.
    public var waitTime: UInt64 = 0
    /// Parse messages of clients.
    public var clientParseCount: UInt64 = 0
    /// Parse messages sent to servers to prepare a client's named statement.
    public var serverParseCount: UInt64 = 0
    /// Bind messages of clients.
    public var bindCount: UInt64 = 0

    /// Logins of clients that succeeded.
    public var clientLoginCount: UInt64 = 0
    /// Logins of clients that were refused or failed.
    public var clientLoginFailureCount: UInt64 = 0
    /// Server connections opened and logged in.
    public var serverLoginCount: UInt64 = 0
    /// Attempts to open a server connection that failed.
    public var serverLoginFailureCount: UInt64 = 0
    /// ErrorResponses that PostgreSQL sent to clients.
    public var serverErrorCount: UInt64 = 0
    /// ErrorResponses that the pooler itself sent to clients.
    public var poolerErrorCount: UInt64 = 0
    /// Clients that gave up waiting because `query_wait_timeout` had passed.
    public var waitTimeoutCount: UInt64 = 0

    /// Counters that are all zero.
    public init() {}

    /// Adds field by field, wrapping.
    public static func + (left: PoolCounters, right: PoolCounters) -> PoolCounters {
        left.combined(with: right) { $0 &+ $1 }
    }

    /// Adds field by field in place, wrapping.
    public static func += (left: inout PoolCounters, right: PoolCounters) {
        left = left + right
    }

    /// Subtracts field by field, stopping at zero.
    ///
    /// Totals can go backwards: counters belong to pools and disappear with them.
    public static func - (left: PoolCounters, right: PoolCounters) -> PoolCounters {
        left.combined(with: right) { $0 > $1 ? $0 - $1 : 0 }
    }

    private func combined(
        with other: PoolCounters,
        _ combine: (UInt64, UInt64) -> UInt64
    ) -> PoolCounters {
        var result = PoolCounters()
        result.serverAssignmentCount = combine(
            self.serverAssignmentCount,
            other.serverAssignmentCount
        )
        result.xactCount = combine(self.xactCount, other.xactCount)
        result.queryCount = combine(self.queryCount, other.queryCount)
        result.bytesReceived = combine(self.bytesReceived, other.bytesReceived)
        result.bytesSent = combine(self.bytesSent, other.bytesSent)
        result.xactTime = combine(self.xactTime, other.xactTime)
        result.queryTime = combine(self.queryTime, other.queryTime)
        result.waitTime = combine(self.waitTime, other.waitTime)
        result.clientParseCount = combine(self.clientParseCount, other.clientParseCount)
        result.serverParseCount = combine(self.serverParseCount, other.serverParseCount)
        result.bindCount = combine(self.bindCount, other.bindCount)
        result.clientLoginCount = combine(self.clientLoginCount, other.clientLoginCount)
        result.clientLoginFailureCount = combine(
            self.clientLoginFailureCount,
            other.clientLoginFailureCount
        )
        result.serverLoginCount = combine(self.serverLoginCount, other.serverLoginCount)
        result.serverLoginFailureCount = combine(
            self.serverLoginFailureCount,
            other.serverLoginFailureCount
        )
        result.serverErrorCount = combine(self.serverErrorCount, other.serverErrorCount)
        result.poolerErrorCount = combine(self.poolerErrorCount, other.poolerErrorCount)
        result.waitTimeoutCount = combine(self.waitTimeoutCount, other.waitTimeoutCount)
        return result
    }
}
