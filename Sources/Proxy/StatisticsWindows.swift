import Logging
import Pooling
import Reactor
import Settings
import Telemetry

/// The counters of past periods, for averages; one window a database.
struct StatisticsWindows {
    private var total: StatsWindow
    private var nextPeriod: Instant
    /// When the averages' window began, in the loop's nanoseconds.
    private(set) var windowStart: Instant
    private var periodStart: Instant
    /// Counters at the start of the averages' window.
    private(set) var previous: [String: PoolCounters] = [:]
    private var latest: [String: PoolCounters] = [:]

    init(now: Instant) {
        self.total = StatsWindow(startingAt: Self.microseconds(now))
        self.nextPeriod = .min
        self.windowStart = now
        self.periodStart = now
    }

    static func microseconds(_ time: Instant) -> UInt64 { UInt64(max(0, time) / 1_000) }

    /// Whether a period has ended; the first one begins with the first call.
    mutating func isDue(now: Instant, period: Nanoseconds) -> Bool {
        if self.nextPeriod == .min { self.nextPeriod = now + period }
        guard now >= self.nextPeriod else { return false }
        self.nextPeriod = now + period
        return true
    }

    /// Ends a period: what averages are taken from moves on. Returns the averages of all databases.
    mutating func rotate(_ counters: [String: PoolCounters], now: Instant) -> StatsAverages {
        var sum = PoolCounters()
        for value in counters.values { sum += value }
        let time = Self.microseconds(now)
        self.total.rotate(to: sum, at: time)
        let averages = self.total.averages(of: sum, at: time)
        self.previous = self.latest
        self.latest = counters
        self.windowStart = self.periodStart
        self.periodStart = now
        return averages
    }
}

extension Worker {
    /// The counters of every database that has a pool.
    func databaseCounters() -> [String: PoolCounters] {
        var result: [String: PoolCounters] = [:]
        for pool in self.poolEntries where self.databaseEntries[pool.database.name] != nil {
            result[pool.database.name, default: PoolCounters()] += pool.counters
        }
        return result
    }

    /// Ends a statistics period when it is time, with PgBouncer's line in the log.
    func keepStatistics(now: Instant) {
        let period = self.settings.global.statsPeriod.nanoseconds
        guard period > 0, self.statistics.isDue(now: now, period: period) else { return }
        self.gather(.statistics, for: .statistics)
    }

    /// Ends a statistics period with the counters of all workers.
    func endPeriod(_ counters: [String: PoolCounters]) {
        let averages = self.statistics.rotate(counters, now: self.loop.now)
        if self.settings.global.logStats { self.logger.info("\(StatsLine.format(averages))") }
    }
}
