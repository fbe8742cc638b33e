import Pooling
import Testing

struct HandOverTests {
    private static let millisecond: Nanoseconds = 1_000_000
    private static let now: Instant = 1_000_000 * Self.millisecond

    /// Whether a wait of `theirs` nanoseconds wins over one of `own`.
    private func wins(_ theirs: Nanoseconds, over own: Nanoseconds) -> Bool {
        HandOver.isClearlyOlder(Self.now - theirs, than: Self.now - own, now: Self.now)
    }

    @Test func `where nobody waits the difference must be worth a move`() {
        #expect(!self.wins(0, over: 0))
        #expect(!self.wins(1_000_000, over: 0))
        #expect(self.wins(1_000_001, over: 0))
    }

    @Test func `among short waits twice as long is clearly longer`() {
        #expect(!self.wins(2 * Self.millisecond + 1_000_000, over: Self.millisecond))
        #expect(self.wins(2 * Self.millisecond + 1_000_001, over: Self.millisecond))
    }

    @Test func `among long waits ten milliseconds are`() {
        for own in [10, 100, 10_000].map({ $0 * Self.millisecond }) {
            #expect(!self.wins(own + 10 * Self.millisecond, over: own))
            #expect(self.wins(own + 10 * Self.millisecond + 1, over: own))
        }
    }

    @Test func `two workers never send each other a server`() {
        let waits: [Nanoseconds] = [0, 1, 200_000, 200_001, 1_000_000, 9_000_000, 50_000_000]
        for first in waits {
            for second in waits {
                #expect(!(self.wins(first, over: second) && self.wins(second, over: first)))
            }
        }
    }

    @Test func `a wait that begins after now is no wait`() {
        #expect(!self.wins(999_995, over: -5))
        #expect(self.wins(999_996, over: -5))
        #expect(!HandOver.isClearlyOlder(Self.now, than: Self.now - 1, now: Self.now))
    }

    @Test func `what is under way is not missing`() {
        #expect(HandOver.missing(wanting: 3, inbound: 1) == 2)
        #expect(HandOver.missing(wanting: 1, inbound: 1) == 0)
        #expect(HandOver.missing(wanting: 1, inbound: 4) == 0)
    }
}
