extension FleetMember {
    // MARK: Events of the engine

    /// The engine is lost, or could not be reached again. What the member has it keeps.
    public mutating func ledgerLost(now: Instant) -> [FleetAction] {
        self.isConnected = false
        self.isReconnecting = false
        self.loseGate()
        self.isReading = false
        let doublings = Int64(min(self.failures, 16))
        self.failures += 1
        self.reconnectAt =
            now + min(self.limits.retryPause << doublings, self.limits.longestRetryPause)
        return self.decide(now: now)
    }

    /// The engine is there again. It may have lost all that it knew, and so may the server.
    public mutating func ledgerBack(now: Instant) -> [FleetAction] {
        self.isConnected = true
        self.isReconnecting = false
        self.failures = 0
        self.pace.forget()
        self.calm.forget()
        self.hasAskedForDeaths = false
        self.isShort = false
        self.wasWoken = true
        return self.decide(now: now)
    }

    /// The gate is no longer the member's. Permits are void at once.
    public mutating func gateLost(now: Instant) -> [FleetAction] {
        self.loseGate()
        return self.decide(now: now)
    }

    private mutating func loseGate() {
        self.gate = .outside
        self.permits = 0
        self.permitsUntil = .min
        self.room = 0
        self.othersPass = nil
    }

    /// The lease was renewed (or granted), as it was asked to be at `sentAt`.
    public mutating func leaseRenewed(sentAt: Instant, now: Instant) -> [FleetAction] {
        self.leaseRenewedAt = max(self.leaseRenewedAt, sentAt)
        return self.decide(now: now)
    }

    /// The deaths outside the gate, as `look` asked for them.
    public mutating func looked(deaths: Int?, now: Instant) -> [FleetAction] {
        self.calm.looked(deaths, now: now, settling: self.limits.settling)
        return self.decide(now: now)
    }

    /// The gate is the member's, for `pass`. A pass of before, asked for by a session that is lost
    /// since, is none.
    public mutating func gateEntered(_ pass: GatePass, now: Instant) -> [FleetAction] {
        guard self.gate == .entering, pass == self.pass else {
            // It was lost while it was asked for again: nobody may be in there for nothing.
            let isUnwanted = self.gate == .outside && pass == self.pass
            return (isUnwanted ? [.leaveGate] : []) + self.decide(now: now)
        }
        self.enteredAt = now
        self.othersPass = nil
        self.calm.entered()
        self.hasOpened = false
        self.isReading = false
        var actions: [FleetAction] = []
        self.count(&actions)
        return actions + self.decide(now: now)
    }

    /// A count that was asked for at `sentAt`; one from before this pass is none.
    public mutating func counted(
        _ count: FleetCount,
        sentAt: Instant,
        now: Instant
    ) -> [FleetAction] {
        guard self.gate == .counting, sentAt >= self.enteredAt else {
            return self.decide(now: now)
        }
        if self.limits.lease == nil, self.limits.settles {
            self.calm.counted(
                count,
                enteredAt: self.enteredAt,
                sentAt: sentAt,
                settling: self.limits.settling
            )
        }
        self.note(count.board, now: now)
        self.counted = count.sessions
        self.orphans = count.board.orphans
        var actions: [FleetAction] = []
        if self.limits.settles, sentAt < self.calm.from {
            self.gate = .settling
            return self.decide(now: now)
        }
        self.gate = .inside
        let uncounted = max(self.unlisted, self.held - count.ownListed)
        let budget = min(self.limits.budget, count.board.budget)
        self.room = max(0, budget - self.sessions(count) - uncounted)
        self.permitsUntil = min(count.heldAt + self.limits.permitWindow, self.leaseCovers)
        if self.mayTerminate(now: now) {
            self.orphansSeen = nil
            self.othersSilent = false
            actions.append(.terminateOrphans)
        }
        self.grant(now: now, &actions)
        // Who was answered too late has not seen that there is nothing to have.
        self.isShort = now < self.permitsUntil && self.permits < self.need
        if self.isShort {
            self.mustWake = true
            self.shortReads = 0
        }
        return actions + self.decide(now: now)
    }

    /// The fleet's sessions: those in the list, or those that the members say they have if these
    /// are more. A member may log in as roles that this one does not know.
    ///
    /// Not with a lease, which outlives its member: what the dead say they have would stay taken.
    private func sessions(_ count: FleetCount) -> Int {
        guard self.limits.lease == nil else { return count.sessions }
        let others = count.board.entries.reduce(0) { sum, entry in
            sum + (entry.member == self.member ? 0 : entry.held)
        }
        return max(count.sessions, others + count.ownListed)
    }

    /// A count could not be had (no server to ask, for one), though the gate is still held.
    public mutating func countFailed(now: Instant) -> [FleetAction] {
        guard self.gate == .counting else { return self.decide(now: now) }
        var actions: [FleetAction] = []
        self.leave(now: now, &actions)
        return actions + self.decide(now: now)
    }

    /// Until when permits may be used so that their sessions are listed before the lease ends.
    private var leaseCovers: Instant {
        guard let lease = self.limits.lease else { return .max }
        guard self.leaseRenewedAt > .min else { return .min }
        return self.leaseRenewedAt + lease - lease / 16 - self.limits.settleTime
    }

    // MARK: Deciding

    mutating func decideGate(now: Instant, _ actions: inout [FleetAction]) {
        switch self.gate {
        case .outside:
            guard self.wantsGate(now: now) else { return }
            guard now >= self.enterAt else { return self.call(at: self.enterAt) }
            self.gate = .entering
            self.pass.number &+= 1
            actions.append(.enterGate(self.pass))
        case .entering, .counting:
            return
        case .settling:
            guard now >= self.calm.from else { return self.call(at: self.calm.from) }
            self.count(&actions)
        case .inside:
            self.decideInside(now: now, &actions)
        }
    }

    private func wantsGate(now: Instant) -> Bool {
        self.need > 0 && (!self.isShort || self.mayTerminate(now: now))
    }

    /// Whether there are sessions that are to be ended because nobody lives who has them.
    private func mayTerminate(now: Instant) -> Bool {
        guard case .terminate(let silence) = self.limits.fence else { return false }
        return self.othersSilent || (self.orphansSeen.map { now - $0.first >= silence } ?? false)
    }

    private mutating func decideInside(now: Instant, _ actions: inout [FleetAction]) {
        if now >= self.permitsUntil || self.need == 0 { self.permits = 0 }
        if now < self.permitsUntil, self.need > self.permits { self.grant(now: now, &actions) }
        if self.permits > 0 { return self.call(at: self.permitsUntil) }
        guard self.opening == 0, self.doubts.isEmpty else { return }
        self.leave(now: now, &actions)
    }

    private mutating func count(_ actions: inout [FleetAction]) {
        self.gate = .counting
        self.permits = 0
        // What logs in from now on may or may not be in the list that is read.
        self.unlisted = self.opening + self.doubts.count
        actions.append(.count)
    }

    /// Gives as many permits as are needed, as the last count leaves room for, and as the member's
    /// share allows while others wait.
    private mutating func grant(now: Instant, _ actions: inout [FleetAction]) {
        guard now < self.permitsUntil else { return }
        var allowed = self.need
        if self.othersWait {
            allowed = min(allowed, max(0, self.part.share - self.living))
            if self.hasLeftovers(now: now) {
                allowed = max(allowed, min(self.need, (self.room + 1) / 2))
            }
        }
        let isReserved = self.living >= self.limits.minimum && !self.hasLeftovers(now: now)
        let granted = min(allowed, self.room - (isReserved ? self.othersSure : 0))
        guard granted > self.permits else { return }
        self.permits = granted
        actions.append(.permits(granted))
    }

    private mutating func leave(now: Instant, _ actions: inout [FleetAction]) {
        if self.hasOpened || self.isShort {
            self.idlePasses = 0
            self.enterAt = .min
        } else {
            let doublings = Int64(min(self.idlePasses, 16))
            self.idlePasses += 1
            self.enterAt =
                now + min(self.limits.retryPause << doublings, self.limits.longestRetryPause)
        }
        self.loseGate()
        if self.wantsGate(now: now) { self.call(at: max(now, self.enterAt)) }
        // Who counts next would take for orphans what is not on the board.
        if self.hasOpened { self.publish(self.entry(now: now), now: now, &actions) }
        self.freeSince = self.hasOpened ? nil : self.freeSince
        actions.append(.leaveGate)
        self.lastRead = now
    }
}
