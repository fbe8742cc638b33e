/// How the slots of a fleet are divided among its processes: by demand, and fairly where demand is
/// more than there is.
///
/// A pure function of the board, so that all who read the same board come to the same shares.
public enum Sharing {
    /// Each process's share, in the order of `entries`: how many connections it should have.
    ///
    /// Nobody's share is more than it wants, and what is left is nobody's. Where they want more
    /// than there is, each gets its minimum first, and the rest goes by weighted max-min fairness:
    /// no share could grow without another, which is no greater for its weight, becoming smaller.
    /// Single slots that cannot be divided go to those who have waited longest.
    public static func shares(of slots: Int, among entries: [BoardEntry]) -> [Int] {
        Self.division(of: slots, among: entries).map(\.share)
    }

    /// What one process gets.
    struct Part: Equatable, Sendable {
        /// How many connections it should have.
        var share: Int
        /// What it should have whoever has waited longest, and the most that it should have then.
        var bounds: ClosedRange<Int>
    }

    /// How `shares` come about.
    static func division(of slots: Int, among entries: [BoardEntry]) -> [Part] {
        let wanted = entries.map { max(0, $0.wanted) }
        if wanted.reduce(0, +) <= slots { return wanted.map { Part(share: $0, bounds: $0...$0) } }
        let sure = zip(entries, wanted).map { max(0, min($0.minimum, $1)) }
        let isShort = sure.reduce(0, +) >= slots
        let least = isShort ? sure.map { _ in 0 } : sure
        let most = isShort ? sure : wanted
        let level = Self.level(of: max(0, slots), entries.map(\.weight), least, most)
        var parts = entries.indices.map {
            let even = Int((level * Double(entries[$0].weight)).rounded(.down))
            let share = min(max(even, least[$0]), most[$0])
            return Part(share: share, bounds: share...share)
        }
        var rest = slots - parts.reduce(0) { $0 + $1.share }
        guard rest > 0 else { return parts }
        // Of those alone that have not more than their weight says already.
        let byAge = entries.indices.filter {
            let share = parts[$0].share
            return share < most[$0] && Double(share) < level * Double(entries[$0].weight)
        }.sorted {
            let (one, other) = (entries[$0], entries[$1])
            if one.oldestWait != other.oldestWait { return one.oldestWait > other.oldestWait }
            return one.member < other.member
        }
        for index in byAge {
            parts[index].bounds = parts[index].share...(parts[index].share + 1)
            guard rest > 0 else { continue }
            parts[index].share += 1
            rest -= 1
        }
        return parts
    }

    /// How many slots there are for each unit of weight, so that all of them are taken: between
    /// `least` and `most`, each gets its weight times that.
    private static func level(
        of slots: Int,
        _ weights: [Int],
        _ least: [Int],
        _ most: [Int]
    ) -> Double {
        // Where a share begins to grow, and where it ends to.
        var bends: [(level: Double, weight: Int)] = []
        for index in weights.indices where least[index] < most[index] {
            let weight = Double(weights[index])
            bends.append((Double(least[index]) / weight, weights[index]))
            bends.append((Double(most[index]) / weight, -weights[index]))
        }
        bends.sort { $0.level < $1.level }
        var (level, slope) = (0.0, 0)
        var taken = Double(least.reduce(0, +))
        for bend in bends {
            let grown = taken + (bend.level - level) * Double(slope)
            if slope > 0, grown >= Double(slots) {
                return level + (Double(slots) - taken) / Double(slope)
            }
            (level, taken) = (bend.level, grown)
            slope += bend.weight
        }
        return level
    }

    // MARK: Giving back

    /// How many connections a process should end so that others get their shares.
    public struct Surplus: Equatable, Sendable {
        /// Of those that nobody uses.
        public var idle = 0
        /// Of those in use, as they come back from their clients.
        public var used = 0

        /// Creates what is to be ended.
        public init(idle: Int = 0, used: Int = 0) {
            self.idle = idle
            self.used = used
        }
    }

    /// Others have to wait so long before what this process uses is taken from it.
    static let patience: Nanoseconds = 50_000_000

    /// What one process should end now.
    ///
    /// `Board.surplus` says how much of that.
    ///
    /// - Parameters:
    ///   - index: the process's place in `entries`.
    ///   - orphans: sessions that PostgreSQL lists and no process of the board holds.
    public static func surplus(
        of index: Int,
        among entries: [BoardEntry],
        slots: Int,
        orphans: Int
    ) -> Surplus {
        let board = Board(entries, slots, orphans: orphans, nil)
        let entry = entries[index]
        return board.surplus(living: entry.living, idle: entry.idle, part: board.parts[index])
    }
}
