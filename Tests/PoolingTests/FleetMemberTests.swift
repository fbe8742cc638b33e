import Testing

@testable import Pooling

/// A fleet member's rules, one conversation each.
struct FleetMemberTests {
    private static let millisecond: Nanoseconds = 1_000_000

    private func limits(_ change: (inout FleetLimits) -> Void = { _ in }) -> FleetLimits {
        var limits = FleetLimits(budget: 10)
        change(&limits)
        return limits
    }

    private func other(held: Int = 0, used: Int = 0, waiting: Int = 0) -> BoardEntry {
        var entry = BoardEntry(member: 2, weight: 1, minimum: 1)
        (entry.held, entry.used, entry.waiting) = (held, used, waiting)
        entry.oldestWait = waiting > 0 ? 1_000 * Self.millisecond : 0
        return entry
    }

    private func count(
        _ sessions: Int,
        own: Int = 0,
        deaths: Int? = 7,
        isOtherInGate: Bool = false,
        heldAt: Instant = 10_000 * Self.millisecond,
        _ entries: [BoardEntry] = []
    ) -> FleetCount {
        FleetCount(
            sessions: sessions,
            ownListed: own,
            deaths: deaths,
            isOtherInGate: isOtherInGate,
            board: Board(entries: entries, budget: 10, sessions: sessions),
            heldAt: heldAt
        )
    }

    /// A member that has seen the deaths long ago, and has begun to wait and entered the gate at
    /// 10 s.
    private func inGate(
        waiting: Int = 3,
        _ limits: FleetLimits? = nil
    ) -> (member: FleetMember, now: Instant) {
        var member = FleetMember(member: 1, limits: limits ?? self.limits())
        let start = member.tick(now: 0)
        #expect(start.contains(.look) == (member.limits.lease == nil))
        _ = member.looked(deaths: 7, now: 0)
        let now = 10_000 * Self.millisecond
        let actions = member.demandChanged(used: 0, waiting: waiting, oldestSince: now, now: now)
        #expect(actions.contains(.enterGate(GatePass(member: 1, number: 1))))
        #expect(member.gateEntered(member.pass, now: now).contains(.count))
        return (member, now)
    }

    /// A member that has so many connections, and clients that have used so many for a second.
    private func holding(_ open: Int, used: Int) -> (member: FleetMember, now: Instant) {
        var (member, now) = self.inGate(waiting: open)
        _ = member.counted(self.count(0), sentAt: now, now: now)
        for _ in 0..<open {
            #expect(member.takePermit(now: now) == true)
            _ = member.loggedIn(now: now)
        }
        _ = member.demandChanged(used: used, waiting: 0, oldestSince: now, now: now)
        now += 1_000 * Self.millisecond
        _ = member.tick(now: now)
        return (member, now)
    }

    // MARK: Permits

    @Test func `what is left of the budget may be opened, and not one more`() {
        var (member, now) = self.inGate(waiting: 5)
        #expect(member.counted(self.count(8), sentAt: now, now: now).contains(.permits(2)))
        #expect(member.takePermit(now: now) == true)
        #expect(member.takePermit(now: now) == true)
        #expect(member.takePermit(now: now) == false)
        #expect(member.held == 2)
    }

    @Test func `permits end with their window, counted from when the count was asked for`() {
        var (member, now) = self.inGate()
        let end = now + member.limits.permitWindow
        _ = member.counted(self.count(0), sentAt: now, now: now + Self.millisecond)
        #expect(member.takePermit(now: end - 1) == true)
        #expect(member.takePermit(now: end) == false)
    }

    @Test func `a count that took long gives permits from when the gate was last seen to be held`()
    {
        var (member, now) = self.inGate(waiting: 5)
        let asked = now
        now += 2 * member.limits.permitWindow
        let count = self.count(8, heldAt: now - Self.millisecond)
        #expect(member.counted(count, sentAt: asked, now: now).contains(.permits(2)))
        #expect(member.takePermit(now: now) == true)
    }

    @Test func `who is answered too late tries again, and is not told that there is nothing`() {
        var (member, now) = self.inGate(waiting: 5)
        let asked = now
        now += 2 * member.limits.permitWindow
        let actions = member.counted(self.count(8, heldAt: asked), sentAt: asked, now: now)
        #expect(actions.contains(.leaveGate))
        #expect(member.standing.state == .open)
        #expect(member.tick(now: member.deadline).contains(.enterGate(member.pass)))
    }

    @Test func `nobody is in the gate for nothing`() {
        var (member, now) = self.inGate(waiting: 1)
        #expect(member.gateLost(now: now).contains(.enterGate(member.pass)))
        _ = member.demandChanged(used: 0, waiting: 0, oldestSince: now, now: now)
        // The engine has seen the first loss once more, and then lets it in.
        _ = member.gateLost(now: now)
        #expect(member.gateEntered(member.pass, now: now).contains(.leaveGate))
    }

    @Test func `the smallest budget of the fleet counts`() {
        var (member, now) = self.inGate(waiting: 20, self.limits { $0.budget = 4 })
        #expect(member.counted(self.count(1), sentAt: now, now: now).contains(.permits(3)))
    }

    @Test func `what logs in during a count is not trusted to be in it`() {
        var (member, now) = self.inGate(waiting: 9)
        _ = member.counted(self.count(0), sentAt: now, now: now)
        #expect(member.takePermit(now: now) == true)
        // The gate is lost and entered again while the connection logs in.
        _ = member.gateLost(now: now)
        let actions = member.gateEntered(member.pass, now: now)
        #expect(actions.contains(.count))
        _ = member.loggedIn(now: now)
        let granted = member.counted(self.count(5), sentAt: now, now: now)
        #expect(granted.contains(.permits(4)))
    }

    @Test func `the gate is left when all that was opened has logged in or was refused`() {
        var (member, now) = self.inGate(waiting: 2)
        _ = member.counted(self.count(0), sentAt: now, now: now)
        #expect(member.takePermit(now: now) == true)
        #expect(member.takePermit(now: now) == true)
        _ = member.demandChanged(used: 0, waiting: 2, oldestSince: now, now: now)
        #expect(!member.loggedIn(now: now).contains(.leaveGate))
        _ = member.demandChanged(used: 1, waiting: 1, oldestSince: now, now: now)
        let late = now + member.limits.permitWindow
        #expect(!member.tick(now: late).contains(.leaveGate))
        #expect(member.openingRefused(now: late).contains(.leaveGate))
    }

    @Test func `what was opened is on the board before the next may count`() {
        var (member, now) = self.inGate(waiting: 2)
        _ = member.counted(self.count(0), sentAt: now, now: now)
        #expect(member.takePermit(now: now) == true)
        #expect(member.takePermit(now: now) == true)
        _ = member.loggedIn(now: now)
        _ = member.demandChanged(used: 2, waiting: 0, oldestSince: now, now: now)
        let actions = member.loggedIn(now: now)
        let published = actions.firstIndex { action in
            if case .publish(let entry, _) = action { entry.held == 2 } else { false }
        }
        let left = actions.firstIndex(of: .leaveGate)
        #expect(published.flatMap { published in left.map { published < $0 } } == true)
    }

    @Test func `an attempt of unknown fate keeps the gate until it cannot succeed`() {
        var (member, now) = self.inGate(waiting: 1)
        _ = member.counted(self.count(0), sentAt: now, now: now)
        #expect(member.takePermit(now: now) == true)
        let end = now + member.limits.settleTime
        #expect(member.mayContinueLogin(startedAt: now, now: end - 1))
        #expect(!member.mayContinueLogin(startedAt: now, now: end))
        _ = member.demandChanged(used: 0, waiting: 0, oldestSince: now, now: now)
        #expect(!member.openingGivenUp(now: end).contains(.leaveGate))
        #expect(member.held == 1)
        #expect(member.tick(now: end + member.limits.settleTime).contains(.leaveGate))
        #expect(member.held == 0)
    }

    @Test func `who still wants something after an attempt that failed goes again`() {
        var (member, now) = self.inGate(waiting: 1)
        _ = member.counted(self.count(0), sentAt: now, now: now)
        #expect(member.takePermit(now: now) == true)
        now += member.limits.settleTime
        _ = member.openingGivenUp(now: now)
        now += member.limits.settleTime
        #expect(member.tick(now: now).contains(.leaveGate))
        // Nothing else may ever happen to it.
        #expect(member.deadline <= now)
        #expect(member.tick(now: now).contains(.enterGate(GatePass(member: 1, number: 2))))
    }

    @Test func `a lost gate ends permits at once and keeps what is held`() {
        var (member, now) = self.inGate()
        _ = member.counted(self.count(0), sentAt: now, now: now)
        #expect(member.takePermit(now: now) == true)
        _ = member.gateLost(now: now)
        #expect(member.takePermit(now: now) == false)
        #expect(member.held == 1)
    }

    @Test func `replies to an earlier pass are none`() {
        var (member, now) = self.inGate()
        _ = member.ledgerLost(now: now)
        _ = member.ledgerBack(now: now + 1)
        #expect(!member.gateEntered(GatePass(member: 1, number: 1), now: now + 2).contains(.count))
        #expect(member.gateEntered(GatePass(member: 1, number: 2), now: now + 2).contains(.count))
        let actions = member.counted(self.count(0), sentAt: now, now: now + 3)
        #expect(!actions.contains(.permits(3)))
    }

    @Test func `a lease that may end before the logins do gives no permits`() {
        let limits = self.limits { $0.lease = 3_000 * Self.millisecond }
        var (member, now) = self.inGate(limits)
        #expect(!member.counted(self.count(0), sentAt: now, now: now).contains(.permits(3)))
        (member, now) = self.inGate(limits)
        _ = member.leaseRenewed(sentAt: now - 2_400 * Self.millisecond, now: now)
        _ = member.counted(self.count(0), sentAt: now, now: now)
        #expect(member.takePermit(now: now + 100 * Self.millisecond) == true)
        #expect(member.takePermit(now: now + 113 * Self.millisecond) == false)
    }

    private func inGate(_ limits: FleetLimits) -> (member: FleetMember, now: Instant) {
        self.inGate(waiting: 3, limits)
    }

    // MARK: Settling

    @Test func `a death since the last look is waited for`() {
        var (member, now) = self.inGate()
        let actions = member.counted(self.count(0, deaths: 8), sentAt: now, now: now)
        #expect(!actions.contains(.permits(3)))
        let settled = now + member.limits.settling
        #expect(member.deadline <= settled)
        #expect(!member.tick(now: settled - 1).contains(.count))
        #expect(member.tick(now: settled).contains(.count))
        // Deaths of those who cannot have held the gate do not matter.
        let count = self.count(0, deaths: 9, heldAt: settled)
        let counted = member.counted(count, sentAt: settled, now: settled)
        #expect(counted.contains(.permits(3)))
        #expect(member.entry(now: settled).settledDeaths == 8)
    }

    @Test func `a death that another member has waited for is not waited for again`() {
        var (member, now) = self.inGate()
        var other = self.other()
        other.settledDeaths = 8
        let actions = member.counted(self.count(0, deaths: 8, [other]), sentAt: now, now: now)
        #expect(actions.contains(.permits(3)))
    }

    @Test(arguments: [true, false])
    func `without evidence, or with another in the gate, it settles`(isOtherInGate: Bool) {
        var (member, now) = self.inGate()
        let deaths = isOtherInGate ? 7 : nil
        let count = self.count(0, deaths: deaths, isOtherInGate: isOtherInGate)
        #expect(!member.counted(count, sentAt: now, now: now).contains(.permits(3)))
        #expect(member.gate == .settling)
    }

    // MARK: Breaking

    @Test func `a pass that stays in the gate is broken, and its breaker settles`() {
        var member = FleetMember(member: 1, limits: self.limits())
        _ = member.looked(deaths: 7, now: 0)
        var now = 10_000 * Self.millisecond
        _ = member.demandChanged(used: 0, waiting: 1, oldestSince: now, now: now)
        let stuck = GatePass(member: 2, number: 5)
        let board = Board(entries: [], budget: 10, sessions: 0, gate: stuck)
        _ = member.boardRead(board, now: now)
        let limit = now + member.limits.gateLimit
        while now < limit {
            #expect(!member.boardRead(board, now: now).contains(.breakGate(stuck)))
            now += 500 * Self.millisecond
        }
        #expect(member.boardRead(board, now: limit).contains(.breakGate(stuck)))
        _ = member.gateEntered(member.pass, now: limit)
        _ = member.counted(self.count(0), sentAt: limit, now: limit)
        #expect(member.gate == .settling)
    }

    // MARK: The board

    @Test func `who begins to wait says so at once, and who is idle says nothing`() {
        var member = FleetMember(member: 1, limits: self.limits())
        let first = member.tick(now: 0)
        #expect(first.count == 2)
        for second in 1..<100 as Range<Int64> {
            let actions = member.tick(now: second * 1_000 * Self.millisecond)
            #expect(actions.filter { $0 != .readBoard }.isEmpty)
        }
        let now = 100_000 * Self.millisecond
        let actions = member.demandChanged(used: 0, waiting: 1, oldestSince: now, now: now)
        #expect(actions.contains(.publish(member.entry(now: now), wakes: false)))
    }

    @Test func `idle connections end when others wait for them`() {
        var (member, now) = self.inGate(waiting: 10)
        _ = member.counted(self.count(0), sentAt: now, now: now)
        while member.takePermit(now: now) { _ = member.loggedIn(now: now) }
        #expect(member.open == 10)
        _ = member.demandChanged(used: 1, waiting: 0, oldestSince: now, now: now)
        now += 1_000 * Self.millisecond
        #expect(member.woken(now: now).contains(.readBoard))
        let entries = [member.entry(now: now), self.other(waiting: 8)]
        let board = Board(entries: entries, budget: 10, sessions: 10)
        #expect(member.boardRead(board, now: now).contains(.end(idle: 7, used: 0)))
        #expect(member.ending == 7)
        // Those that are ending are not ended again.
        let later = Board(entries: [member.entry(now: now), entries[1]], budget: 10, sessions: 10)
        let more = member.boardRead(later, now: now + 100 * Self.millisecond)
        #expect(more.contains(.end(idle: 1, used: 0)))
        for _ in 0..<8 { _ = member.closed(now: now) }
        #expect(member.ending == 0 && member.held == 2)
    }

    // MARK: Ends

    @Test func `a client that takes what was to be ended does not keep others waiting`() {
        var (member, now) = self.holding(5, used: 4)
        func board(_ held: Int, used: Int) -> Board {
            var own = BoardEntry(member: 1, weight: 1, minimum: 1)
            (own.held, own.used, own.waiting) = (held, used, 5 - used)
            return Board(
                entries: [own, self.other(held: 3, used: 3, waiting: 9)],
                budget: 8,
                sessions: 8
            )
        }
        #expect(
            member.boardRead(board(5, used: 4), now: now).contains(.end(idle: 1, used: 0))
        )
        // Before anything is done about it, a client has it.
        _ = member.demandChanged(used: 5, waiting: 0, oldestSince: now, now: now)
        now += 100 * Self.millisecond
        let actions = member.boardRead(board(5, used: 5), now: now)
        #expect(actions.contains(.end(idle: 0, used: 1)))
        #expect(member.ending == 1)
        // And it is not asked for a second one.
        now += 100 * Self.millisecond
        let more = member.boardRead(board(5, used: 5), now: now)
        #expect(!more.contains { if case .end = $0 { true } else { false } })
        #expect(member.ending == 1)
    }

    @Test func `what a client has taken is not owed for ever beside what it gave back`() {
        var (member, now) = self.holding(6, used: 5)
        func read(_ held: Int, waiting: Int) -> [FleetAction] {
            var own = BoardEntry(member: 1, weight: 1, minimum: 1)
            (own.held, own.used, own.waiting) = (held, held, waiting)
            let other = self.other(held: 8 - held, used: 8 - held, waiting: 9)
            let board = Board(entries: [own, other], budget: 8, sessions: 8)
            return member.boardRead(board, now: now)
        }
        #expect(read(6, waiting: 0).contains(.end(idle: 1, used: 1)))
        // A client takes the idle one; one comes back and is closed.
        _ = member.demandChanged(used: 6, waiting: 6, oldestSince: now, now: now)
        now += 100 * Self.millisecond
        _ = member.demandChanged(used: 5, waiting: 6, oldestSince: now, now: now)
        _ = member.closed(now: now)
        #expect(member.ending == 1)
        now += 100 * Self.millisecond
        #expect(read(5, waiting: 6).contains(.end(idle: 0, used: 1)))
        #expect(member.ending == 1)
    }

    @Test func `who drains wants nothing, and leaves when it has nothing`() {
        var (member, now) = self.inGate(waiting: 1)
        _ = member.counted(self.count(0), sentAt: now, now: now)
        #expect(member.takePermit(now: now) == true)
        _ = member.loggedIn(now: now)
        now += 1_000 * Self.millisecond
        _ = member.demandChanged(used: 1, waiting: 4, oldestSince: now, now: now)
        _ = member.drain(now: now)
        #expect(member.entry(now: now).wanted == 0)
        #expect(member.takePermit(now: now) == false)
        let last = member.closed(now: now)
        #expect(last.last == .goodbye)
        let none = member.tick(now: now + 1)
        #expect(none.isEmpty)
    }

    @Test func `a lost engine is tried again, less and less often`() {
        var member = FleetMember(member: 1, limits: self.limits())
        var now: Instant = 0
        var pauses: [Nanoseconds] = []
        for _ in 0..<6 {
            #expect(!member.ledgerLost(now: now).contains(.reconnect))
            pauses.append((member.deadline - now) / Self.millisecond)
            now = member.deadline
            let actions = member.tick(now: now)
            #expect(actions == [.reconnect])
        }
        #expect(pauses == [100, 200, 400, 800, 1_600, 1_600])
    }

    @Test func `orphans are ended only by who is told to, in the gate, after their silence`() {
        let silence = 5_000 * Self.millisecond
        var (member, now) = self.inGate(
            waiting: 3,
            self.limits { $0.fence = .terminate(after: silence) }
        )
        #expect(!member.counted(self.count(10), sentAt: now, now: now).contains(.terminateOrphans))
        let board = Board(entries: [], budget: 10, sessions: 10)
        var actions: [FleetAction] = []
        for _ in 0..<4 {
            #expect(!actions.contains(.enterGate(member.pass)))
            now += silence / 4
            actions = member.boardRead(board, now: now)
        }
        #expect(actions.contains(.enterGate(member.pass)))
        _ = member.gateEntered(member.pass, now: now)
        let counted = member.counted(self.count(10), sentAt: now, now: now)
        #expect(counted.contains(.terminateOrphans))
    }

    @Test func `orphans of long ago say nothing of those of now`() {
        let silence = 5_000 * Self.millisecond
        var (member, now) = self.inGate(
            waiting: 3,
            self.limits { $0.fence = .terminate(after: silence) }
        )
        _ = member.counted(self.count(10), sentAt: now, now: now)
        // Those went, and nobody looked; others are there now.
        now += silence
        #expect(silence > 3_000 * Self.millisecond)
        let actions = member.boardRead(Board(entries: [], budget: 10, sessions: 10), now: now)
        #expect(!actions.contains(.enterGate(member.pass)))
    }

    @Test func `members that are silent for too long lose their sessions, where that is wanted`() {
        var (member, now) = self.inGate(
            waiting: 3,
            self.limits { $0.fence = .terminate(after: 5_000 * Self.millisecond) }
        )
        let full = [self.other(held: 10, used: 10)]
        #expect(
            !member.counted(self.count(10, full), sentAt: now, now: now)
                .contains(.terminateOrphans)
        )
        now += Self.millisecond
        var board = Board(entries: full, budget: 10, sessions: 10)
        board.silent = 1
        #expect(member.boardRead(board, now: now).contains(.enterGate(member.pass)))
        _ = member.gateEntered(member.pass, now: now)
        var count = self.count(10, full)
        count.board.silent = 1
        #expect(member.counted(count, sentAt: now, now: now).contains(.terminateOrphans))
    }

    @Test func `an own connection that ends makes room at once`() {
        var (member, now) = self.inGate(waiting: 1)
        _ = member.counted(self.count(9), sentAt: now, now: now)
        #expect(member.takePermit(now: now) == true)
        _ = member.loggedIn(now: now)
        _ = member.demandChanged(used: 0, waiting: 1, oldestSince: now, now: now)
        _ = member.gateEntered(member.pass, now: now)
        _ = member.counted(self.count(10, own: 1), sentAt: now, now: now)
        #expect(member.standing.state == .short)
        #expect(member.closed(now: now).contains(.enterGate(member.pass)))
        #expect(member.standing.state == .open)
    }

    @Test func `what others say they have counts where it is more than the list shows`() {
        // They may log in as roles that this member does not know.
        var (member, now) = self.inGate(waiting: 9)
        let entries = [self.other(held: 6, used: 6)]
        #expect(member.counted(self.count(1, entries), sentAt: now, now: now).contains(.permits(4)))
        var (leased, entered) = self.inGate(waiting: 9, self.limits { $0.lease = 9_000_000_000 })
        _ = leased.leaseRenewed(sentAt: entered, now: entered)
        let count = self.count(1, deaths: nil, entries)
        // With a lease those who have died say so still.
        #expect(leased.counted(count, sentAt: entered, now: entered).contains(.permits(9)))
    }
}
