/// Large buffers: who gets them, and when their memory goes back to the system.
extension LoopState {
    /// Learns from a receive whether the socket's bytes come in a flow, so that the next one
    /// asks for a large buffer.
    ///
    /// One receive that fills a small buffer begins a flow; several in a row that would have
    /// fitted one with room to spare end it. The kind of buffer they went into does not matter,
    /// so a flow that found no large one is still a flow.
    @inline(__always)
    func follow(_ index: Int, buffer: Int, count: Int) {
        if self.buffers.isLarge(buffer) {
            self.memory.counters.largeReceives += 1
            self.nextTrim = self.now + self.limits.largeBufferIdleTime
        }
        if count >= self.limits.receiveBufferSize {
            self.states[index].flags.insert(.flowing)
            self.states[index].smallReceives = 0
        } else if self.states[index].has(.flowing) {
            self.states[index].smallReceives += 1
            if self.states[index].smallReceives >= self.limits.smallReceivesAfterFlow {
                self.states[index].flags.remove(.flowing)
            }
        }
    }

    /// A receive of a flow takes a small buffer because no large one is free.
    func largeMissing() {
        if self.limits.largeBufferCount > 0 {
            self.memory.counters.largeBuffersMissing += 1
        }
    }

    /// Gives back the memory of large buffers that nobody has used for a while. Those that
    /// output still holds are looked at again later.
    func trimIfDue() {
        if self.now < self.nextTrim {
            return
        }
        self.buffers.large.trim()
        self.memory.counters.trims += 1
        self.nextTrim =
            self.buffers.large.inUse > 0 ? self.now + self.limits.largeBufferIdleTime : .max
    }
}
