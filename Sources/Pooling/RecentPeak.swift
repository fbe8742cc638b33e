/// The most of a number over the last moments: what a load needs that goes up and down.
struct RecentPeak: Equatable, Sendable {
    /// A peak is remembered for this long, and for less than twice as long.
    static let span: Nanoseconds = 100_000_000

    private var latest = 0
    private var current = 0
    private var last = 0
    private var windowStart: Instant = 0

    /// The number is `value` now; until now it was what the last call said.
    mutating func note(_ value: Int, now: Instant) {
        let age = now - self.windowStart
        if age >= Self.span {
            self.last = age >= 2 * Self.span ? self.latest : self.current
            self.current = self.latest
            self.windowStart = now
        }
        self.current = max(self.current, value)
        self.latest = value
    }

    /// The most of the last moments.
    var value: Int { max(self.current, self.last) }

    /// When `value` may be less although nothing changes; nil for never.
    var fadesAt: Instant? {
        self.value > self.latest ? self.windowStart + Self.span : nil
    }
}
