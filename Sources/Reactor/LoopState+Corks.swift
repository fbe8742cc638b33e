/// Output that waits a little, since more is known to follow it.
///
/// A socket's cork begins with the first `cork` after a send and ends with the next send, so
/// that output which is corked again and again still leaves in time. While `corkDeadline` is above
/// 0, the socket's entry in `corks` has the same time; entries with another are void.
extension LoopState {
    func cork(_ id: SocketID) {
        let index = self.sockets.findOpen(id)
        if index < 0 || self.states[index].output.isEmpty || self.limits.corkTime == 0
            || self.states[index].corkDeadline == Self.corkIsOver
        {
            return
        }
        self.states[index].flags.insert(.corked)
        if self.states[index].corkDeadline == 0 {
            self.states[index].corkDeadline = self.now + self.limits.corkTime
            self.corks.append(Cork(socket: id, deadline: self.states[index].corkDeadline))
        }
    }

    /// The `corkDeadline` between the end of a cork and the send that follows from it.
    private static var corkIsOver: Int64 { -1 }

    /// Whether a socket's output waits for more.
    @inline(__always)
    func isCorked(_ index: Int) -> Bool {
        self.states[index].has(.corked)
            && self.states[index].output.count < self.limits.corkBytes
            && self.states[index].flags
                .isDisjoint(with: [.closing, .closeWriteWanted, .releasing])
    }

    /// When the oldest cork ends.
    func nextCorkDeadline() -> Int64 {
        while let oldest = self.corks.first {
            let index = self.sockets.find(oldest.socket)
            if index >= 0 && self.states[index].corkDeadline == oldest.deadline {
                return oldest.deadline
            }
            _ = self.corks.popFirst()
        }
        return .max
    }

    /// Lets corked output leave whose time is up.
    func expireCorks() {
        while self.nextCorkDeadline() <= self.now, let oldest = self.corks.first {
            _ = self.corks.popFirst()
            let index = self.sockets.find(oldest.socket)
            self.states[index].flags.remove(.corked)
            self.states[index].corkDeadline = Self.corkIsOver
            self.list(index)
        }
    }
}
