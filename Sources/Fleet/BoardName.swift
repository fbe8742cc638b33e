internal import Pooling

/// A member's line on the board: the `application_name` of its control connection.
///
/// PostgreSQL shows that name to every role, on primaries and standbys, and cuts it off after 63
/// bytes. It begins with words for an operator, `weir NODE `; behind them stand numbers of fixed
/// width, in digits of 64 values.
///
/// | characters | what |
/// |---|---|
/// | 1 | version of this layout |
/// | 3 | the fleet |
/// | 8 | the member |
/// | 3, 2, 3, 3 | held, ending, used, waiting |
/// | 3 | how long the oldest has waited, in hundredths of a second |
/// | 2, 3 | weight, minimum |
/// | 5 | settled deaths plus 1; 0 where none are known |
/// | 3 | budget |
/// | 2 | number of the pass, if it is in the gate; 0 if it is not |
struct BoardName: Equatable, Sendable {
    /// What the member says of itself.
    var entry: BoardEntry
    /// `node_name`, as far as there is room for it.
    var node: String
    /// Stands for the fleet's name.
    var fleet: UInt64
    /// The budget that the member goes by.
    var budget: Int
    /// Its pass, if it is in the gate.
    var pass: GatePass?

    /// What every such name begins with.
    static let prefix = "weir "
    /// Characters of `node` that are kept.
    static let nodeMax = 16

    /// Deaths are counted up to this number and then from 0 again.
    static let deathsLimit = 1 << 30 - 1
    private static let passLimit: UInt32 = 1 << 12 - 1
    private static let version = Character("1")
    private static let widths = [3, 8, 3, 2, 3, 3, 3, 2, 3, 5, 3, 2]
    private static let hundredth: Nanoseconds = 10_000_000

    /// Stands for a fleet's name on the board.
    static func tag(of fleet: String) -> UInt64 { Self.hash(fleet) & 0x3_ffff }

    /// FNV-1a, 64 bits: the same in every process and version.
    static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// The number that stands for a pass of `number` on the board.
    static func shortened(_ number: UInt32) -> UInt32 { number % Self.passLimit }

    // MARK: Text

    /// At most 63 bytes of ASCII.
    var text: String {
        let entry = self.entry
        let values: [UInt64] = [
            self.fleet, entry.member, UInt64(max(0, entry.held)), UInt64(max(0, entry.ending)),
            UInt64(max(0, entry.used)), UInt64(max(0, entry.waiting)),
            UInt64(max(0, entry.oldestWait / Self.hundredth)), UInt64(max(0, entry.weight)),
            UInt64(max(0, entry.minimum)),
            entry.settledDeaths.map { UInt64($0 % Self.deathsLimit) + 1 } ?? 0,
            UInt64(max(0, self.budget)),
            self.pass.map { UInt64(Self.shortened($0.number)) + 1 } ?? 0,
        ]
        var text = "\(Self.prefix)\(Self.printable(self.node)) \(Self.version)"
        for (value, width) in zip(values, Self.widths) { text += Self.digits(value, width) }
        return text
    }

    /// Reads a name; nil for one that is none of these.
    init?(_ text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, let numbers = parts.last, numbers.first == Self.version else {
            return nil
        }
        var rest = numbers.dropFirst().utf8
        var values: [UInt64] = []
        for width in Self.widths {
            guard let value = Self.value(rest.prefix(width), width) else { return nil }
            values.append(value)
            rest = rest.dropFirst(width)
        }
        guard rest.isEmpty else { return nil }
        self.fleet = values[0]
        self.node = String(parts[1])
        var entry = BoardEntry(
            member: values[1],
            weight: Int(values[7]),
            minimum: Int(values[8])
        )
        entry.held = Int(values[2])
        entry.ending = Int(values[3])
        entry.used = Int(values[4])
        entry.waiting = Int(values[5])
        entry.oldestWait = Int64(values[6]) * Self.hundredth
        entry.settledDeaths = values[9] > 0 ? Int(values[9]) - 1 : nil
        self.entry = entry
        self.budget = Int(values[10])
        self.pass =
            values[11] > 0 ? GatePass(member: values[1], number: UInt32(values[11] - 1)) : nil
    }

    init(entry: BoardEntry, node: String, fleet: UInt64, budget: Int, pass: GatePass?) {
        self.entry = entry
        self.node = node
        self.fleet = fleet
        self.budget = budget
        self.pass = pass
    }

    private static func printable(_ node: String) -> String {
        String(node.prefix(Self.nodeMax).map { $0.isASCII && $0 > " " && $0 < "\u{7f}" ? $0 : "_" })
    }

    // MARK: Digits

    private static let alphabet = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_".utf8
    )

    /// What each byte is worth as a digit; 64 where it is none. A board of a thousand members has
    /// forty thousand digits.
    private static let worth: [UInt8] = {
        var worth = [UInt8](repeating: 64, count: 256)
        for (place, digit) in Self.alphabet.enumerated() { worth[Int(digit)] = UInt8(place) }
        return worth
    }()

    /// A number with leading zeros; one that is too large becomes the largest.
    private static func digits(_ value: UInt64, _ width: Int) -> String {
        var rest = min(value, 1 << UInt64(6 * width) - 1)
        var digits: [UInt8] = []
        for _ in 0..<width {
            digits.append(Self.alphabet[Int(rest & 63)])
            rest >>= 6
        }
        return String(decoding: digits.reversed(), as: UTF8.self)
    }

    private static func value(_ digits: Substring.UTF8View, _ width: Int) -> UInt64? {
        guard digits.count == width else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            let place = Self.worth[Int(digit)]
            guard place < 64 else { return nil }
            value = value << 6 | UInt64(place)
        }
        return value
    }
}
