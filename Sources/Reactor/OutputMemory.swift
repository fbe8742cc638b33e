/// What the output queues of one loop share: blocks, receive buffers and the quota of those
/// that output may hold.
final class OutputMemory {
    let blocks = BlockPool()
    let buffers: ReceiveBuffers
    let limits: ReactorLimits
    /// Ranges of small and of large receive buffers held by all queues.
    private(set) var heldSmall = 0
    private(set) var heldLarge = 0
    var held: Int { self.heldSmall + self.heldLarge }
    var counters = ReactorCounters()

    init(buffers: ReceiveBuffers, limits: ReactorLimits) {
        self.buffers = buffers
        self.limits = limits
    }

    /// Takes note of a borrowed range of `size` bytes that stays in its receive buffer, in a
    /// queue that has `queued` bytes and holds buffers of `held` bytes already; or says that it
    /// must be copied. However short the range, what it costs is its whole buffer.
    func hold(_ buffer: Int, _ size: Int, of queued: Int, _ held: Int) -> Bool {
        if size < self.limits.holdMinimum || queued < self.limits.holdThreshold {
            self.counters.copiedForwards += 1
            return false
        }
        let isLarge = self.buffers.isLarge(buffer)
        let isUsedUp =
            isLarge
            ? self.heldLarge >= self.limits.heldLargeBuffersPerLoop
            : self.heldSmall >= self.limits.heldBuffersPerLoop
        if isUsedUp || held + self.buffers.size(of: buffer) > self.limits.heldBytesPerSocket {
            self.counters.quotaCopies += 1
            return false
        }
        self.counters.heldForwards += 1
        if isLarge {
            self.heldLarge += 1
        } else {
            self.heldSmall += 1
        }
        return true
    }

    /// A held range has been sent or dropped.
    func letGo(_ buffer: Int) {
        if self.buffers.isLarge(buffer) {
            self.heldLarge -= 1
        } else {
            self.heldSmall -= 1
        }
    }

    /// Gives a block back, and the receive buffer that it kept.
    func discard(_ block: UnsafeMutablePointer<OutputBlock>) {
        let buffer = unsafe Int(block.pointee.buffer)
        if buffer >= 0 {
            self.buffers.release(buffer)
        }
        unsafe self.blocks.give(block)
    }
}
