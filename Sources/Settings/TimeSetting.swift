/// A span of time in the configuration, kept in whole microseconds as PgBouncer keeps it.
///
/// A plain number means seconds and may have decimals (`0.25`). The suffixes `us`, `ms`, `s`,
/// `min`, `h` and `d` are accepted too; a bare `m` is not, since it could mean two things.
public struct TimeSetting: Sendable, Hashable {
    /// The span in microseconds: never negative, never above ``maximumMicroseconds``.
    public let microseconds: Int64

    /// The longest span, 1,000,000,000 s (31 years): in nanoseconds it still fits an `Int64`, with
    /// room to be added to a clock's reading.
    public static let maximumMicroseconds: Int64 = 1_000_000_000_000_000

    /// No time at all, which most keys read as "no limit".
    public static let zero = TimeSetting(microseconds: 0)

    /// Makes a span of so many microseconds, held to the range that a span can have.
    public init(microseconds: Int64) {
        self.microseconds = min(max(microseconds, 0), Self.maximumMicroseconds)
    }

    /// Makes a span of so many seconds, held to the range that a span can have.
    public static func seconds(_ count: Int64) -> TimeSetting {
        let limit = Self.maximumMicroseconds / 1_000_000
        return TimeSetting(microseconds: min(max(count, 0), limit) * 1_000_000)
    }

    /// Makes a span of so many milliseconds, held to the range that a span can have.
    public static func milliseconds(_ count: Int64) -> TimeSetting {
        let limit = Self.maximumMicroseconds / 1_000
        return TimeSetting(microseconds: min(max(count, 0), limit) * 1_000)
    }

    /// Reads a span from configuration text.
    ///
    /// - Returns: `nil` when the text is not a number with an optional unit, is negative, or is
    ///   longer than ``maximumMicroseconds``.
    public init?(parsing text: String) {
        let isNumberByte = { (byte: UInt8) in
            (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || byte == UInt8(ascii: ".")
        }
        let digits = text.utf8.prefix(while: isNumberByte)
        var rest = text.utf8.dropFirst(digits.count)
        var number = String(Substring(digits))
        guard number.utf8.contains(where: { $0 != UInt8(ascii: ".") }) else { return nil }
        if let exponent = Self.exponent(in: rest) {
            number += "e\(exponent.value)"
            rest = rest.dropFirst(exponent.length)
        }
        let unit = rest.drop { $0 == UInt8(ascii: " ") }
        guard let scale = Self.microseconds(inUnit: String(Substring(unit))),
            let value = Double(number.hasSuffix(".") ? number + "0" : number)
        else { return nil }
        let scaled = (value * scale).rounded()
        guard scaled <= Double(Self.maximumMicroseconds) else { return nil }
        self.microseconds = Int64(scaled)
    }

    /// The span in nanoseconds.
    public var nanoseconds: Int64 { self.microseconds * 1_000 }

    /// Whether the span is empty, which most keys read as "no limit".
    public var isZero: Bool { self.microseconds == 0 }

    /// The exponent at the start of what follows the digits (`e3`, `E-06`), as `%g` may print it.
    private static func exponent(in text: Substring.UTF8View) -> (value: Int, length: Int)? {
        guard let letter = text.first, letter == UInt8(ascii: "e") || letter == UInt8(ascii: "E")
        else { return nil }
        var length = 1
        var sign = 1
        if let next = text.dropFirst().first,
            next == UInt8(ascii: "+") || next == UInt8(ascii: "-")
        {
            sign = next == UInt8(ascii: "-") ? -1 : 1
            length += 1
        }
        let digits = text.dropFirst(length).prefix {
            $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
        }
        guard !digits.isEmpty, let value = Int(Substring(digits)), value <= 99 else { return nil }
        return (sign * value, length + digits.count)
    }

    private static func microseconds(inUnit unit: String) -> Double? {
        switch unit {
        case "us": 1
        case "ms": 1_000
        case "", "s": 1_000_000
        case "min": 60_000_000
        case "h": 3_600_000_000
        case "d": 86_400_000_000
        default: nil
        }
    }
}

extension TimeSetting: Comparable {
    /// Whether the left span is the shorter one.
    public static func < (left: TimeSetting, right: TimeSetting) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension TimeSetting: CustomStringConvertible {
    /// The span in seconds as C's `%g` prints it (six significant digits), which is how PgBouncer's
    /// `SHOW CONFIG` shows times.
    public var description: String {
        guard self.microseconds > 0 else { return "0" }
        var digits = Array(String(self.microseconds).utf8)
        var exponent = digits.count - 7
        if digits.count > 6 {
            let roundsUp = digits[6] >= UInt8(ascii: "5")
            let kept = String(decoding: digits.prefix(6), as: UTF8.self)
            digits = Array(String((Int(kept) ?? 0) + (roundsUp ? 1 : 0)).utf8)
            if digits.count == 7 { exponent += 1 }
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        let text = String(decoding: digits, as: UTF8.self)
        if exponent < -4 || exponent >= 6 {
            let fraction = text.dropFirst()
            let shown = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
            return "\(text.prefix(1))\(fraction.isEmpty ? "" : ".\(fraction)")"
                + "e\(exponent < 0 ? "-" : "+")\(shown)"
        }
        if exponent < 0 {
            return "0." + String(repeating: "0", count: -exponent - 1) + text
        }
        let whole = exponent + 1
        if digits.count <= whole {
            return text + String(repeating: "0", count: whole - digits.count)
        }
        return "\(text.prefix(whole)).\(text.dropFirst(whole))"
    }
}
