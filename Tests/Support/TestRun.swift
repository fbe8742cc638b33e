import Glibc

/// How long random tests run and where they start: set from outside, so that a failure can be
/// repeated and a night can be used.
public enum TestRun {
    /// Where random tests start: `WEIR_SEED`, or a number drawn once for this process.
    public static let seed: UInt64 = Self.number("WEIR_SEED") ?? .random(in: 0..<1_000_000_000_000)

    /// Whether that was given.
    public static let isSeeded = Self.number("WEIR_SEED") != nil

    /// Whether the long form was asked for (`WEIR_LONG=1`).
    public static let isLong = (Self.number("WEIR_LONG") ?? 0) != 0

    /// How many messages a long simulation sends (`WEIR_MESSAGES`).
    public static let messages: Int? = Self.number("WEIR_MESSAGES").map { Int($0) }

    /// How many of the last events a failure tells of (`WEIR_TRACE`).
    public static let traceLength = Self.number("WEIR_TRACE").map { Int($0) } ?? 120

    /// How many rounds a test does: `debug` in an unoptimised build, `release` in an optimised one
    /// or with `WEIR_LONG`.
    public static func rounds(debug: Int, release: Int) -> Int {
        if Self.isLong { return release }
        #if DEBUG
        return debug
        #else
        return release
        #endif
    }

    /// The numbers of one round. With `WEIR_SEED` set to what a failure printed, that round comes
    /// first.
    public static func random(round: Int) -> SeededRandom {
        SeededRandom(seed: Self.seed &+ UInt64(truncatingIfNeeded: round))
    }

    private static func number(_ name: String) -> UInt64? {
        guard let text = unsafe getenv(name) else { return nil }
        return UInt64(unsafe String(cString: text))
    }
}
