import Glibc

/// The owner's calls: they change entries and list sockets, the engine acts on the next turn.
extension LoopState {
    func connect(
        to address: SocketAddress,
        options: SocketOptions,
        context: UInt64
    ) -> SocketID {
        self.memory.counters.connects += 1
        guard address.fits else {
            return self.refuse(context, error: ENAMETOOLONG)
        }
        let descriptor = Syscalls.makeSocket(
            family: address.family,
            isNonblocking: self.isNonblocking
        )
        if descriptor < 0 {
            return self.refuse(context, error: -descriptor)
        }
        guard let index = self.sockets.take(descriptor: descriptor, context: context) else {
            Syscalls.close(descriptor)
            self.completions.append(Completion(.failed, context: context, error: ENOBUFS))
            return .none
        }
        Syscalls.apply(options, to: descriptor, isTCP: !address.isUnix)
        self.states[index].flags.insert(.connecting)
        let id = self.sockets.id(index)
        self.connects.append((id, address))
        return id
    }

    /// A socket that has failed before it had a descriptor.
    private func refuse(_ context: UInt64, error: Int32) -> SocketID {
        guard let index = self.sockets.take(descriptor: -1, context: context) else {
            self.completions.append(Completion(.failed, context: context, error: error))
            return .none
        }
        self.fail(index, error: error)
        return self.sockets.id(index)
    }

    func receive(_ id: SocketID) {
        let index = self.sockets.findOpen(id)
        if index < 0
            || !self.states[index].flags
                .isDisjoint(with: [.receiveWanted, .endOfFile, .failed])
        {
            return
        }
        self.states[index].flags.insert(.receiveWanted)
        self.list(index)
    }

    /// The socket if `count` more bytes may be queued for it, else -1.
    private func writable(_ id: SocketID, _ count: Int) -> Int {
        let index = self.sockets.findOpen(id)
        if index < 0
            || !self.states[index].flags
                .isDisjoint(with: [.failed, .outputFailed, .closeWriteWanted])
        {
            return -1
        }
        if count > self.limits.outputLimit - self.states[index].output.count {
            self.fail(index, error: ENOBUFS)
            return -1
        }
        return index
    }

    func write(_ bytes: UnsafeRawBufferPointer, to id: SocketID) {
        let index = self.writable(id, bytes.count)
        if index < 0 {
            return
        }
        unsafe self.states[index].output.append(bytes, self.memory)
        self.queuedMore(index)
    }

    func forward(_ completion: Int, offset: Int, count: Int, to id: SocketID) {
        let source = self.completions[completion]
        precondition(
            source.buffer >= 0 && offset >= 0 && count >= 0 && offset <= source.count - count,
            "range \(offset)+\(count) is outside of completion \(completion) (\(source.count))"
        )
        let index = self.writable(id, count)
        if index < 0 {
            return
        }
        self.states[index].output
            .forward(Int(source.buffer), offset: offset, count: count, self.memory)
        self.queuedMore(index)
    }

    private func queuedMore(_ index: Int) {
        self.states[index].flags.remove(.corked)
        if self.states[index].output.count > self.limits.highWater {
            self.states[index].flags.insert(.congested)
        }
        self.list(index)
    }

    func closeWrite(_ id: SocketID) {
        let index = self.sockets.findOpen(id)
        if index >= 0 {
            self.states[index].flags.insert(.closeWriteWanted)
            self.list(index)
        }
    }

    func close(_ id: SocketID, flushing: Bool, isReported: Bool) {
        let index = self.sockets.findOpen(id)
        if index < 0 {
            return
        }
        let canFlush = self.states[index].flags
            .isDisjoint(with: [.failed, .outputFailed, .connecting])
        self.states[index].flags.insert(isReported ? .closing : [.closing, .unreported])
        self.states[index].flags
            .subtract([.receiveWanted, .congested, .releasing, .cancelled])
        self.leaveParked(index)
        if flushing && canFlush {
            self.states[index].flags.insert(.lingering)
            self.states[index].lingerDeadline = self.now + self.limits.lingerTimeout
            self.states[index].lingerBytes = Int32(clamping: self.limits.lingerBytes)
            self.lingering.append(id)
        } else {
            self.dropOutput(index)
        }
        self.list(index)
    }

    func adopt(_ descriptor: Int32, context: UInt64) -> SocketID {
        if Syscalls.setNonblocking(descriptor, self.isNonblocking) < 0 {
            return .none
        }
        guard let index = self.sockets.take(descriptor: descriptor, context: context) else {
            return .none
        }
        self.states[index].flags.insert(.writable)
        self.list(index)
        return self.sockets.id(index)
    }

    func release(_ id: SocketID) {
        let index = self.sockets.findOpen(id)
        if index < 0 || !self.states[index].flags.isDisjoint(with: [.connecting, .failed]) {
            return
        }
        self.states[index].flags.insert(.releasing)
        self.states[index].flags.remove(.receiveWanted)
        self.leaveParked(index)
        self.list(index)
    }

    /// A completion as the owner may see it: only the last one after `close` was called.
    @inline(__always)
    func completion(_ index: Int) -> Completion {
        let completion = self.completions[index]
        if completion.socket == .none || completion.kind == .closed
            || completion.kind == .released
            || self.sockets.findOpen(completion.socket) >= 0
        {
            return completion
        }
        return Completion(.woken)
    }
}
