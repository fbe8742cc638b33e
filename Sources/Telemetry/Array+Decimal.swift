extension [UInt8] {
    /// Appends a number in decimal, padded with zeros to a width.
    mutating func appendDecimal(_ value: some BinaryInteger, width: Int = 1) {
        var rest = value.magnitude
        if value < 0 { self.append(UInt8(ascii: "-")) }
        let start = self.count
        while rest > 0 || self.count - start < width {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            self.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
            rest = quotient
        }
        self[start...].reverse()
    }
}
