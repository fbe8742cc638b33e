import Glibc
import Telemetry

extension Worker {
    /// Microseconds since 1970, for people and logs; deadlines use the loop's clock.
    static func wallClock() -> Int64 {
        let now = Timestamp.now
        return now.seconds * 1_000_000 + Int64(now.microseconds)
    }

    /// CPU time of the calling thread in microseconds, user and system.
    static func threadTime() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Random bytes from the system's generator.
    func randomBytes(_ count: Int) -> [UInt8] {
        self.random.bytes(count)
    }
}
