internal import Glibc

/// A moment on the wall clock.
public struct Timestamp: Sendable, Equatable {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    public var seconds: Int64

    /// Microseconds within the second, 0 to 999,999.
    public var microseconds: Int32

    /// Makes a moment from its parts.
    public init(seconds: Int64, microseconds: Int32) {
        self.seconds = seconds
        self.microseconds = microseconds
    }

    /// Reads the clock.
    public static var now: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(
            seconds: Int64(time.tv_sec),
            microseconds: Int32(truncatingIfNeeded: time.tv_nsec / 1000)
        )
    }

    /// Milliseconds within the second, rounded down.
    var milliseconds: Int { Int(self.microseconds) / 1000 }
}
