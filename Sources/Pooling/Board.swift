/// The fleet's board as it was read, and what follows from it for everybody: made once, asked by
/// the member that read it.
public struct Board: Sendable {
    /// What the members say of themselves.
    public let entries: [BoardEntry]
    /// The smallest budget of all.
    public let budget: Int
    /// Sessions that PostgreSQL lists and no member says it has; 0 where nobody has looked.
    public let orphans: Int
    /// Who is in the gate.
    public let gate: GatePass?
    /// Everybody's share, in the order of `entries`.
    public let shares: [Int]
    /// Slots that nobody has.
    public let free: Int
    /// Members that wait.
    public let waiting: Int

    private let places: [UInt64: Int]
    /// Slots that those want who wait and have less than their share.
    private let missing: Int
    /// How long the oldest of those has waited.
    private let oldest: Nanoseconds
    /// Slots, those left out that are on their way back, that members have above their shares.
    private let above: Int
    /// Slots that are free, or are on their way back.
    private let freeSoon: Int

    /// Draws the conclusions.
    ///
    /// - Parameters:
    ///   - sessions: the fleet's in PostgreSQL's list, if that was read with the board.
    ///   - gate: the pass that is in the gate.
    public init(entries: [BoardEntry], budget: Int, sessions: Int?, gate: GatePass? = nil) {
        let held = entries.reduce(0) { $0 + $1.held }
        self.init(entries, budget, orphans: max(0, (sessions ?? 0) - held), gate)
    }

    init(_ entries: [BoardEntry], _ budget: Int, orphans: Int, _ gate: GatePass?) {
        self.entries = entries
        self.budget = budget
        self.orphans = orphans
        self.gate = gate
        let usable = max(0, budget - orphans)
        self.shares = Sharing.shares(of: usable, among: entries)
        var places: [UInt64: Int] = [:]
        places.reserveCapacity(entries.count)
        var (held, living, waiting) = (0, 0, 0)
        var (missing, above, oldest) = (0, 0, Nanoseconds(0))
        for (place, entry) in entries.enumerated() {
            places[entry.member] = place
            held += entry.held
            living += entry.living
            above += max(0, entry.living - self.shares[place])
            guard entry.waiting > 0 else { continue }
            waiting += 1
            guard entry.living < self.shares[place] else { continue }
            missing += min(self.shares[place] - entry.living, entry.waiting)
            oldest = max(oldest, entry.oldestWait)
        }
        self.places = places
        self.free = usable - held
        self.freeSoon = usable - living
        (self.missing, self.above, self.oldest) = (missing, above, oldest)
        self.waiting = waiting
    }

    /// What `member` has said, and its share; nil for one that is not on the board.
    public func standing(of member: UInt64) -> (entry: BoardEntry, share: Int)? {
        self.places[member].map { (self.entries[$0], self.shares[$0]) }
    }

    /// Whether others wait for what is not free.
    var isShort: Bool { self.missing > max(0, self.freeSoon) }

    /// What a process should end now that has `living` connections, `idle` of them unused, and whose
    /// share is `share`.
    ///
    /// Only what others wait for and cannot have otherwise: with nobody waiting, nothing ends.
    /// Those who have more than their share give in proportion to what they have above it. Half of
    /// a process's idle connections may go at once, and an eighth of those in use, so that a wrong
    /// or late word on the board does not empty it.
    func surplus(living: Int, idle: Int, share: Int) -> Sharing.Surplus {
        let own = living - share
        let above = max(self.above, own)
        let needed = min(self.missing - max(0, self.freeSoon), above)
        guard own > 0, needed > 0 else { return Sharing.Surplus() }
        let part = min(own, (needed * own + above - 1) / above)
        let ending = min(part, idle, max(4, living / 2))
        guard part > idle, self.oldest >= Sharing.patience else {
            return Sharing.Surplus(idle: ending)
        }
        return Sharing.Surplus(idle: ending, used: min(part - ending, max(1, living / 8)))
    }
}
