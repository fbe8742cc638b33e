/// The fleet's board as it was read, and what follows from it for everybody: made once, asked by
/// the member that read it.
public struct Board: Sendable {
    /// What the members say of themselves.
    public let entries: [BoardEntry]
    /// The smallest budget of all.
    public let budget: Int
    /// Sessions that PostgreSQL lists and no member says it has; 0 where nobody has looked.
    public let orphans: Int
    /// Whether somebody has looked.
    var knowsOrphans = true
    /// Who is in the gate.
    public let gate: GatePass?
    /// Members that have been silent for so long that their connections are to be ended; 0 where
    /// nobody's are.
    public var silent = 0
    /// Everybody's share, in the order of `entries`.
    public var shares: [Int] { self.parts.map(\.share) }
    let parts: [Sharing.Part]
    /// Slots that nobody has.
    public let free: Int
    /// The most deaths that anybody has settled.
    let settledDeaths: Int?
    /// Members that wait.
    public let waiting: Int

    private let places: [UInt64: Int]
    /// Slots that those want who wait and have less than their share.
    private let missing: Int
    /// Of those slots, the ones that are worth taking connections from their clients.
    private let urgent: Int
    /// Slots that those want who wait and have less than their minimum.
    let sure: Int
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
        self.knowsOrphans = sessions != nil
    }

    init(_ entries: [BoardEntry], _ budget: Int, orphans: Int, _ gate: GatePass?) {
        self.entries = entries
        self.budget = budget
        self.orphans = orphans
        self.gate = gate
        let usable = max(0, budget - orphans)
        self.parts = Sharing.division(of: usable, among: entries)
        var places: [UInt64: Int] = [:]
        places.reserveCapacity(entries.count)
        var (held, living, waiting, settled) = (0, 0, 0, Int?.none)
        var (missing, urgent, above, oldest) = (0, 0, 0, Nanoseconds(0))
        var sure = 0
        for (place, entry) in entries.enumerated() {
            places[entry.member] = place
            held += entry.held
            if let deaths = entry.settledDeaths { settled = max(settled ?? deaths, deaths) }
            living += entry.living
            let part = self.parts[place]
            above += max(0, entry.living - part.share)
            guard entry.waiting > 0 else { continue }
            waiting += 1
            guard entry.living < part.share else { continue }
            missing += min(part.share - entry.living, entry.waiting)
            sure += max(0, min(entry.minimum, part.share, entry.wanted) - entry.living)
            urgent += min(max(0, part.bounds.lowerBound - entry.living), entry.waiting)
            oldest = max(oldest, entry.oldestWait)
        }
        self.places = places
        self.sure = sure
        self.free = usable - held
        self.freeSoon = usable - living
        (self.missing, self.urgent, self.above, self.oldest) = (missing, urgent, above, oldest)
        self.waiting = waiting
        self.settledDeaths = settled
    }

    /// What `member` has said, and what it gets; nil for one that is not on the board.
    func standing(of member: UInt64) -> (entry: BoardEntry, part: Sharing.Part)? {
        self.places[member].map { (self.entries[$0], self.parts[$0]) }
    }

    /// Whether others wait for what is not free.
    var isShort: Bool { self.missing > max(0, self.freeSoon) }

    /// What a process should end now that has `living` connections, `idle` of them unused, and
    /// that gets `part`.
    ///
    /// Only what others wait for and cannot have otherwise: with nobody waiting, nothing ends.
    /// Those who have more than their share give in proportion to what they have above it. Three
    /// quarters of a process's idle connections may go at once, and an eighth of those in use, so
    /// that a wrong or late word on the board does not empty it. For a slot that cannot be divided,
    /// which is now one's and now another's, nobody ends a connection that is in use.
    ///
    /// - Parameter roll: rounds up where it is small. Many members above their shares round by lot,
    ///   or each would give one for the same waiter.
    func surplus(
        living: Int,
        idle: Int,
        part: Sharing.Part,
        roll: UInt32 = 0
    ) -> Sharing.Surplus {
        let own = living - part.share
        let above = max(self.above, own)
        guard own > 0 else { return Sharing.Surplus() }
        func due(of wanted: Int) -> Int {
            let needed = min(wanted - max(0, self.freeSoon), above)
            guard needed > 0 else { return 0 }
            let (whole, rest) = (needed * own).quotientAndRemainder(dividingBy: above)
            let isUp = Int(roll) * above < rest << 32
            return min(own, isUp ? whole + 1 : whole)
        }
        let ending = min(due(of: self.missing), idle, max(4, living * 3 / 4))
        let tooMany = max(0, living - part.bounds.upperBound)
        let used = max(due(of: self.urgent), min(due(of: self.missing), tooMany))
        guard used > idle, self.oldest >= Sharing.patience else {
            return Sharing.Surplus(idle: ending)
        }
        return Sharing.Surplus(idle: ending, used: min(used - ending, max(1, living / 8)))
    }
}
