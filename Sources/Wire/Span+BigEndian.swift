extension Span where Element == UInt8 {
    /// The four bytes at `offset` as an unsigned integer in network order.
    @inlinable
    @inline(__always)
    public func bigEndianUInt32(at offset: Int) -> UInt32 {
        // Checked against the bounds once, and any four bytes are an integer.
        unsafe UInt32(
            bigEndian: self.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
        )
    }

    /// The two bytes at `offset` as an unsigned integer in network order.
    @inlinable
    @inline(__always)
    public func bigEndianUInt16(at offset: Int) -> UInt16 {
        unsafe UInt16(
            bigEndian: self.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
        )
    }

    /// The offset of the first zero byte in `range`, or nil.
    public func terminator(in range: Range<Int>) -> Int? {
        if range.isEmpty { return nil }
        if self[range.lowerBound] == 0 { return range.lowerBound }
        return unsafe self.extracting(range).withUnsafeBytes { bytes in
            // A zero among eight bytes is the lowest byte that a borrow reaches first.
            var offset = 1
            while offset + 8 <= bytes.count {
                let word = unsafe UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                )
                let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
                if zeros != 0 {
                    return range.lowerBound + offset + zeros.trailingZeroBitCount / 8
                }
                offset += 8
            }
            while offset < bytes.count {
                if unsafe bytes[offset] == 0 { return range.lowerBound + offset }
                offset += 1
            }
            return nil
        }
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
