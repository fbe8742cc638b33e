import CLinux
import Glibc

/// What epoll reported, and the receives that follow from it.
extension EpollEngine {
    func happened(_ events: UInt32, _ tag: EventTag) {
        switch tag.kind {
        case .socket:
            let index = self.loop.sockets.find(tag.socket)
            if index >= 0 {
                self.socketChanged(index, events)
            }
        case .listener:
            let states = self.loop.listeners.states
            if tag.index < self.loop.listeners.used
                && states[tag.index].generation == tag.generation
            {
                self.accept(tag.index)
            }
        case .wake:
            self.wakeSignal.acknowledge()
            self.loop.completions.append(Completion(.woken))
        case .receive, .send, .connect, .cancel, nil:
            break
        }
    }

    private func socketChanged(_ index: Int, _ events: UInt32) {
        let ends = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
        var seen: SocketFlags = []
        if events & (EPOLLIN.rawValue | ends) != 0 {
            seen.insert(.readable)
        }
        if events & ends != 0 {
            seen.insert(.hangup)
        }
        if events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
            seen.insert(.writable)
        }
        self.loop.states[index].flags.formUnion(seen)
        if self.loop.states[index].has(.connecting) {
            if seen.contains(.writable) {
                self.connectEnded(index)
            }
            return
        }
        self.service(index)
    }

    private func connectEnded(_ index: Int) {
        let error = Syscalls.pendingError(self.loop.states[index].descriptor)
        if error == 0 {
            self.loop.connected(index)
        } else {
            self.loop.fail(index, error: error)
        }
    }

    private func accept(_ listener: Int) {
        var left = self.loop.limits.acceptsPerTurn
        while left > 0 && self.loop.listeners.states[listener].wantsAccept {
            left -= 1
            let descriptor = Syscalls.accept(self.loop.listeners.states[listener].descriptor)
            if descriptor >= 0 {
                self.loop.accepted(listener, descriptor: descriptor)
                continue
            }
            switch -descriptor {
            case EAGAIN:
                return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                self.loop.acceptFailed(listener)
            default:
                // That connection died before it was taken; the next one may be well.
                self.loop.memory.counters.acceptErrors += 1
            }
        }
    }

    /// One receive for each socket that is readable and wanted, as far as buffers go.
    func readReady() {
        var left = min(self.ready.count, self.loop.limits.eventsPerTurn)
        while left > 0, let id = self.ready.popFirst() {
            left -= 1
            let index = self.loop.sockets.find(id)
            if index < 0 {
                continue
            }
            self.loop.states[index].flags.remove(.ready)
            if self.loop.wantsReceive(index) {
                self.read(index)
            }
        }
    }

    private func read(_ index: Int) {
        guard let buffer = self.takeBuffer(index) else {
            self.loop.park(index)
            return
        }
        let sockets = self.loop.states
        let size = self.loop.buffers.size(of: buffer)
        let result = unsafe Syscalls.receive(
            sockets[index].descriptor,
            self.loop.buffers.bytes(buffer),
            size
        )
        if result > 0 {
            if result < size && !sockets[index].has(.hangup) {
                // A short receive has emptied the socket; what comes later is a new edge.
                sockets[index].flags.remove(.readable)
            }
            self.loop.received(index, buffer: buffer, count: result)
            return
        }
        self.loop.buffers.giveBack(buffer)
        if result == 0 {
            self.loop.ended(index)
        } else if result == -Int(EAGAIN) {
            sockets[index].flags.remove(.readable)
        } else {
            self.loop.fail(index, error: Int32(-result))
        }
    }

    /// A buffer for a receive, a large one in a flow as long as there are any; or `nil`.
    @inline(__always)
    private func takeBuffer(_ index: Int) -> Int? {
        let buffers = self.loop.buffers
        if self.loop.states[index].has(.flowing) {
            if let large = buffers.large.takeReturned() {
                return buffers.number(ofLarge: large)
            }
            self.loop.largeMissing()
        }
        return buffers.small.takeReturned()
    }
}
