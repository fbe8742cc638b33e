/// The two snapshots from which averages are computed.
///
/// The window of an average reaches from the start of the previous statistics period until now, so
/// it is one to two `stats_period`s long (and shorter only during the first period). `rotate` is
/// called once a period; averages asked for right after it cover exactly the period that just
/// ended, which is what the stats line prints.
///
/// Time is an argument: microseconds of any monotonic clock, the same for all calls.
public struct StatsWindow: Sendable {
    private var older: Snapshot
    private var newer: Snapshot

    private struct Snapshot: Sendable {
        var counters: PoolCounters
        var time: UInt64
    }

    /// Starts a window.
    ///
    /// - Parameters:
    ///   - time: now, in microseconds.
    ///   - counters: the totals now; zero for a pool that has just been made.
    public init(startingAt time: UInt64, with counters: PoolCounters = PoolCounters()) {
        self.older = Snapshot(counters: counters, time: time)
        self.newer = self.older
    }

    /// Ends a statistics period: the window now starts where the period that ended started.
    ///
    /// - Parameters:
    ///   - counters: the totals now.
    ///   - time: now, in microseconds.
    public mutating func rotate(to counters: PoolCounters, at time: UInt64) {
        self.older = self.newer
        self.newer = Snapshot(counters: counters, time: time)
    }

    /// The averages from the start of the window until now.
    ///
    /// Totals that went backwards, because a pool has gone, and a clock that did, count as zero.
    ///
    /// - Parameters:
    ///   - counters: the totals now.
    ///   - time: now, in microseconds.
    public func averages(of counters: PoolCounters, at time: UInt64) -> StatsAverages {
        let elapsed = time > self.older.time ? time - self.older.time : 0
        return StatsAverages(of: counters - self.older.counters, over: elapsed)
    }
}
