internal import Glibc
internal import Pooling

/// The clock of all deadlines: it counts a machine's sleep and never goes back.
enum BootClock {
    /// Nanoseconds since the machine was started.
    static var now: Instant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
