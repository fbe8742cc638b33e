import Pooling
import Testing

@testable import Fleet

@Suite("A member's line on the board")
struct BoardNameTests {
    private func name(_ change: (inout BoardEntry) -> Void = { _ in }) -> BoardName {
        var entry = BoardEntry(member: 0xfedc_ba98_7654, weight: 3, minimum: 2)
        (entry.held, entry.ending, entry.used, entry.waiting) = (5_000, 12, 4_000, 100_000)
        entry.oldestWait = 1_230_000_000
        entry.settledDeaths = 77
        change(&entry)
        return BoardName(
            entry: entry,
            node: "web-1",
            fleet: BoardName.tag(of: "weir"),
            budget: 5_000,
            pass: GatePass(member: entry.member, number: 7)
        )
    }

    @Test("is read as it was written")
    func roundTrip() {
        let name = self.name()
        #expect(BoardName(name.text) == name)
        #expect(name.text.hasPrefix("weir web-1 "))
    }

    @Test("fits into an application_name, whatever is in it")
    func length() throws {
        var name = self.name {
            ($0.held, $0.ending, $0.used, $0.waiting) = (.max, .max, .max, .max)
            $0.oldestWait = .max
            ($0.weight, $0.minimum, $0.settledDeaths) = (.max, .max, .max)
        }
        name.node = "a name with spaces, and ümlauts, that is far too long"
        name.budget = .max
        #expect(name.text.utf8.count <= 63)
        let read = try #require(BoardName(name.text))
        #expect(read.entry.held == 1 << 18 - 1)
        #expect(read.node == "a_name_with_spac")
    }

    @Test("is nothing else's name")
    func others() {
        let text = self.name().text
        #expect(BoardName("psql") == nil)
        #expect(BoardName("weir check") == nil)
        #expect(BoardName(String(text.dropLast())) == nil)
        #expect(BoardName(text + "0") == nil)
        #expect(BoardName(text.replacing("web-1 1", with: "web-1 2")) == nil)
    }
}
