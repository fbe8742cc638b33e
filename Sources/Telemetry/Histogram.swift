/// A histogram of durations in microseconds: log-linear buckets in fixed memory.
///
/// Values below 32 have a bucket each. From there on every power of two is divided into 32 equal
/// buckets, so a bucket is never wider than 1/32 of its lowest value: a percentile is never below
/// the true value and less than 3.2 % above it. Values from 2³⁶ µs (19 hours) on are counted in the
/// last bucket; `sum` and `largest` stay exact for them.
///
/// The 1,024 buckets are stored inline (8 KiB): recording neither allocates nor shares, and a copy
/// is a snapshot that costs one memory copy.
public struct Histogram: Sendable {
    private static let stepBits = 5
    private static let valueBits = 36
    private static let stepCount = 1 << Self.stepBits

    /// How many buckets there are.
    public static let bucketCount = 1024

    private var counts = InlineArray<1024, UInt64>(repeating: 0)

    /// How many values were recorded.
    public private(set) var count: UInt64 = 0

    /// The sum of all values recorded, in microseconds; it stops at `UInt64.max`.
    public private(set) var sum: UInt64 = 0

    /// The largest value recorded, exactly; zero if there is none.
    public private(set) var largest: UInt64 = 0

    /// An empty histogram.
    public init() {}

    /// Counts one value. Takes constant time and allocates nothing.
    ///
    /// - Parameter microseconds: how long it took.
    public mutating func record(_ microseconds: UInt64) {
        self.counts[Self.index(of: microseconds)] &+= 1
        self.count &+= 1
        self.sum = Self.saturatingSum(self.sum, microseconds)
        if microseconds > self.largest { self.largest = microseconds }
    }

    /// Adds everything that another histogram has recorded.
    public mutating func merge(_ other: borrowing Histogram) {
        for index in 0..<Self.bucketCount {
            self.counts[index] &+= other.counts[index]
        }
        self.count &+= other.count
        self.sum = Self.saturatingSum(self.sum, other.sum)
        if other.largest > self.largest { self.largest = other.largest }
    }

    /// The value that the given share of the recorded values does not exceed.
    ///
    /// - Parameter percent: from 0 (the smallest value) to 100 (the largest); values outside and
    ///   not-a-number are taken for the nearer end.
    /// - Returns: microseconds, exact below 32, otherwise at most 1/32 above the true value and
    ///   never above the largest value recorded; zero if nothing was recorded.
    public func percentile(_ percent: Double) -> UInt64 {
        if self.count == 0 { return 0 }
        let rank = Self.rank(of: percent, among: self.count)
        var seen: UInt64 = 0
        for index in 0..<Self.bucketCount {
            seen &+= self.counts[index]
            if seen >= rank { return min(Self.bounds(ofBucket: index).highest, self.largest) }
        }
        return self.largest
    }

    /// How many values lie in buckets that end at or below a bound.
    ///
    /// For the cumulative buckets of a metrics page. A value counts as soon as the bound is at
    /// least 1/32 above it, and never while the bound is below it; bounds of the form 2ⁿ−1 are
    /// exact.
    ///
    /// - Parameter microseconds: the bound, inclusive.
    public func count(atOrBelow microseconds: UInt64) -> UInt64 {
        if microseconds >= self.largest { return self.count }
        var seen: UInt64 = 0
        for index in 0..<Self.bucketCount {
            if Self.bounds(ofBucket: index).highest > microseconds { break }
            seen &+= self.counts[index]
        }
        return seen
    }

    /// One bucket: how many values between two bounds, both inclusive, were recorded.
    public struct Bucket: Sendable, Equatable {
        /// The smallest value that falls into the bucket, in microseconds.
        public var lowest: UInt64
        /// The largest value that falls into the bucket, in microseconds; `UInt64.max` in the last.
        public var highest: UInt64
        /// How many values fell into it.
        public var count: UInt64
    }

    /// Shows every bucket that is not empty, in rising order.
    public func forEachBucket<Failure: Error>(
        _ body: (Bucket) throws(Failure) -> Void
    ) throws(Failure) {
        for index in 0..<Self.bucketCount where self.counts[index] > 0 {
            let bounds = Self.bounds(ofBucket: index)
            try body(
                Bucket(lowest: bounds.lowest, highest: bounds.highest, count: self.counts[index])
            )
        }
    }

    /// The bucket that a value falls into.
    ///
    /// With `shift` = the number of low bits that are not looked at, `value >> shift` lies in
    /// 32..<64 for every value above 31; each shift owns the 32 buckets from `(shift + 1) * 32` on.
    private static func index(of value: UInt64) -> Int {
        if value < UInt64(Self.stepCount) { return Int(value) }
        if value >> Self.valueBits != 0 { return Self.bucketCount - 1 }
        let shift = (UInt64.bitWidth - 1 - value.leadingZeroBitCount) - Self.stepBits
        return shift * Self.stepCount + Int(value >> shift)
    }

    private static func bounds(ofBucket index: Int) -> (lowest: UInt64, highest: UInt64) {
        if index < Self.stepCount { return (UInt64(index), UInt64(index)) }
        let shift = index / Self.stepCount - 1
        let lowest = UInt64(index % Self.stepCount + Self.stepCount) << shift
        let isLast = index == Self.bucketCount - 1
        return (lowest, isLast ? .max : lowest + (1 << shift) - 1)
    }

    /// The position, from 1 to `count`, of a percentile in the sorted values.
    private static func rank(of percent: Double, among count: UInt64) -> UInt64 {
        if !(percent > 0) { return 1 }
        if percent >= 100 { return count }
        let exact = (percent * Double(count) / 100).rounded(.up)
        return min(max(UInt64(exactly: exact) ?? count, 1), count)
    }

    private static func saturatingSum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
