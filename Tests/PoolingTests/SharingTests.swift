import TestSupport
import Testing

@testable import Pooling

/// How a budget is divided.
struct SharingTests {
    private func entry(
        _ member: UInt64,
        held: Int = 0,
        used: Int = 0,
        waiting: Int = 0,
        wait: Nanoseconds = 0,
        weight: Int = 1,
        minimum: Int = 0
    ) -> BoardEntry {
        var entry = BoardEntry(member: member, weight: weight, minimum: minimum)
        (entry.held, entry.used, entry.waiting) = (held, used, waiting)
        entry.oldestWait = wait
        return entry
    }

    @Test func `who wants less than there is gets it, and nobody more`() {
        let entries = [entry(1, used: 10), entry(2, waiting: 20), entry(3)]
        #expect(Sharing.shares(of: 100, among: entries) == [10, 20, 0])
    }

    @Test func `who wants little gets it, and the others divide the rest evenly`() {
        let entries = [entry(1, used: 10), entry(2, waiting: 90), entry(3, used: 80)]
        #expect(Sharing.shares(of: 100, among: entries) == [10, 45, 45])
    }

    @Test func `weights count among those who want more than their share`() {
        let entries = [
            entry(1, used: 100, weight: 3), entry(2, waiting: 100), entry(3, used: 4, weight: 9),
        ]
        #expect(Sharing.shares(of: 100, among: entries) == [72, 24, 4])
    }

    @Test func `minimums come first, as far as they are wanted`() {
        let entries = [
            entry(1, used: 200), entry(2, waiting: 40, minimum: 40),
            entry(3, waiting: 5, minimum: 50),
        ]
        #expect(Sharing.shares(of: 50, among: entries) == [5, 40, 5])
    }

    @Test func `minimums that are more than there is are divided like slots`() {
        let entries = [
            entry(1, used: 50, minimum: 30), entry(2, waiting: 50, minimum: 30), entry(3, used: 9),
        ]
        #expect(Sharing.shares(of: 20, among: entries) == [10, 10, 0])
    }

    @Test func `a slot that cannot be divided is the one's who has waited longest`() {
        let entries = (0..<5).map { entry(UInt64($0), waiting: 3, wait: Int64($0 % 3)) }
        #expect(Sharing.shares(of: 3, among: entries) == [0, 1, 1, 0, 1])
        #expect(Sharing.shares(of: 7, among: entries) == [1, 2, 2, 1, 1])
    }

    @Test func `with no slots or nobody there is nothing to divide`() {
        #expect(Sharing.shares(of: 10, among: []) == [])
        #expect(Sharing.shares(of: 0, among: [self.entry(1, used: 3)]) == [0])
        #expect(Sharing.shares(of: -2, among: [self.entry(1, used: 3, minimum: 2)]) == [0])
    }

    /// What max-min fairness says, looked at pair by pair: whoever wants more has no share, for its
    /// weight, that is more than a slot below anybody's who has more than its minimum.
    @Test(arguments: 0..<300)
    func `no share can grow but from a smaller one`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let entries = (0..<1 + random.below(12)).map { member in
            self.entry(
                UInt64(member),
                used: random.below(30),
                waiting: random.below(30),
                wait: Int64(random.below(5)),
                weight: 1 + random.below(4),
                minimum: random.below(8)
            )
        }
        let slots = random.below(250)
        let shares = Sharing.shares(of: slots, among: entries)
        let wanted = entries.map(\.wanted)
        #expect(shares.reduce(0, +) == min(slots, wanted.reduce(0, +)))
        let sure = entries.map { min($0.minimum, $0.wanted) }
        let isShort = sure.reduce(0, +) >= slots
        for (one, entry) in entries.enumerated() {
            #expect(shares[one] >= 0 && shares[one] <= (isShort ? sure : wanted)[one])
            if !isShort { #expect(shares[one] >= sure[one]) }
            guard shares[one] < (isShort ? sure : wanted)[one] else { continue }
            for (two, other) in entries.enumerated() where shares[two] > (isShort ? 0 : sure[two]) {
                // Slots are whole: each may be one off what its weight says.
                let even = Double(shares[one] + 1) / Double(entry.weight)
                #expect(Double(shares[two] - 1) / Double(other.weight) <= even)
            }
        }
    }

    // MARK: Giving back

    @Test func `with nobody waiting nothing ends`() {
        let entries = [entry(1, held: 90, used: 2), entry(2, held: 10, used: 10)]
        #expect(Sharing.surplus(of: 0, among: entries, slots: 100, orphans: 0) == .init())
    }

    @Test func `what is free goes first`() {
        let entries = [entry(1, held: 50, used: 2), entry(2, held: 30, used: 30, waiting: 20)]
        #expect(Sharing.surplus(of: 0, among: entries, slots: 100, orphans: 0) == .init())
        #expect(Sharing.surplus(of: 0, among: entries, slots: 100, orphans: 5) == .init(idle: 5))
    }

    @Test func `idle connections end as others wait for them, most of them at once`() {
        let entries = [entry(1, held: 96, used: 2), entry(2, held: 4, used: 4, waiting: 90)]
        #expect(Sharing.surplus(of: 0, among: entries, slots: 100, orphans: 0) == .init(idle: 72))
        #expect(Sharing.surplus(of: 1, among: entries, slots: 100, orphans: 0) == .init())
    }

    @Test func `connections in use end only after a while, few at once`() {
        var entries = [
            entry(1, held: 100, used: 100, waiting: 50), entry(2, waiting: 100, wait: 1_000),
        ]
        #expect(Sharing.surplus(of: 0, among: entries, slots: 100, orphans: 0) == .init())
        entries[1].oldestWait = Sharing.patience
        #expect(Sharing.surplus(of: 0, among: entries, slots: 100, orphans: 0) == .init(used: 12))
    }

    @Test func `those above their shares give in proportion`() {
        let entries = [
            entry(1, held: 60, used: 0), entry(2, held: 30, used: 0), entry(3, waiting: 30),
        ]
        #expect(Sharing.surplus(of: 0, among: entries, slots: 90, orphans: 0) == .init(idle: 20))
        #expect(Sharing.surplus(of: 1, among: entries, slots: 90, orphans: 0) == .init(idle: 10))
    }
}
