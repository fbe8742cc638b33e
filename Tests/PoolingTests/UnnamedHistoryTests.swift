import TestSupport
import Testing

@testable import Pooling

/// `UnnamedHistory` beside a list of all changes.
struct UnnamedHistoryTests {
    /// What it keeps few of, kept whole.
    private struct Whole {
        var items: [(name: UnnamedStatement, change: Int)] = [(.none, 0)]

        mutating func skipped(before: Int, after: Int, failed: Int?) {
            for index in self.items.indices
            where (before + 1..<after + 1).contains(self.items[index].change) {
                let isFailed = self.items[index].change == failed
                self.items[index].name = isFailed ? .none : self.items[index - 1].name
            }
        }
    }

    @Test(arguments: 0..<60)
    func `it is never taken for another statement than it is`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (history, whole) = (UnnamedHistory(), Whole())
        var (sent, ended, number) = (0, 0, UInt64(0))
        var unknownCount = 0
        for _ in 0..<400 {
            switch random.next() % 8 {
            case 0...3:
                sent += 1
                var name = UnnamedStatement.none
                if random.next() % 2 == 0 {
                    number += 1
                    name = UnnamedStatement(number: number)
                }
                if random.next() % 4 == 0 {
                    // Queries, one behind the other.
                    for _ in 0..<random.next() % 4 {
                        history.becomes(.none, change: sent, ended: ended)
                        whole.items.append((.none, sent))
                        sent += 1
                    }
                }
                history.becomes(name, change: sent, ended: ended)
                whole.items.append((name, sent))
            case 4, 5:
                // A change of something else.
                sent += 1
            case 6:
                if ended < sent { ended += 1 }
            default:
                guard ended < sent else { continue }
                let failed = random.next() % 2 == 0 ? ended + 1 : nil
                // Up to the end of a batch, behind which others may be under way.
                let after = ended + 1 + Int(random.next() % UInt64(sent - ended))
                _ = history.skipped(before: ended, after: after, failed: failed)
                whole.skipped(before: ended, after: after, failed: failed)
                ended = after
            }
            let right = whole.items[whole.items.count - 1].name
            #expect(history.name == right || history.name == .unknown)
            if history.name == .unknown { unknownCount += 1 }
            // Whatever is thrown away of what is under way, what it falls back to is expected.
            let sure = whole.items.lastIndex { $0.change <= ended } ?? 0
            for (name, _) in whole.items[sure...] {
                #expect(history.mayBe(name) || history.mayBe(.unknown))
            }
        }
        #expect(unknownCount < 200)
    }

    @Test func `one of before is remembered behind many Closes and queries`() {
        var history = UnnamedHistory()
        history.becomes(UnnamedStatement(number: 1), change: 1, ended: 0)
        for change in 2..<20 { history.becomes(.none, change: change, ended: 0) }
        for change in 20..<23 {
            history.becomes(UnnamedStatement(number: UInt64(change)), change: change, ended: 0)
        }
        _ = history.skipped(before: 1, after: 22, failed: nil)
        #expect(history.name == UnnamedStatement(number: 1))
    }
}
