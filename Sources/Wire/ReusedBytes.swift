/// Bytes that are replaced again and again, in memory that stays.
///
/// It holds texts of statements under way: the next one is mostly as long as the last, and then to
/// replace it is a copy and nothing else, where an array is emptied and grown anew.
public struct ReusedBytes: Sendable {
    private var storage: [UInt8] = []

    /// How many bytes there are.
    public private(set) var count = 0

    /// Creates it without bytes, and without memory.
    public init() {}

    /// Whether there are none.
    public var isEmpty: Bool { self.count == 0 }

    /// The bytes.
    public var bytes: ArraySlice<UInt8> { self.storage[..<self.count] }

    /// Forgets the bytes; memory of more than `capacity` bytes is given back.
    public mutating func removeAll(keeping capacity: Int = .max) {
        self.count = 0
        if self.storage.count > capacity { self.storage = [] }
    }

    /// Whether they are those in `range`.
    public func isEqual(to bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        guard range.count == self.count else { return false }
        let mine = unsafe self.storage.span.bytes
        let others = unsafe bytes.extracting(range).bytes
        var offset = 0
        // Any eight bytes are an integer.
        while offset + 8 <= self.count {
            let one = unsafe mine.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let other = unsafe others.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if one != other { return false }
            offset += 8
        }
        while offset < self.count {
            if self.storage[offset] != bytes[range.lowerBound + offset] { return false }
            offset += 1
        }
        return true
    }

    /// Takes the bytes in `range` in place of those that are there.
    public mutating func replace(with bytes: Span<UInt8>, in range: Range<Int>) {
        self.count = 0
        self.append(bytes, in: range)
    }

    /// Adds the bytes in `range`.
    public mutating func append(_ bytes: Span<UInt8>, in range: Range<Int>) {
        let start = self.count
        self.count += range.count
        guard self.count <= self.storage.count else {
            self.storage.removeSubrange(start...)
            return bytes.append(range, to: &self.storage)
        }
        unsafe bytes.extracting(range).withUnsafeBytes { source in
            unsafe self.storage.withUnsafeMutableBytes {
                unsafe $0[start...].copyBytes(from: source)
            }
        }
    }
}
