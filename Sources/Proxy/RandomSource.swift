import Glibc

/// The system's cryptographic randomness, drawn in blocks: a login needs a few dozen bytes, and a
/// system call for every eight of them costs more than the rest of it.
struct RandomSource: RandomNumberGenerator {
    /// The most that getentropy(3) gives at once.
    private static let blockLength = 256

    private var block = [UInt8](repeating: 0, count: Self.blockLength)
    private var used = Self.blockLength

    mutating func next() -> UInt64 {
        if self.used > Self.blockLength - 8 { self.refill() }
        var value: UInt64 = 0
        for _ in 0..<8 {
            value = value << 8 | UInt64(self.block[self.used])
            // What has been handed out is kept nowhere.
            self.block[self.used] = 0
            self.used += 1
        }
        return value
    }

    /// Random bytes.
    mutating func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            var value = self.next()
            for _ in 0..<min(8, count - result.count) {
                result.append(UInt8(truncatingIfNeeded: value))
                value >>= 8
            }
        }
        return result
    }

    private mutating func refill() {
        let outcome = unsafe self.block.withUnsafeMutableBytes {
            unsafe getentropy($0.baseAddress, $0.count)
        }
        precondition(outcome == 0, "the system gives no randomness (errno \(errno))")
        self.used = 0
    }
}
