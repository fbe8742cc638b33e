/// Since when nobody can have died whose startup messages are still under way: what a count needs
/// to be complete.
///
/// PostgreSQL lists a session only when it has logged in. A holder that is killed frees the gate at
/// once, and what it has sent may appear a little later. So after a death, or where none can be
/// ruled out, a count has to wait; with a counter of deaths, which is the same before and after, it
/// need not; and what one member has waited for is settled for all that read it on the board.
struct Calm: Equatable, Sendable {
    /// The deaths that have been seen; nil when they have never been looked at.
    private(set) var deaths: Int?
    /// Counts that were asked for before this moment may lack sessions.
    private(set) var from: Instant = .min
    /// The deaths of which all is in the list; nil if that is not known of any.
    private(set) var settledDeaths: Int?
    /// Whether this pass has looked already. Who dies while a member holds the gate did not hold
    /// it, so one look is enough: deaths of others, however many, cannot keep a member waiting.
    private var hasLooked = false
    /// Whether the member has broken the gate.
    private var hasBroken = false

    /// Creates the calm of a member that knows nothing.
    init() {}

    /// All that has been seen is worth nothing: the server may be another, or has started again.
    mutating func forget() { self = Calm() }

    /// A new pass begins.
    mutating func entered() { self.hasLooked = false }

    /// The member breaks another's gate.
    mutating func broke() { self.hasBroken = true }

    /// The deaths were read outside the gate.
    mutating func looked(_ deaths: Int?, now: Instant, settling: Nanoseconds) {
        guard let deaths, deaths != self.deaths else { return }
        self.deaths = deaths
        self.from = max(self.from, now + settling)
    }

    /// The deaths were read inside the gate, which was entered at `enteredAt`.
    ///
    /// - Parameters:
    ///   - settledDeaths: the most that anybody on the board has settled.
    ///   - sentAt: when the count was asked for.
    mutating func counted(
        _ count: FleetCount,
        enteredAt: Instant,
        sentAt: Instant,
        settling: Nanoseconds
    ) {
        let isSettled = count.deaths != nil && count.deaths == count.board.settledDeaths
        let isKnown = count.deaths != nil && count.deaths == self.deaths
        if !self.hasLooked {
            self.hasLooked = true
            if count.isOtherInGate || self.hasBroken || !(isKnown || isSettled) {
                self.from = max(self.from, enteredAt + settling)
            } else if isSettled {
                self.from = min(self.from, sentAt)
            }
            self.hasBroken = false
            self.deaths = count.deaths
        }
        if sentAt >= self.from { self.settledDeaths = self.deaths }
    }
}
