import CLinux
import Glibc

/// From entries of the completion queue to what they mean for a socket.
extension IOUringEngine {
    func happened(_ tag: EventTag, result: Int32, flags: UInt32) {
        if flags & UInt32(IORING_CQE_F_MORE) == 0 {
            self.operationEnded()
        }
        switch tag.kind {
        case .receive:
            self.receiveEnded(tag, result, flags)
        case .send:
            let index = self.loop.sockets.find(tag.socket)
            if index >= 0 {
                self.loop.states[index].flags.remove(.sendInFlight)
                self.sendEnded(index, result)
                self.endedForClosing(index)
            }
        case .connect:
            let index = self.loop.sockets.find(tag.socket)
            if index >= 0 {
                self.loop.states[index].flags.remove(.connectInFlight)
                self.connectEnded(index, result)
                self.endedForClosing(index)
            }
        case .listener:
            self.acceptEnded(tag, result, flags)
        case .wake:
            self.wakeHappened()
        case .cancel, .socket, nil:
            break
        }
    }

    /// A socket that is closing may have had its last operation, or may go on lingering.
    @inline(__always)
    private func endedForClosing(_ index: Int) {
        if self.loop.states[index].has(.closing) {
            self.loop.list(index)
        }
    }

    private func receiveEnded(_ tag: EventTag, _ result: Int32, _ flags: UInt32) {
        let index = self.loop.sockets.find(tag.socket)
        precondition(index >= 0, "an entry was freed with a receive in flight")
        let isLarge = self.loop.states[index].has(.largeInFlight)
        var buffer = -1
        if flags & UInt32(IORING_CQE_F_BUFFER) != 0 {
            self.buffers(isLarge: isLarge).used()
            let number = Int(flags >> UInt32(IORING_CQE_BUFFER_SHIFT))
            buffer = isLarge ? self.loop.buffers.number(ofLarge: number) : number
        }
        self.loop.states[index].flags.subtract([.receiveInFlight, .largeInFlight])
        if !self.loop.states[index].has(.closing) {
            // The cancel was for a release.
            self.loop.states[index].flags.remove(.cancelled)
        }
        if result > 0 && buffer >= 0 {
            if flags & UInt32(IORING_CQE_F_SOCK_NONEMPTY) != 0 {
                self.loop.states[index].flags.insert(.moreWaits)
            }
            self.loop.received(index, buffer: buffer, count: Int(result))
        } else {
            if buffer >= 0 {
                self.loop.buffers.giveBack(buffer)
            }
            self.receiveFailed(index, result, isLarge: isLarge)
        }
        self.endedForClosing(index)
    }

    private func receiveFailed(_ index: Int, _ result: Int32, isLarge: Bool) {
        switch -result {
        case 0:
            self.loop.ended(index)
        case ENOBUFS:
            self.buffers(isLarge: isLarge).missed()
            if isLarge {
                self.loop.states[index].flags.insert(.largeMissed)
            }
            if isLarge || !self.loop.wantsReceive(index) {
                self.loop.list(index)
            } else {
                self.loop.park(index)
            }
        case EINTR, EAGAIN, ECANCELED:
            self.loop.list(index)
        default:
            self.loop.fail(index, error: -result)
        }
    }

    private func sendEnded(_ index: Int, _ result: Int32) {
        let sockets = self.loop.states
        if result >= 0 {
            let isKept = sockets[index].flags.isDisjoint(with: [.failed, .outputFailed])
            self.loop.sent(index, count: Int(result), of: sockets[index].offered)
            if !isKept {
                self.loop.dropOutput(index)
            }
            if !sockets[index].output.isEmpty
                || !sockets[index].flags.isDisjoint(with: [.closeWriteWanted, .releasing])
            {
                self.loop.list(index)
            }
            return
        }
        switch -result {
        case EINTR, EAGAIN:
            self.loop.list(index)
        default:
            self.loop.sendFailed(index, error: -result)
        }
    }

    private func connectEnded(_ index: Int, _ result: Int32) {
        if self.loop.states[index].has(.closing) {
            return
        }
        if result == 0 {
            self.loop.connected(index)
        } else {
            self.loop.fail(index, error: -result)
        }
    }

    private func acceptEnded(_ tag: EventTag, _ result: Int32, _ flags: UInt32) {
        let states = self.loop.listeners.states
        let index = tag.index
        if index >= self.loop.listeners.used || states[index].generation != tag.generation {
            if result >= 0 {
                Syscalls.close(result)
            }
            return
        }
        if flags & UInt32(IORING_CQE_F_MORE) == 0 {
            states[index].isArmed = false
            states[index].isCancelling = false
            self.loop.listeners.hasChanged = true
        }
        if result >= 0 {
            self.loop.accepted(index, descriptor: result)
            return
        }
        switch -result {
        case ECANCELED, EAGAIN, EINTR:
            break
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            self.loop.acceptFailed(index)
        default:
            // That connection died before it was taken; the next one may be well.
            self.loop.memory.counters.acceptErrors += 1
        }
    }
}
