/// The averages of one window: what `SHOW STATS` calls `avg_*` and what the stats line prints.
///
/// Counts and byte counts are per second; `xactTime` is microseconds per transaction, `queryTime`
/// microseconds per query, `waitTime` microseconds per server assignment. All are rounded down.
public struct StatsAverages: Sendable, Equatable {
    /// Server assignments per second.
    public var serverAssignmentCount: UInt64 = 0
    /// Transactions per second.
    public var xactCount: UInt64 = 0
    /// Queries per second.
    public var queryCount: UInt64 = 0
    /// Bytes per second from clients.
    public var bytesReceived: UInt64 = 0
    /// Bytes per second to clients.
    public var bytesSent: UInt64 = 0
    /// Microseconds per transaction.
    public var xactTime: UInt64 = 0
    /// Microseconds per query.
    public var queryTime: UInt64 = 0
    /// Microseconds of waiting per server assignment.
    public var waitTime: UInt64 = 0
    /// Parse messages of clients per second.
    public var clientParseCount: UInt64 = 0
    /// Parse messages sent to servers per second.
    public var serverParseCount: UInt64 = 0
    /// Bind messages of clients per second.
    public var bindCount: UInt64 = 0
    /// Successful client logins per second.
    public var clientLoginCount: UInt64 = 0

    /// Averages that are all zero.
    public init() {}

    /// Computes the averages of what was counted during some time.
    ///
    /// - Parameters:
    ///   - counted: what was counted during the window, i.e. a difference of two totals.
    ///   - microseconds: how long the window is. Zero gives rates of zero.
    public init(of counted: PoolCounters, over microseconds: UInt64) {
        func perSecond(_ count: UInt64) -> UInt64 { Self.rate(of: count, over: microseconds) }

        self.serverAssignmentCount = perSecond(counted.serverAssignmentCount)
        self.xactCount = perSecond(counted.xactCount)
        self.queryCount = perSecond(counted.queryCount)
        self.bytesReceived = perSecond(counted.bytesReceived)
        self.bytesSent = perSecond(counted.bytesSent)
        self.xactTime = Self.share(of: counted.xactTime, among: counted.xactCount)
        self.queryTime = Self.share(of: counted.queryTime, among: counted.queryCount)
        self.waitTime = Self.share(of: counted.waitTime, among: counted.serverAssignmentCount)
        self.clientParseCount = perSecond(counted.clientParseCount)
        self.serverParseCount = perSecond(counted.serverParseCount)
        self.bindCount = perSecond(counted.bindCount)
        self.clientLoginCount = perSecond(counted.clientLoginCount)
    }

    /// `count * 1,000,000 / microseconds` without overflow; too large a rate is `UInt64.max`.
    private static func rate(of count: UInt64, over microseconds: UInt64) -> UInt64 {
        let scaled = count.multipliedFullWidth(by: 1_000_000)
        if microseconds == 0 { return 0 }
        if scaled.high >= microseconds { return .max }
        return microseconds.dividingFullWidth(scaled).quotient
    }

    private static func share(of total: UInt64, among count: UInt64) -> UInt64 {
        count == 0 ? 0 : total / count
    }
}
