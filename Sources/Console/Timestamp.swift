import Glibc

/// A point in time as the console shows it: `2026-11-24 13:30:00 CET`, in the process's time zone.
///
/// Exporters read the first two words, people the third. Glibc knows the zones; nothing else here
/// would need Foundation.
struct Timestamp: Sendable {
    /// The text.
    let text: String

    private static let format = "%Y-%m-%d %H:%M:%S %Z"
    /// Room for a year of ten digits and the longest name of a zone.
    private static let lengthMax = 128

    /// Formats `microseconds` since 1970; fractions of a second are cut.
    init(_ microseconds: Int64) {
        let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        var seconds = time_t(rest < 0 ? whole - 1 : whole)
        var parts = unsafe tm()
        // Safe: both pointers live for the call only. The zone's name that `parts` then points to
        // belongs to Glibc and stays valid as long as nobody changes TZ, which Weir never does.
        guard unsafe localtime_r(&seconds, &parts) != nil else {
            self.text = "\(microseconds)"
            return
        }
        // Safe: strftime writes at most the buffer's size, and says how much; a text that does not
        // fit becomes empty.
        self.text = unsafe String(unsafeUninitializedCapacity: Self.lengthMax) { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { characters in
                guard let start = characters.baseAddress else { return 0 }
                return unsafe strftime(start, characters.count, Self.format, &parts)
            }
        }
    }
}
