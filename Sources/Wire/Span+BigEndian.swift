extension Span where Element == UInt8 {
    /// The four bytes at `offset` as an unsigned integer in network order.
    @inlinable
    public func bigEndianUInt32(at offset: Int) -> UInt32 {
        UInt32(self[offset]) << 24 | UInt32(self[offset + 1]) << 16 | UInt32(self[offset + 2]) << 8
            | UInt32(self[offset + 3])
    }

    /// The two bytes at `offset` as an unsigned integer in network order.
    @inlinable
    public func bigEndianUInt16(at offset: Int) -> UInt16 {
        UInt16(self[offset]) << 8 | UInt16(self[offset + 1])
    }

    /// The offset of the first zero byte in `range`, or nil.
    public func terminator(in range: Range<Int>) -> Int? {
        for index in range where self[index] == 0 { return index }
        return nil
    }

    /// The bytes in `range` as text; nil where they are no valid UTF-8.
    public func text(in range: Range<Int>) -> String? {
        String(validating: self.copy(range), as: UTF8.self)
    }

    /// The bytes in `range`, copied.
    public func copy(_ range: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        for index in range { result.append(self[index]) }
        return result
    }
}
