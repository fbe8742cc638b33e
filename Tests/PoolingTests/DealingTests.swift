import Testing

@testable import Pooling

struct DealingTests {
    private static let window: Nanoseconds = 100_000_000

    /// A dealing after one window with these arrivals, departures and CPU time in thousandths.
    private func after(_ arrivals: Int, _ departures: Int, busy: Int = 100) -> Dealing {
        var dealing = Dealing()
        dealing.windowEnded(cpuTime: 0, now: 0)
        for _ in 0..<arrivals { dealing.kept() }
        for _ in 0..<departures { dealing.left() }
        let used = Self.window / 1_000 * Nanoseconds(busy)
        dealing.windowEnded(cpuTime: used, now: Self.window)
        return dealing
    }

    @Test func `clients that stay are dealt out`() {
        #expect(!self.after(50, 0).keeps(own: 0, other: 0))
        #expect(!self.after(50, 24).keeps(own: 0, other: 0))
    }

    @Test func `clients that come and go stay where they were accepted`() {
        #expect(self.after(50, 25).keeps(own: 5, other: 0))
        #expect(self.after(50, 60).keeps(own: 5, other: 0))
    }

    @Test func `a few departures are no storm`() {
        #expect(!self.after(3, 3).isKeeping)
        #expect(self.after(4, 4).isKeeping)
    }

    @Test func `a worker without time to spare deals out`() {
        #expect(self.after(50, 50, busy: 699).isKeeping)
        #expect(!self.after(50, 50, busy: 700).isKeeping)
    }

    @Test func `no worker gets many more than another`() {
        let dealing = self.after(50, 50)
        #expect(dealing.keeps(own: 31, other: 0))
        #expect(!dealing.keeps(own: 32, other: 0))
        #expect(dealing.keeps(own: 100, other: 69))
        #expect(!dealing.keeps(own: 100, other: 68))
    }

    @Test func `a window says nothing about the next one`() {
        var dealing = self.after(50, 50)
        dealing.windowEnded(cpuTime: Self.window, now: 2 * Self.window)
        #expect(
            dealing
                == {
                    var fresh = Dealing()
                    fresh.windowEnded(cpuTime: Self.window, now: 2 * Self.window)
                    return fresh
                }()
        )
    }

    @Test func `CPU time counts from the end of the last window`() {
        var dealing = Dealing()
        dealing.windowEnded(cpuTime: 90 * Self.window, now: 100 * Self.window)
        for _ in 0..<10 {
            dealing.kept()
            dealing.left()
        }
        dealing.windowEnded(cpuTime: 90 * Self.window + 1_000, now: 101 * Self.window)
        #expect(dealing.isKeeping)
    }
}
