import Telemetry

extension Worker {
    /// Microseconds since 1970, for people and logs; deadlines use the loop's clock.
    static func wallClock() -> Int64 {
        let now = Timestamp.now
        return now.seconds * 1_000_000 + Int64(now.microseconds)
    }

    /// Random bytes from the system's generator.
    func randomBytes(_ count: Int) -> [UInt8] {
        self.random.bytes(count)
    }
}
