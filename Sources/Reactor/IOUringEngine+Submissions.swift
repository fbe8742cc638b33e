import CLinux
import Glibc

/// From what the owner wants to entries of the submission queue.
extension IOUringEngine {
    /// Does for one socket whatever can be done now. What finds the submission queue blocked
    /// stays listed for the next turn.
    func service(_ index: Int) {
        let sockets = self.loop.states
        if sockets[index].output.hasFresh {
            sockets[index].output.settle(self.loop.memory)
        }
        if sockets[index].has(.closing) && !sockets[index].has(.lingering) {
            self.abort(index)
            return
        }
        if !sockets[index].flags.isDisjoint(with: [.connecting, .failed]) {
            return
        }
        if !sockets[index].output.isEmpty && !sockets[index].has(.sendInFlight)
            && !self.loop.isCorked(index)
        {
            self.send(index)
        }
        self.loop.closeWriteIfDue(index)
        if sockets[index].has(.releasing) {
            self.release(index)
            return
        }
        if self.loop.wantsReceive(index) {
            if sockets[index].flags.isDisjoint(with: [.receiveInFlight, .parked]) {
                self.receive(index)
            }
        } else if sockets[index].has(.lingering) && self.loop.lingerIsOver(index) {
            sockets[index].flags.remove(.lingering)
            self.abort(index)
        }
    }

    /// Lets a socket go once its receive is cancelled. A receive that completed first calls it
    /// off.
    private func release(_ index: Int) {
        let sockets = self.loop.states
        if self.loop.mayLeave(index) {
            self.loop.handOver(index)
        } else if sockets[index].has(.receiveInFlight) && !sockets[index].has(.cancelled) {
            if self.cancel(.receive, .receiveInFlight, index) {
                sockets[index].flags.insert(.cancelled)
            } else {
                self.loop.list(index)
            }
        }
    }

    private func receive(_ index: Int) {
        guard let entry = unsafe self.entry() else {
            self.loop.list(index)
            return
        }
        unsafe self.prepareReceive(entry, index)
    }

    private func send(_ index: Int) {
        let sockets = self.loop.states
        guard let entry = unsafe self.entry() else {
            self.loop.list(index)
            return
        }
        if sockets[index].output.hasOneRun {
            let run = unsafe sockets[index].output.firstRun
            unsafe weir_prepare_send(
                entry,
                sockets[index].descriptor,
                run.baseAddress,
                run.count,
                self.tag(.send, index)
            )
            sockets[index].offered = run.count
        } else {
            let place = unsafe self.place(entry)
            let vectors = unsafe self.staging.vectors(place)
            let offer = unsafe sockets[index].output
                .gather(vectors, SubmissionStaging.mostSegments)
            unsafe weir_prepare_send_message(
                entry,
                sockets[index].descriptor,
                self.staging.message(place, segments: offer.segments),
                self.tag(.send, index)
            )
            sockets[index].offered = offer.bytes
        }
        sockets[index].flags.insert(.sendInFlight)
        sockets[index].corkDeadline = 0
        sockets[index].flags.remove(.corked)
        self.sendsQueued += 1
    }

    func startConnects() {
        var index = 0
        while index < self.loop.connects.count {
            let (id, address) = self.loop.connects[index]
            let socket = self.loop.sockets.findOpen(id)
            if socket >= 0 {
                guard let entry = unsafe self.entry() else {
                    self.loop.connects.removeFirst(index)
                    return
                }
                let staged = unsafe self.staging.address(self.place(entry), address)
                unsafe weir_prepare_connect(
                    entry,
                    self.loop.states[socket].descriptor,
                    staged.0,
                    staged.1,
                    self.tag(.connect, socket)
                )
                self.loop.states[socket].flags.insert(.connectInFlight)
            }
            index += 1
        }
        if index > 0 {
            self.loop.connects.removeAll(keepingCapacity: true)
        }
    }

    /// Shutdown and cancel, or the end if nothing of the socket is in the kernel.
    private func abort(_ index: Int) {
        let sockets = self.loop.states
        self.loop.dropOutput(index)
        if sockets[index].flags.isDisjoint(with: .inFlight) {
            self.loop.finish(index)
            return
        }
        if sockets[index].has(.cancelled) {
            return
        }
        Syscalls.shutdownBoth(sockets[index].descriptor)
        let isDone =
            self.cancel(.receive, .receiveInFlight, index)
            && self.cancel(.send, .sendInFlight, index)
            && self.cancel(.connect, .connectInFlight, index)
        if isDone {
            sockets[index].flags.insert(.cancelled)
        } else {
            self.loop.list(index)
        }
    }

    private func cancel(_ kind: EventTag.Kind, _ flag: SocketFlags, _ index: Int) -> Bool {
        if !self.loop.states[index].has(flag) {
            return true
        }
        guard let entry = unsafe self.entry() else {
            return false
        }
        unsafe weir_prepare_cancel(entry, self.tag(kind, index), EventTag(.cancel).bits)
        return true
    }

    func serviceListeners() {
        let listeners = self.loop.listeners
        listeners.hasChanged = false
        for index in 0..<listeners.used where listeners.states[index].isLive {
            let state = listeners.states[index]
            let tag = EventTag(.listener, index: index, generation: state.generation)
            if state.wantsAccept && !state.isArmed {
                guard let entry = unsafe self.entry() else {
                    listeners.hasChanged = true
                    return
                }
                unsafe weir_prepare_accept(entry, state.descriptor, tag.bits)
                listeners.states[index].isArmed = true
            } else if !state.wantsAccept && state.isArmed && !state.isCancelling {
                guard let entry = unsafe self.entry() else {
                    listeners.hasChanged = true
                    return
                }
                unsafe weir_prepare_cancel(entry, tag.bits, EventTag(.cancel).bits)
                listeners.states[index].isCancelling = true
            } else if state.isClosing && !state.isArmed {
                listeners.close(index)
            }
        }
    }
}
