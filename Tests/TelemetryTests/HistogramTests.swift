import Telemetry
import Testing

@Suite struct HistogramTests {
    @Test func `an empty histogram answers zero to everything`() {
        let histogram = Histogram()
        #expect(histogram.count == 0 && histogram.sum == 0 && histogram.largest == 0)
        #expect(histogram.percentile(50) == 0)
        #expect(histogram.count(atOrBelow: 1000) == 0)
    }

    @Test func `values below 64 are exact`() {
        for value in 0..<UInt64(64) {
            var histogram = Histogram()
            histogram.record(value)
            histogram.record(1_000_000)
            #expect(histogram.percentile(50) == value)
        }
    }

    @Test func `percentiles of one to ten by rank`() {
        var histogram = Histogram()
        for value in (1...10).reversed() { histogram.record(UInt64(value)) }
        #expect(histogram.percentile(0) == 1)
        #expect(histogram.percentile(10) == 1)
        #expect(histogram.percentile(11) == 2)
        #expect(histogram.percentile(50) == 5)
        #expect(histogram.percentile(70) == 7)
        #expect(histogram.percentile(95) == 10)
        #expect(histogram.percentile(100) == 10)
        #expect(histogram.count == 10 && histogram.sum == 55 && histogram.largest == 10)
    }

    @Test func `percentiles outside 0 to 100 are taken for the nearer end`() {
        var histogram = Histogram()
        histogram.record(3)
        histogram.record(9)
        #expect(histogram.percentile(-1) == 3)
        #expect(histogram.percentile(.nan) == 3)
        #expect(histogram.percentile(-.infinity) == 3)
        #expect(histogram.percentile(.infinity) == 9)
        #expect(histogram.percentile(1e300) == 9)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a percentile is never too low and less than a thirty-second too high`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var histogram = Histogram()
        var values: [UInt64] = []
        for _ in 0..<20_000 {
            // Every magnitude from one microsecond to 19 hours is as likely as any other.
            let value =
                UInt64.random(in: 0..<(1 << 36), using: &generator)
                >> UInt64.random(in: 0..<36, using: &generator)
            values.append(value)
            histogram.record(value)
        }
        values.sort()
        var worst = 0.0
        for percent in stride(from: 0.5, through: 100, by: 0.5) {
            let rank = max(Int((percent * Double(values.count) / 100).rounded(.up)), 1)
            let exact = values[rank - 1]
            let estimate = histogram.percentile(percent)
            #expect(estimate >= exact, "seed \(seed), \(percent) %")
            #expect((estimate - exact) * 32 <= exact, "seed \(seed), \(percent) %")
            if exact > 0 { worst = max(worst, Double(estimate - exact) / Double(exact)) }
        }
        // The bound is nearly reached, so it is the bucket width that this test measures.
        #expect(worst > 0.015 && worst < 1.0 / 32)
        #expect(histogram.sum == values.reduce(0, +))
    }

    @Test func `every edge of every bucket falls into it`() {
        var histogram = Histogram()
        var edges: [UInt64] = []
        for value in 0..<UInt64(32) { edges.append(value) }
        for shift in 0..<UInt64(31) {
            for step in 32..<UInt64(64) { edges.append(step << shift) }
        }
        #expect(edges.count == Histogram.bucketCount)
        for edge in edges { histogram.record(edge) }
        for edge in edges.dropFirst() { histogram.record(edge - 1) }
        histogram.record(.max)

        var expectedLowest: [UInt64] = []
        var previousHighest: UInt64?
        histogram.forEachBucket { bucket in
            #expect(bucket.count == 2, "bucket \(bucket)")
            if let previousHighest { #expect(bucket.lowest == previousHighest + 1) }
            previousHighest = bucket.highest
            expectedLowest.append(bucket.lowest)
        }
        #expect(expectedLowest == edges)
        #expect(previousHighest == .max)
    }

    @Test func `huge values are counted in the last bucket and the sum stops at its end`() {
        var histogram = Histogram()
        histogram.record(1 << 36)
        histogram.record(.max)
        #expect(histogram.count == 2)
        #expect(histogram.largest == .max)
        #expect(histogram.sum == .max)
        #expect(histogram.percentile(99) == .max)
        var other = histogram
        other.merge(histogram)
        #expect(other.sum == .max && other.count == 4)
    }

    @Test func `merging equals recording everything in one`() {
        var generator = SeededGenerator(seed: 7)
        var left = Histogram()
        var right = Histogram()
        var both = Histogram()
        for index in 0..<2000 {
            let value = generator.next() >> UInt64.random(in: 20..<60, using: &generator)
            if index % 3 == 0 { left.record(value) } else { right.record(value) }
            both.record(value)
        }
        left.merge(right)
        #expect(left.count == both.count && left.sum == both.sum && left.largest == both.largest)
        var merged: [Histogram.Bucket] = []
        left.forEachBucket { merged.append($0) }
        var recorded: [Histogram.Bucket] = []
        both.forEachBucket { recorded.append($0) }
        #expect(merged == recorded)
    }

    @Test func `counts at or below a power of two less one are exact`() {
        var generator = SeededGenerator(seed: 11)
        var histogram = Histogram()
        var values: [UInt64] = []
        for _ in 0..<5000 {
            let value = generator.next() >> UInt64.random(in: 28..<64, using: &generator)
            values.append(value)
            histogram.record(value)
        }
        for power in 0...36 {
            let bound = UInt64(1) << UInt64(power) - 1
            let exact = values.count { $0 <= bound }
            #expect(histogram.count(atOrBelow: bound) == exact, "bound \(bound)")
        }
        #expect(histogram.count(atOrBelow: .max) == 5000)
    }

    @Test func `other bounds never count a value above them`() {
        var histogram = Histogram()
        histogram.record(1000)
        histogram.record(5_000_000)
        #expect(histogram.count(atOrBelow: 999) == 0)
        #expect(histogram.count(atOrBelow: 1032) == 1)
    }

    @Test func `a copy is a snapshot`() {
        var histogram = Histogram()
        histogram.record(10)
        let snapshot = histogram
        histogram.record(20)
        #expect(snapshot.count == 1 && snapshot.percentile(100) == 10)
        #expect(histogram.count == 2)
    }
}
