/// Whole numbers as C's `strtol` with base 0 reads them, which is what PgBouncer's files may hold.
enum IntegerText {
    /// The number that a text spells: decimal, `0x…`, or octal with a leading zero.
    ///
    /// - Returns: `nil` when the text is anything else or does not fit an `Int`.
    static func value(of text: String) -> Int? {
        var digits = Substring(text)
        var isNegative = false
        if let sign = digits.utf8.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            digits.removeFirst()
        }
        let radix: Int
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            digits.removeFirst(2)
            radix = 16
        } else if digits.hasPrefix("0"), digits.utf8.count > 1 {
            digits.removeFirst()
            radix = 8
        } else {
            radix = 10
        }
        // Swift's parser would take a second sign here.
        guard let first = digits.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+")
        else { return nil }
        return Int((isNegative ? "-" : "") + digits, radix: radix)
    }
}
