import Telemetry
import Testing

@Suite struct StatsWindowTests {
    /// Ten seconds of a pool: 1,000 transactions of 3,500 µs, 2,500 queries of 1,001 µs, and so on.
    private static let tenSeconds: PoolCounters = {
        var counters = PoolCounters()
        counters.serverAssignmentCount = 1200
        counters.xactCount = 1000
        counters.queryCount = 2500
        counters.bytesReceived = 123_456
        counters.bytesSent = 9_876_543
        counters.xactTime = 3_500_999
        counters.queryTime = 2_502_500
        counters.waitTime = 59_999
        counters.clientParseCount = 99
        counters.serverParseCount = 9
        counters.bindCount = 250
        counters.clientLoginCount = 19
        return counters
    }()

    @Test func `rates are per second and times per event, rounded down`() {
        let averages = StatsAverages(of: Self.tenSeconds, over: 10_000_000)
        #expect(averages.serverAssignmentCount == 120)
        #expect(averages.xactCount == 100)
        #expect(averages.queryCount == 250)
        #expect(averages.bytesReceived == 12_345)
        #expect(averages.bytesSent == 987_654)
        #expect(averages.xactTime == 3500)
        #expect(averages.queryTime == 1001)
        #expect(averages.waitTime == 49, "59,999 µs over 1,200 assignments")
        #expect(averages.clientParseCount == 9)
        #expect(averages.serverParseCount == 0)
        #expect(averages.bindCount == 25)
        #expect(averages.clientLoginCount == 1)
    }

    @Test func `a rate over less than a second is scaled up`() {
        var counters = PoolCounters()
        counters.queryCount = 3
        #expect(StatsAverages(of: counters, over: 250_000).queryCount == 12)
    }

    @Test func `nothing is divided by zero`() {
        var counters = PoolCounters()
        counters.xactTime = 5
        counters.queryTime = 5
        counters.waitTime = 5
        #expect(StatsAverages(of: counters, over: 1_000_000) == StatsAverages())
        let averages = StatsAverages(of: Self.tenSeconds, over: 0)
        #expect(averages.xactCount == 0 && averages.bytesSent == 0)
        #expect(averages.xactTime == 3500)
    }

    @Test func `the largest counters do not overflow`() {
        var counters = PoolCounters()
        counters.bytesSent = .max
        counters.queryCount = .max
        counters.queryTime = .max
        #expect(StatsAverages(of: counters, over: 1).bytesSent == .max)
        let perSecond = StatsAverages(of: counters, over: 2_000_000).bytesSent
        #expect(perSecond == UInt64.max / 2)
        #expect(StatsAverages(of: counters, over: 1).queryTime == 1)
    }

    /// Queries: 100 in the first minute, 700 in the second, 60 in half of the third.
    @Test func `the window starts where the previous period started`() {
        func counters(_ queries: UInt64) -> PoolCounters {
            var counters = PoolCounters()
            counters.queryCount = queries
            return counters
        }
        let minute: UInt64 = 60_000_000
        let start: UInt64 = 5_000_000
        var window = StatsWindow(startingAt: start)

        // First period: from the start until now. 50 in 10 s.
        #expect(window.averages(of: counters(50), at: start + 10_000_000).queryCount == 5)

        window.rotate(to: counters(100), at: start + minute)
        // Right after a rotation: the period that just ended. 100 / 60.
        #expect(window.averages(of: counters(100), at: start + minute).queryCount == 1)
        // Within the second period: still from the start of the first. 400 / 90.
        #expect(
            window.averages(of: counters(400), at: start + minute + minute / 2).queryCount == 4
        )

        window.rotate(to: counters(800), at: start + 2 * minute)
        // 700 / 60.
        #expect(window.averages(of: counters(800), at: start + 2 * minute).queryCount == 11)
        // From the start of the second period: 760 / 90.
        #expect(
            window.averages(of: counters(860), at: start + 2 * minute + minute / 2).queryCount == 8
        )
    }

    @Test func `what was counted before the window's start is not in it`() {
        let window = StatsWindow(startingAt: 0, with: Self.tenSeconds)
        #expect(window.averages(of: Self.tenSeconds, at: 1_000_000) == StatsAverages())
    }

    @Test func `totals and a clock that go backwards count as zero`() {
        var window = StatsWindow(startingAt: 1_000_000)
        window.rotate(to: Self.tenSeconds, at: 2_000_000)
        window.rotate(to: Self.tenSeconds, at: 3_000_000)
        #expect(window.averages(of: PoolCounters(), at: 4_000_000) == StatsAverages())
        #expect(window.averages(of: Self.tenSeconds + Self.tenSeconds, at: 0).xactCount == 0)
    }

    @Test func `the stats line reads as PgBouncer 1_25_2 prints it`() {
        let line = StatsLine.format(StatsAverages(of: Self.tenSeconds, over: 10_000_000))
        #expect(
            line == """
                stats: 100 xacts/s, 250 queries/s, 9 client parses/s, 0 server parses/s, \
                25 binds/s, in 12345 B/s, out 987654 B/s, xact 3500 us, query 1001 us, wait 49 us
                """
        )
    }
}
