/// Places by hash: an open-addressed table of small numbers, for look-ups on the data path that
/// must neither allocate nor hash again.
///
/// It knows hashes and places and nothing of what stands there: a look-up offers every place whose
/// hash is equal, and the caller says which one it means.
struct HashIndex: Sendable {
    private struct Cell {
        var hash: UInt64
        /// -1 where the cell is free.
        var place: Int32
    }

    private var cells: [Cell] = []
    private(set) var count = 0

    /// The first place under `hash` that `matches`; nil when there is none.
    @inline(__always)
    func find(_ hash: UInt64, where matches: (Int) -> Bool) -> Int? {
        guard self.count > 0 else { return nil }
        let mask = self.cells.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while self.cells[index].place >= 0 {
            if self.cells[index].hash == hash, matches(Int(self.cells[index].place)) {
                return Int(self.cells[index].place)
            }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Adds a place, which is not there yet.
    mutating func insert(_ hash: UInt64, _ place: Int) {
        if (self.count + 1) * 2 > self.cells.count { self.grow() }
        self.put(Cell(hash: hash, place: Int32(place)))
        self.count += 1
    }

    /// Takes a place out.
    mutating func remove(_ hash: UInt64, _ place: Int) {
        let mask = self.cells.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while self.cells[index].place != Int32(place) {
            precondition(self.cells[index].place >= 0, "place \(place) is not in the index")
            index = (index + 1) & mask
        }
        self.cells[index].place = -1
        self.count -= 1
        // What stands behind may have been pushed there by what is gone.
        var next = (index + 1) & mask
        while self.cells[next].place >= 0 {
            let cell = self.cells[next]
            self.cells[next].place = -1
            self.put(cell)
            next = (next + 1) & mask
        }
    }

    private mutating func put(_ cell: Cell) {
        let mask = self.cells.count - 1
        var index = Int(truncatingIfNeeded: cell.hash) & mask
        while self.cells[index].place >= 0 { index = (index + 1) & mask }
        self.cells[index] = cell
    }

    private mutating func grow() {
        let old = self.cells
        let size = max(8, old.count * 2)
        self.cells = [Cell](repeating: Cell(hash: 0, place: -1), count: size)
        for cell in old where cell.place >= 0 { self.put(cell) }
    }

    /// A hash of bytes for this index, not for strangers' eyes: whoever can choose the bytes can
    /// make look-ups slow for himself, so tables that several clients share add a secret.
    static func hash(_ bytes: Span<UInt8>, in range: Range<Int>, seed: UInt64 = 0) -> UInt64 {
        var hash = 0xcbf2_9ce4_8422_2325 ^ seed
        for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01b3 }
        return hash ^ hash >> 29
    }
}
