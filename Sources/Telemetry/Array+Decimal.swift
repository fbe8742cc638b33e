extension [UInt8] {
    /// Appends a number of at most 64 bits in decimal, padded with zeros to a width.
    mutating func appendDecimal(_ value: some BinaryInteger, width: Int = 1) {
        if value < 0 { self.append(UInt8(ascii: "-")) }
        self.appendDigits(of: UInt64(truncatingIfNeeded: value.magnitude), width: width)
    }

    private mutating func appendDigits(of value: UInt64, width: Int) {
        var divisor: UInt64 = 1
        var digitCount = 1
        while value / divisor >= 10 {
            divisor *= 10
            digitCount += 1
        }
        while digitCount < width {
            self.append(UInt8(ascii: "0"))
            digitCount += 1
        }
        while divisor > 0 {
            self.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}
