/// A reader of the generated code point tables: items parted by white space, numbers in base 36.
///
/// The tables are part of the program, so an item that cannot be read is our own mistake.
struct CodePointTable {
    private var bytes: String.UTF8View.SubSequence

    init(_ text: String) { self.bytes = text.utf8[...] }

    /// Skips white space, and returns whether another item follows.
    mutating func hasItem() -> Bool {
        self.bytes = self.bytes.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        return !self.bytes.isEmpty
    }

    /// Reads a number.
    mutating func number() -> UInt32 {
        let digits = self.bytes.prefix { Self.isDigit($0) }
        guard let value = UInt32(Substring(digits), radix: 36) else {
            preconditionFailure("no number in a code point table, \(self.bytes.count) from its end")
        }
        self.bytes = self.bytes[digits.endIndex...]
        return value
    }

    /// Takes a separator if it is next.
    mutating func take(_ separator: Unicode.Scalar) -> Bool {
        guard self.bytes.first == UInt8(ascii: separator) else { return false }
        self.bytes = self.bytes.dropFirst()
        return true
    }

    /// Reads numbers that are parted by commas.
    mutating func numbers() -> [UInt32] {
        var numbers = [self.number()]
        while self.take(",") { numbers.append(self.number()) }
        return numbers
    }

    /// Reads a whole table of ranges.
    static func ranges(_ text: String) -> [ClosedRange<UInt32>] {
        var table = Self(text)
        var ranges: [ClosedRange<UInt32>] = []
        var last: UInt32 = 0
        while table.hasItem() {
            let first = last + table.number()
            last = table.take("+") ? first + table.number() : first
            ranges.append(first...last)
        }
        return ranges
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}
