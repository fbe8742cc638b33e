/// The entries of a `ReplyLedger`, a byte each, the oldest first: a queue in memory that stays.
///
/// The oldest is stored beside the queue, since every reply asks for it several times.
@usableFromInline
struct LedgerEntries: Sendable {
    /// Stands for the oldest where there is none; no request has this code.
    @usableFromInline static let none: UInt8 = 0x1F

    private var storage: [UInt8] = []
    private var head = 0
    private var tail = 0

    /// The oldest; `none` when there is none.
    @usableFromInline private(set) var first = LedgerEntries.none

    /// How many there are.
    @usableFromInline private(set) var count = 0

    mutating func append(_ entry: UInt8) {
        if self.count == 0 {
            self.head = 0
            self.tail = 0
            self.first = entry
        } else if self.head > 1_024, self.head * 2 > self.tail {
            // A pipeline that never runs dry must not grow for ever.
            self.storage.removeFirst(self.head)
            self.tail -= self.head
            self.head = 0
        }
        if self.tail < self.storage.count {
            self.storage[self.tail] = entry
        } else {
            self.storage.append(entry)
        }
        self.tail &+= 1
        self.count &+= 1
    }

    mutating func removeFirst() {
        precondition(self.count > 0, "nothing is due")
        self.head &+= 1
        self.count &-= 1
        self.first = self.count > 0 ? self.storage[self.head] : Self.none
    }

    mutating func replaceFirst(with entry: UInt8) {
        self.storage[self.head] = entry
        self.first = entry
    }

    /// The entry `offset` behind the oldest.
    subscript(offset: Int) -> UInt8 { self.storage[self.head + offset] }

    /// Takes entries out behind the oldest one.
    mutating func removeSubrange(_ range: Range<Int>) {
        precondition(range.lowerBound > 0 && range.upperBound <= self.count)
        self.storage.removeSubrange(self.head + range.lowerBound..<self.head + range.upperBound)
        self.tail -= range.count
        self.count -= range.count
    }

    func contains(where condition: (UInt8) -> Bool) -> Bool {
        self.storage[self.head..<self.tail].contains(where: condition)
    }

    func count(where condition: (UInt8) -> Bool) -> Int {
        self.storage[self.head..<self.tail].count(where: condition)
    }
}

extension LedgerEntries: Equatable {
    @usableFromInline
    static func == (one: LedgerEntries, other: LedgerEntries) -> Bool {
        one.storage[one.head..<one.tail] == other.storage[other.head..<other.tail]
    }
}
