import Glibc

/// What the kernel reported, in terms that both engines share.
extension LoopState {
    /// A listener took a connection. Without a place for it, it is closed and the listener rests.
    func accepted(_ listener: Int, descriptor: Int32) {
        let state = self.listeners.states[listener]
        if state.isClosing {
            Syscalls.close(descriptor)
            return
        }
        guard let index = self.sockets.take(descriptor: descriptor, context: 0) else {
            Syscalls.close(descriptor)
            self.acceptFailed(listener)
            return
        }
        self.memory.counters.accepts += 1
        self.states[index].flags.insert(
            state.comesWithBytes ? [.writable, .moreWaits] : .writable
        )
        self.completions.append(
            Completion(.accepted, socket: self.sockets.id(index), context: state.context)
        )
        self.list(index)
    }

    /// An accept found no descriptor, memory or place: the listener rests for a while.
    func acceptFailed(_ listener: Int) {
        self.memory.counters.acceptErrors += 1
        self.listeners.rest(listener, until: self.now + self.limits.acceptBackoff)
    }

    func connected(_ index: Int) {
        self.states[index].flags.remove(.connecting)
        self.states[index].flags.insert(.writable)
        self.emit(.connected, index)
        self.list(index)
    }

    /// Bytes came into a buffer, which passes to the owner until the next turn.
    func received(_ index: Int, buffer: Int, count: Int) {
        self.memory.counters.receives += 1
        self.memory.counters.bytesReceived += count
        if count >= self.limits.bulkReceiveSize {
            self.memory.counters.bulkReceives += 1
        }
        self.states[index].flags.remove(.unparked)
        self.follow(index, buffer: buffer, count: count)
        if self.states[index].has(.closing) {
            self.buffers.giveBack(buffer)
            let left = Int(self.states[index].lingerBytes) - count
            self.states[index].lingerBytes = Int32(max(left, 0))
            self.list(index)
            return
        }
        self.buffers.lend(buffer)
        self.states[index].flags.subtract([.receiveWanted, .releasing])
        self.emit(.received, index, count: count, buffer: buffer)
        if self.states[index].has(.outputFailed) {
            self.reportOutputFailure(index)
        }
    }

    /// The peer has shut down its write side.
    func ended(_ index: Int) {
        self.states[index].flags.insert(.endOfFile)
        self.states[index].flags.subtract([.receiveWanted, .releasing])
        if self.states[index].has(.closing) {
            self.list(index)
        } else if self.states[index].has(.outputFailed) {
            self.fail(index, error: self.states[index].error)
        } else {
            self.emit(.endOfFile, index)
        }
    }

    /// A receive or a connection attempt failed for good.
    func fail(_ index: Int, error: Int32) {
        if self.states[index].has(.closing) {
            self.abandon(index, error: self.states[index].output.isEmpty ? 0 : error)
            return
        }
        if self.states[index].has(.failed) {
            return
        }
        self.states[index].flags.insert(.failed)
        self.states[index].flags
            .subtract([.connecting, .receiveWanted, .congested, .releasing])
        self.dropOutput(index)
        self.emit(.failed, index, error: error)
    }

    /// The kernel has accepted `count` bytes of a socket's output.
    func sent(_ index: Int, count: Int, of offered: Int) {
        self.memory.counters.sends += 1
        self.memory.counters.bytesSent += count
        if count < offered {
            self.memory.counters.shortSends += 1
        }
        self.states[index].output.consume(count, self.memory)
        if self.states[index].has(.congested)
            && self.states[index].output.count <= self.limits.lowWater
        {
            self.drained(index)
        }
    }

    /// A send failed. What the peer sent before is delivered first: a server's last message
    /// often explains the failure.
    func sendFailed(_ index: Int, error: Int32) {
        if self.states[index].has(.closing) {
            self.abandon(index, error: error)
            return
        }
        self.dropOutput(index)
        if self.states[index].has(.failed)
            || self.states[index].has(.outputFailed)
        {
            return
        }
        self.states[index].flags.insert(.outputFailed)
        self.states[index].error = error
        self.reportOutputFailure(index)
        if self.states[index].has(.congested) {
            self.drained(index)
        }
    }

    private func reportOutputFailure(_ index: Int) {
        if Syscalls.unreadBytes(self.states[index].descriptor) == 0 {
            self.fail(index, error: self.states[index].error)
        }
    }

    private func drained(_ index: Int) {
        self.states[index].flags.remove(.congested)
        if !self.states[index].has(.closing) && !self.states[index].has(.failed) {
            self.emit(.drained, index)
        }
    }

    /// Forgets output that no send in flight uses.
    func dropOutput(_ index: Int) {
        let isInFlight = self.states[index].has(.sendInFlight)
        self.states[index].output.drop(keepingSettled: isInFlight, self.memory)
    }

    // MARK: The end

    /// A flushing close becomes a close at once.
    func abandon(_ index: Int, error: Int32) {
        self.states[index].flags.remove(.lingering)
        if self.states[index].error == 0 {
            self.states[index].error = error
        }
        self.dropOutput(index)
        self.list(index)
    }

    /// Does SHUT_WR when it is wanted and all output has left.
    func closeWriteIfDue(_ index: Int) {
        let state = self.states[index].flags
        if state.isDisjoint(with: [.closeWriteWanted, .lingering])
            || !state.isDisjoint(with: [.writeClosed, .sendInFlight, .failed])
            || !self.states[index].output.isEmpty
        {
            return
        }
        self.states[index].flags.insert(.writeClosed)
        Syscalls.shutdownWrite(self.states[index].descriptor)
    }

    /// Whether a flushing close has sent everything and read to the end, or as far as it may.
    func lingerIsOver(_ index: Int) -> Bool {
        self.states[index].has(.writeClosed) && !self.wantsReceive(index)
    }

    /// Whether a receive should be under way: the owner's, or a flushing close's.
    func wantsReceive(_ index: Int) -> Bool {
        if self.states[index].has(.lingering) {
            return !self.states[index].has(.endOfFile)
                && self.states[index].lingerBytes > 0
        }
        return self.states[index].has(.receiveWanted)
    }

    /// Whether a socket that is to leave the loop can: everything is sent, nothing is in the
    /// kernel.
    func mayLeave(_ index: Int) -> Bool {
        self.states[index].has(.releasing) && self.states[index].output.isEmpty
            && self.states[index].flags.isDisjoint(with: .inFlight)
    }

    /// Gives a socket's descriptor to the owner and frees its entry.
    func handOver(_ index: Int) {
        let descriptor = self.states[index].descriptor
        self.emit(.released, index, count: Int(descriptor))
        self.sockets.free(index)
    }

    /// Nothing of the socket is in the kernel any more: closes it and frees its entry.
    func finish(_ index: Int) {
        self.leaveParked(index)
        self.states[index].output.drop(keepingSettled: false, self.memory)
        if self.states[index].descriptor >= 0 {
            Syscalls.close(self.states[index].descriptor)
        }
        if !self.states[index].has(.unreported) {
            self.emit(.closed, index, error: self.states[index].error)
        }
        self.sockets.free(index)
    }
}
