import Console
import Pooling
import Testing
import Wire

struct CommandFuzzTests {
    /// SplitMix64: the same numbers on every machine, so that a failure can be repeated.
    struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9e37_79b9_7f4a_7c15
            var bits = self.state
            bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
            return bits ^ (bits >> 31)
        }
    }

    static let seed: UInt64 = 20_261_124
    static let count = 100_000

    static let pieces = [
        "\"", "'", "''", "\"\"", ";", "=", " ", "\t", "\n", "--", "/*", "*/", "to", "SET ", "show ",
        "é", "😀", "\u{301}", "\u{0}", "\u{7f}", "9223372036854775808", "wait_for_clients",
        "pgbouncer",
    ]

    @Test func `a hundred thousand mutated commands are all answered in form`() throws {
        var random = Random(state: Self.seed)
        let seeds =
            CommandParsingTests.controls.map(\.0) + ColumnsTests.tables.map { "SHOW \($0.query)" }
            + ["SET timezone = 'UTC'", ";", "SHOW HELP", "SELECT version"]
        var kinds: [String: Int] = [:]
        for number in 0..<Self.count {
            let query = Self.mutate(seeds.randomElement(using: &random) ?? "", &random)
            let access: ConsoleAccess = Bool.random(using: &random) ? .admin : .statistics
            switch AdminConsole.tested.answer(query, access: access, snapshot: { .quiet }) {
            case .control(let command):
                try #require(access == .admin, "seed \(Self.seed), number \(number): \(query)")
                kinds["control", default: 0] += 1
                let bytes = AdminConsole.tested.completion(of: command, outcome: .success)
                if !bytes.isEmpty { _ = try ReceivedReply(bytes) }
            case .reply(let bytes):
                let reply = try ReceivedReply(bytes)
                let form = reply.kinds.replacing(/D+/, with: "")
                try #require(
                    ["IZ", "EZ", "TCZ", "NCZ"].contains(form),
                    "seed \(Self.seed), number \(number): \(query) gave \(reply.kinds)"
                )
                kinds[form, default: 0] += 1
            }
        }
        // The mutations must reach every kind of answer, or they test nothing.
        #expect(kinds.count == 5, "\(kinds)")
        #expect(kinds.values.allSatisfy { $0 > 50 }, "\(kinds)")
    }

    /// One to four random changes: a byte, a piece put in, a part cut out, a part doubled.
    private static func mutate(_ text: String, _ random: inout Random) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, place + Int.random(in: 0...6, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where place < bytes.count:
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1:
                let piece = Self.pieces.randomElement(using: &random) ?? ""
                bytes.insert(contentsOf: piece.utf8, at: place)
            case 2: bytes.removeSubrange(place..<end)
            default: bytes.insert(contentsOf: bytes[place..<end], at: place)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
