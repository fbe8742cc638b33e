/// What the output queues of one loop share: blocks, receive buffers and the quota of those
/// that output may hold.
final class OutputMemory {
    let blocks = BlockPool()
    let buffers: BufferPool
    let limits: ReactorLimits
    /// Ranges of receive buffers held by all queues.
    var held = 0
    var counters = ReactorCounters()

    init(buffers: BufferPool, limits: ReactorLimits) {
        self.buffers = buffers
        self.limits = limits
    }

    /// Whether a borrowed range of `size` bytes may stay in its receive buffer, in a queue that
    /// has `queued` bytes and holds `held` ranges already.
    func mayHold(_ size: Int, of queued: Int, _ held: Int32) -> Bool {
        if size < self.limits.holdMinimum || queued < self.limits.holdThreshold {
            self.counters.copiedForwards += 1
            return false
        }
        if Int(held) >= self.limits.heldBuffersPerSocket
            || self.held >= self.limits.heldBuffersPerLoop
        {
            self.counters.quotaCopies += 1
            return false
        }
        return true
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
