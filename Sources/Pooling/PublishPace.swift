/// When a member's entry on the board is worth replacing.
///
/// A reader needs to know soon who begins to wait, and to the number who holds what; what a member
/// uses it need know only roughly. So an idle member, or one whose load goes up and down by a few
/// connections, says nothing.
struct PublishPace: Equatable, Sendable {
    /// Between two entries, whatever changes but that a member begins to wait.
    static let pause: Nanoseconds = 50_000_000
    /// Between two entries that differ in what is used or how many wait.
    static let demandPause: Nanoseconds = 100_000_000
    /// Nobody waits any more only when nobody has for so long.
    static let calm: Nanoseconds = 200_000_000
    /// The oldest wait is not told more exactly than this above.
    static let longestWait: Nanoseconds = 60_000_000_000

    /// What is on the board.
    private(set) var published: BoardEntry?
    private var publishedAt: Instant = .min
    /// Since when nobody waits, if the board says that somebody does.
    private var calmSince: Instant?

    /// Creates the pace of a member that is not on the board.
    init() {}

    /// The board has forgotten the entry.
    mutating func forget() { self = PublishPace() }

    /// `entry` goes to the board.
    mutating func note(_ entry: BoardEntry, now: Instant) {
        self.published = entry
        self.publishedAt = now
        self.calmSince = nil
    }

    /// When `entry` is to be published if nothing changes; nil for never.
    ///
    /// - Parameter isExact: whether others wait, so that each connection that the member no longer
    ///   uses matters.
    mutating func dueAt(_ entry: BoardEntry, isExact: Bool, now: Instant) -> Instant? {
        guard let published else { return now }
        if entry.waiting > 0, published.waiting == 0 { return now }
        var due: Instant?
        func consider(_ at: Instant) { due = min(due ?? .max, at) }
        if entry.held != published.held || entry.ending != published.ending
            || entry.settledDeaths != published.settledDeaths
        {
            consider(self.publishedAt + Self.pause)
        }
        if published.waiting > 0, entry.waiting == 0 {
            let since = self.calmSince ?? now
            self.calmSince = since
            consider(max(since + Self.calm, self.publishedAt + Self.demandPause))
        } else {
            self.calmSince = nil
            let isOther =
                isExact
                ? entry.wanted != published.wanted
                : Self.differs(entry.used, published.used)
                    || Self.differs(entry.waiting, published.waiting)
            if isOther {
                consider(self.publishedAt + Self.demandPause)
            }
        }
        if entry.waiting > 0, published.oldestWait < Self.longestWait {
            let next = max(Sharing.patience, published.oldestWait * 2)
            if entry.oldestWait >= next {
                consider(self.publishedAt + Self.pause)
            } else {
                consider(now + next - entry.oldestWait)
            }
        }
        return due
    }

    /// Whether two numbers are different enough to be told.
    private static func differs(_ new: Int, _ old: Int) -> Bool {
        abs(new - old) >= max(new == 0 || old == 0 ? 1 : 2, old / 4)
    }
}
