/// The counters behind SHOW STATS, in the order of its columns.
///
/// Times are microseconds, counts and bytes only grow; they belong to pools and vanish with them.
public struct SnapshotStatistics: Equatable, Sendable {
    /// How often a client got a server.
    public var serverAssignments: UInt64 = 0
    /// Transactions, statements outside one included.
    public var transactions: UInt64 = 0
    /// Queries; a pipelined batch is one.
    public var queries: UInt64 = 0
    /// Bytes from clients.
    public var received: UInt64 = 0
    /// Bytes from servers, i.e. towards clients.
    public var sent: UInt64 = 0
    /// Time in transactions, idle time inside them included.
    public var transactionTime: UInt64 = 0
    /// Time in queries.
    public var queryTime: UInt64 = 0
    /// Time that clients waited for a server.
    public var waitTime: UInt64 = 0
    /// Named Parse messages from clients.
    public var clientParses: UInt64 = 0
    /// Parse messages sent to servers.
    public var serverParses: UInt64 = 0
    /// Bind messages to servers.
    public var binds: UInt64 = 0

    /// Creates counters at 0.
    public init() {}

    /// The eleven values in the order of the columns.
    public var values: [UInt64] {
        [
            self.serverAssignments, self.transactions, self.queries, self.received, self.sent,
            self.transactionTime, self.queryTime, self.waitTime,
            self.clientParses, self.serverParses, self.binds,
        ]
    }

    /// Adds another pool's counters; a sum that does not fit stays at the largest value.
    public mutating func add(_ other: SnapshotStatistics) {
        self = self.combined(with: other) { left, right in
            let (sum, overflow) = left.addingReportingOverflow(right)
            return overflow ? .max : sum
        }
    }

    /// What SHOW STATS calls averages: counts and bytes per second, times per event.
    ///
    /// The divisor of a time is the count of its own events in the window, so a rare event keeps
    /// its precision. Counters that went backwards, since a pool vanished, count as unchanged.
    ///
    /// - Parameters:
    ///   - earlier: the counters at the window's start.
    ///   - microseconds: the window's length; without one every average is 0.
    public func averages(
        since earlier: SnapshotStatistics,
        over microseconds: Int64
    )
        -> SnapshotStatistics
    {
        guard microseconds > 0 else { return SnapshotStatistics() }
        let growth = self.combined(with: earlier) { now, then in now > then ? now - then : 0 }
        let window = UInt64(microseconds)
        var result = growth.combined(with: growth) { count, _ in Self.perSecond(count, window) }
        result.transactionTime = Self.ratio(growth.transactionTime, growth.transactions)
        result.queryTime = Self.ratio(growth.queryTime, growth.queries)
        result.waitTime = Self.ratio(growth.waitTime, growth.serverAssignments)
        return result
    }

    private static func ratio(_ time: UInt64, _ events: UInt64) -> UInt64 {
        events == 0 ? 0 : time / events
    }

    private static func perSecond(_ count: UInt64, _ microseconds: UInt64) -> UInt64 {
        let product = count.multipliedFullWidth(by: 1_000_000)
        guard product.high < microseconds else { return .max }
        return microseconds.dividingFullWidth(product).quotient
    }

    private func combined(
        with other: SnapshotStatistics,
        _ operation: (UInt64, UInt64) -> UInt64
    ) -> SnapshotStatistics {
        var result = SnapshotStatistics()
        result.serverAssignments = operation(self.serverAssignments, other.serverAssignments)
        result.transactions = operation(self.transactions, other.transactions)
        result.queries = operation(self.queries, other.queries)
        result.received = operation(self.received, other.received)
        result.sent = operation(self.sent, other.sent)
        result.transactionTime = operation(self.transactionTime, other.transactionTime)
        result.queryTime = operation(self.queryTime, other.queryTime)
        result.waitTime = operation(self.waitTime, other.waitTime)
        result.clientParses = operation(self.clientParses, other.clientParses)
        result.serverParses = operation(self.serverParses, other.serverParses)
        result.binds = operation(self.binds, other.binds)
        return result
    }
}
