/// How often texts have come, of those that come often: a table of fixed size, in which what comes
/// back stays and the rest makes room.
struct Repetitions: Sendable {
    private struct Cell {
        var hash: UInt64 = 0
        var count: UInt32 = 0
    }

    /// Made when somebody counts.
    private var cells: [Cell] = []

    /// How many texts are counted at most: 128 KB of them.
    static let cellCount = 8_192
    /// How much further than asked for is counted: so often may others come in the way of a text
    /// before it is forgotten.
    private static let reserve = 64

    /// Counts one more of a text, by its hash; whether it has come `count` times before. Two texts
    /// that are not told apart are counted as one, which does no harm.
    mutating func comesBack(_ hash: UInt64, after count: Int) -> Bool {
        if self.cells.isEmpty {
            self.cells = [Cell](repeating: Cell(), count: Self.cellCount)
        }
        let place = Int(truncatingIfNeeded: hash) & (Self.cellCount - 1)
        guard self.cells[place].hash == hash else {
            if self.cells[place].count > 1 {
                self.cells[place].count -= 1
            } else {
                self.cells[place] = Cell(hash: hash, count: 1)
            }
            return false
        }
        let before = self.cells[place].count
        if before < count + Self.reserve { self.cells[place].count += 1 }
        return before >= count
    }
}
