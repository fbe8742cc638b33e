/// The receive buffers of a loop, in two sizes under one numbering: small ones for all that is
/// short, and a few large ones for flows.
///
/// A buffer's number says which kind it is: the small ones come first. Which kind a socket's
/// next receive asks for is decided in `LoopState.follow`.
final class ReceiveBuffers {
    let small: BufferPool
    let large: BufferPool

    init?(limits: ReactorLimits) {
        guard
            let small = BufferPool(
                size: limits.receiveBufferSize,
                count: limits.receiveBufferCount
            ),
            let large = BufferPool(size: limits.largeBufferSize, count: limits.largeBufferCount)
        else {
            return nil
        }
        self.small = small
        self.large = large
    }

    /// Gives the memory back. Neither the kernel nor a send may still use it.
    func deallocate() {
        self.small.deallocate()
        self.large.deallocate()
    }

    /// Buffers of both kinds that are out.
    var inUse: Int { self.small.inUse + self.large.inUse }

    @inline(__always)
    func isLarge(_ number: Int) -> Bool {
        number >= self.small.count
    }

    /// The number of a pool's buffer.
    @inline(__always)
    func number(ofLarge index: Int) -> Int {
        index + self.small.count
    }

    /// Bytes that a buffer has room for.
    @inline(__always)
    func size(of number: Int) -> Int {
        self.isLarge(number) ? self.large.size : self.small.size
    }

    /// Where a buffer begins.
    @inline(__always)
    func bytes(_ number: Int) -> UnsafeMutableRawPointer {
        self.isLarge(number)
            ? unsafe self.large.bytes(number - self.small.count) : unsafe self.small.bytes(number)
    }

    /// A buffer came back from the kernel with bytes: one reference.
    @inline(__always)
    func lend(_ number: Int) {
        self.isLarge(number)
            ? self.large.lend(number - self.small.count) : self.small.lend(number)
    }

    /// A buffer came back without bytes to read: it is free at once.
    @inline(__always)
    func giveBack(_ number: Int) {
        self.isLarge(number)
            ? self.large.giveBack(number - self.small.count) : self.small.giveBack(number)
    }

    @inline(__always)
    func retain(_ number: Int) {
        self.isLarge(number)
            ? self.large.retain(number - self.small.count) : self.small.retain(number)
    }

    @inline(__always)
    func release(_ number: Int) {
        self.isLarge(number)
            ? self.large.release(number - self.small.count) : self.small.release(number)
    }
}
