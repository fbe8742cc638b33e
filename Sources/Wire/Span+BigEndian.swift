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
        // ASCII, which is nearly everything, needs no copy before it is a string. (The general way
        // looks up the metadata of generic types at each call.)
        var seen: UInt8 = 0
        for index in range { seen |= self[index] }
        guard seen < 0x80 else { return String(validating: self.copy(range), as: UTF8.self) }
        return unsafe self.extracting(range).withUnsafeBufferPointer {
            unsafe String(decoding: $0, as: UTF8.self)
        }
    }

    /// Appends the bytes in `range` to an array.
    public func append(_ range: Range<Int>, to array: inout [UInt8]) {
        unsafe self.extracting(range).withUnsafeBufferPointer {
            unsafe array.append(contentsOf: $0)
        }
    }

    /// The bytes in `range`, copied.
    public func copy(_ range: Range<Int>) -> [UInt8] {
        unsafe self.extracting(range).withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }
}
