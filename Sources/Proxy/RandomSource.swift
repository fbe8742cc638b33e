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
        let place = self.used
        self.used += 8
        return unsafe self.block.withUnsafeMutableBytes {
            let value = unsafe $0.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            // What has been handed out is kept nowhere.
            unsafe $0.storeBytes(of: 0, toByteOffset: place, as: UInt64.self)
            return value
        }
    }

    /// Random bytes.
    mutating func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            let left = count - result.count
            unsafe withUnsafeBytes(of: self.next()) {
                unsafe result.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0.prefix(left)))
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
