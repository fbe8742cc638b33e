extension FleetMember {
    // MARK: Events of the engine

    /// The board, as `readBoard` asked for it.
    public mutating func boardRead(_ board: Board, now: Instant) -> [FleetAction] {
        self.isReading = false
        self.lastRead = now
        self.note(board, now: now)
        self.watch(board.gate, now: now)
        if self.isShort {
            self.isShort = !self.isHopeful(now: now)
            self.shortReads += 1
        }
        var actions: [FleetAction] = []
        self.giveBack(board, &actions)
        return actions + self.decide(now: now)
    }

    /// Whether the engine tells the others when somebody wakes them has changed.
    public mutating func wakeUpsChanged(_ areThere: Bool, now: Instant) -> [FleetAction] {
        self.limits.hasWakeUps = areThere
        return self.decide(now: now)
    }

    /// Somebody says that there is something new on the board.
    public mutating func woken(now: Instant) -> [FleetAction] {
        self.wasWoken = true
        self.vainReads = 0
        return self.decide(now: now)
    }

    // MARK: What the board says

    /// Notes what a board says to this member.
    mutating func note(_ board: Board, now: Instant) {
        let standing = board.standing(of: self.member)
        let least = self.limits.minimum
        self.part = standing?.part ?? Sharing.Part(share: least, bounds: least...least)
        // Slots that go have somebody who takes them.
        if board.free < self.free { self.freeSince = nil }
        self.free = board.free
        let own = (standing?.entry.waiting ?? 0) > 0 ? 1 : 0
        self.othersWait = board.waiting > own
        self.othersSure = board.sure
        self.othersSilent = board.silent > 0
        if board.knowsOrphans { self.noteOrphans(board.orphans, now: now) }
        self.freeSince = board.free > 0 ? self.freeSince ?? now : nil
    }

    /// Who waits and knows of orphans looks again within this time.
    private static let longestLook: Nanoseconds = 3_000_000_000

    /// Notes since when there have been orphans. Those of today are not those of an hour ago that
    /// nobody has seen go.
    private mutating func noteOrphans(_ count: Int, now: Instant) {
        guard count > 0 else {
            self.orphansSeen = nil
            return
        }
        var first = now
        if let seen = self.orphansSeen, case .terminate(let silence) = self.limits.fence,
            now - seen.last <= max(silence / 2, Self.longestLook)
        {
            first = seen.first
        }
        self.orphansSeen = (first, now)
    }

    /// Whether there are slots that those do not come for whose they would be.
    func hasLeftovers(now: Instant) -> Bool {
        guard self.waiting > 0, now - self.waitingSince >= self.limits.freePatience else {
            return false
        }
        return self.freeSince.map { now - $0 >= self.limits.freePatience } ?? false
    }

    /// Whether a pass through the gate could bring anything.
    private func isHopeful(now: Instant) -> Bool {
        guard self.free > 0 else { return false }
        return !self.othersWait || self.part.share > self.living || self.hasLeftovers(now: now)
    }

    /// Notes since when one pass has been in the gate.
    private mutating func watch(_ pass: GatePass?, now: Instant) {
        guard self.gate == .entering, self.limits.lease == nil, pass?.member != self.member else {
            return
        }
        guard pass != self.othersPass else { return }
        self.othersPass = pass
        self.othersPassSince = now
    }

    private mutating func giveBack(_ board: Board, _ actions: inout [FleetAction]) {
        // What was idle when it was to be ended, and is not any more, stays.
        self.ending = min(self.ending, max(0, self.open - self.used) + self.endingInUse)
        // What it wants now it knows better than the board does.
        let wanted = max(self.usedPeak.value, self.used) + self.waiting
        var part = self.part
        if wanted < part.share { part = Sharing.Part(share: wanted, bounds: wanted...wanted) }
        let idle = max(0, self.living - self.used)
        let surplus = board.surplus(living: self.living, idle: idle, part: part, roll: self.roll())
        self.isPressed = board.isShort && self.living > part.share
        guard surplus.idle + surplus.used > 0 else {
            self.vainReads += 1
            return
        }
        self.vainReads = 0
        self.ending += surplus.idle + surplus.used
        self.endingInUse += surplus.used
        actions.append(.end(idle: surplus.idle, used: surplus.used))
    }

    /// A number that is another one for each member and each time.
    private mutating func roll() -> UInt32 {
        self.rolls &+= 1
        var mixed = self.member &+ self.rolls &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return UInt32(truncatingIfNeeded: mixed >> 32)
    }

    // MARK: Deciding

    mutating func decidePublishing(now: Instant, _ actions: inout [FleetAction]) {
        let entry = self.entry(now: now)
        if let fadesAt = self.usedPeak.fadesAt { self.call(at: max(now + 1, fadesAt)) }
        var due = self.pace.dueAt(entry, isExact: self.othersWait, now: now) ?? .max
        if self.mustWake { due = min(due, max(now, self.wakeAt)) }
        guard due < .max else { return }
        guard now >= due else { return self.call(at: due) }
        self.publish(entry, now: now, &actions)
        if let next = self.pace.dueAt(entry, isExact: self.othersWait, now: now) {
            self.call(at: next)
        }
    }

    mutating func publish(_ entry: BoardEntry, now: Instant, _ actions: inout [FleetAction]) {
        let begins = entry.waiting > 0 && (self.pace.published?.waiting ?? 0) == 0
        let wakes = self.mustWake || (begins && self.isShort)
        self.pace.note(entry, now: now)
        self.mustWake = false
        if wakes { self.wakeAt = now + 2 * self.limits.readPause }
        actions.append(.publish(entry, wakes: wakes))
    }

    mutating func decideReading(now: Instant, _ actions: inout [FleetAction]) {
        if self.gate == .entering, let othersPass, self.limits.lease == nil,
            now - self.othersPassSince >= self.limits.gateLimit
        {
            self.othersPass = nil
            self.calm.broke()
            actions.append(.breakGate(othersPass))
        }
        guard !self.isReading, let pause = self.readingPause else { return }
        let due = self.lastRead == .min ? now : self.lastRead + pause
        guard now >= due else { return self.call(at: due) }
        self.isReading = true
        self.wasWoken = false
        actions.append(.readBoard)
    }

    /// After how long the board is read again; nil if there is no reason to read it.
    private var readingPause: Nanoseconds? {
        let limits = self.limits
        switch self.gate {
        case .entering: return limits.lease == nil ? limits.gateLimit / 4 : nil
        case .counting, .settling, .inside: return nil
        case .outside: break
        }
        if self.need > 0, self.isShort {
            if self.wasWoken { return limits.readPause / 2 }
            return min(limits.readPause << Int64(min(self.shortReads, 16)), limits.pollPause)
        }
        // Its minimum is its own only as far as it wants it.
        let wanted = self.usedPeak.value + self.waiting
        guard self.living > min(limits.minimum, wanted) else { return nil }
        if self.wasWoken || self.isPressed { return limits.readPause }
        // Others waited at the last look, and now there is something for them.
        if self.othersWait, self.living > wanted {
            return min(limits.readPause << Int64(min(self.vainReads, 16)), limits.pollPause)
        }
        // Shares shift with the others' wants, and nobody is woken for that.
        let isCalm = limits.hasWakeUps && !self.othersWait
        return isCalm ? limits.pollPause * 10 : limits.pollPause
    }
}
