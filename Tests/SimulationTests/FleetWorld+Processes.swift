import TestSupport

@testable import Pooling

/// The processes: what the shell does around a `FleetMember`.
extension FleetWorld {
    func addProcess() -> Int {
        let number = self.processes.count
        var limits = FleetLimits(budget: self.shape.budget)
        limits.settles = self.shape.settles
        limits.lease = self.shape.hasLease ? Self.lease : nil
        limits.hasWakeUps = self.shape.hasWakeUps
        if self.shape.terminates { limits.fence = .terminate(after: 2 * Self.second) }
        let machine = FleetMember(member: UInt64(number), limits: limits)
        let drift = Int64(self.random.below(20_001)) - 10_000
        self.processes.append(Process(machine: machine, drift: drift))
        self.entries.append(nil)
        self.processes[number].jumped = self.upTo(1_000 * Self.second)
        return number
    }

    func local(_ number: Int) -> Instant { self.processes[number].local(self.now) }

    func start(_ number: Int) {
        self.processes[number].isAlive = true
        self.processes[number].demand = self.random.below(self.shape.demand + 1)
        self.processes[number].waitingSince = self.local(number)
        // It begins without an engine, as all do.
        self.perform(number, self.processes[number].machine.ledgerLost(now: self.local(number)))
        self.tellDemand(number)
    }

    /// Puts off what happens to a stopped process; true if it must not happen now.
    private func isAway(_ number: Int, _ event: Event) -> Bool {
        guard self.processes[number].isAlive else { return true }
        guard self.processes[number].isPaused else { return false }
        self.processes[number].deferred.append(event)
        return true
    }

    func tick(_ number: Int) {
        guard self.processes[number].tickAt <= self.now else { return }
        guard !self.isAway(number, .tick(number)) else { return }
        self.processes[number].tickAt = .max
        self.perform(number, self.processes[number].machine.tick(now: self.local(number)))
    }

    func setDemand(_ number: Int, _ demand: Int) {
        guard self.processes[number].isAlive else { return }
        self.processes[number].demand = self.processes[number].isDraining ? 0 : demand
        guard !self.processes[number].isPaused else { return }
        self.note("member \(number) wants \(demand)")
        self.processes[number].used = min(self.processes[number].used, demand)
        self.tellDemand(number)
    }

    /// Gives idle connections to those who wait, and tells the member.
    func tellDemand(_ number: Int) {
        let now = self.local(number)
        let usable = self.processes[number].open.count
        let waited = self.processes[number].waiting > 0
        self.processes[number].used = min(self.processes[number].demand, usable)
        self.endIdle(number)
        let waiting = self.processes[number].waiting
        if waiting > 0, !waited { self.processes[number].waitingSince = now }
        if waiting == 0 { self.processes[number].waitingSince = now }
        self.perform(
            number,
            self.processes[number].machine.demandChanged(
                used: self.processes[number].used,
                waiting: waiting,
                oldestSince: self.processes[number].waitingSince,
                now: now
            )
        )
    }

    func hear(_ number: Int, _ answer: Answer) {
        guard !self.isAway(number, .toMember(number, answer)) else { return }
        let now = self.local(number)
        var actions: [FleetAction] = []
        self.note("member \(number) hears \(self.isTraced ? Self.text(answer) : "")")
        switch answer {
        case .board(let board):
            actions = self.processes[number].machine.boardRead(board, now: now)
        case .looked(let deaths):
            actions = self.processes[number].machine.looked(deaths: deaths, now: now)
        case .entered(let pass):
            actions = self.processes[number].machine.gateEntered(pass, now: now)
        case .counted(let count, let sentAt):
            actions = self.processes[number].machine.counted(count, sentAt: sentAt, now: now)
        case .countFailed:
            actions = self.processes[number].machine.countFailed(now: now)
        case .woken:
            self.processes[number].isWaking = false
            actions = self.processes[number].machine.woken(now: now)
        case .renewed(let sentAt):
            self.processes[number].leaseLocal = sentAt + Self.lease
            actions = self.processes[number].machine.leaseRenewed(sentAt: sentAt, now: now)
        case .connected(let ledger):
            self.processes[number].ledger = ledger
            actions = self.processes[number].machine.ledgerBack(now: now)
            if self.shape.hasLease { self.renew(number, ledger) }
        case .lost(let ledger):
            guard ledger == abs(self.processes[number].ledger) else { return }
            self.processes[number].ledger = 0
            if !self.shape.hasLease, !self.processes[number].isCutOff {
                // Who gives its engine up closes the connection.
                self.at(self.latency(), .sessionEnds(number, ledger))
            }
            actions = self.processes[number].machine.ledgerLost(now: now)
        case .loggedIn:
            self.processes[number].opening -= 1
            actions = self.processes[number].machine.loggedIn(now: now)
            self.perform(number, actions)
            if self.processes[number].isDraining { self.close(number) }
            return self.tellDemand(number)
        case .refused:
            self.processes[number].opening -= 1
            actions = self.processes[number].machine.openingRefused(now: now)
        case .closed:
            actions = self.processes[number].machine.closed(now: now)
            self.perform(number, actions)
            return self.tellDemand(number)
        }
        self.perform(number, actions)
    }

    static func text(_ answer: Answer) -> String {
        switch answer {
        case .board(let board):
            "board "
                + board.entries.map {
                    "\($0.member):\($0.held)-\($0.ending)/\($0.used)+\($0.waiting)"
                }
                .joined(separator: " ") + " \(board.shares) free \(board.free)"
        case .counted(let count, _):
            "count \(count.sessions) \(count.ownListed) deaths \(count.deaths ?? -1)"
        default: "\(answer)"
        }
    }

    static func text(_ action: FleetAction) -> String {
        guard case .publish(let entry, let wakes) = action else { return "\(action)" }
        return "publish \(entry.held)-\(entry.ending)/\(entry.used)+\(entry.waiting) \(wakes)"
    }

    func perform(_ number: Int, _ actions: [FleetAction]) {
        for action in actions {
            self.note("member \(number) does \(Self.text(action))")
            switch action {
            case .publish(let entry, let wakes):
                self.publications += 1
                self.send(number, .publish(entry, wakes: wakes))
            case .readBoard:
                self.readings += 1
                self.send(number, .readBoard)
            case .look: self.send(number, .look)
            case .enterGate(let pass): self.send(number, .enterGate(pass))
            case .count: self.send(number, .count(sentAt: self.local(number)))
            case .permits(let count):
                self.ambush(number)
                self.openUp(number, count)
            case .leaveGate: self.send(number, .leaveGate)
            case .breakGate(let pass): self.send(number, .breakGate(pass))
            case .end(_, let used): self.endConnections(number, used: used)
            case .terminateOrphans: self.send(number, .terminateOrphans)
            case .reconnect: self.connect(number)
            case .goodbye:
                self.send(number, .goodbye)
                self.at(Self.second / 10, .left(number))
            }
        }
        let due = self.processes[number].global(self.processes[number].machine.deadline.clamped)
        if self.processes[number].machine.deadline < .max, due < self.processes[number].tickAt {
            self.processes[number].tickAt = max(due, self.now)
            self.at(due - self.now, .tick(number))
        }
    }

    // MARK: Connections

    private func openUp(_ number: Int, _ count: Int) {
        while self.processes[number].tries < count {
            self.processes[number].tries += 1
            let isSlow = self.random.chance(3)
            let longest = isSlow ? self.shape.slowTry : 2 * Self.millisecond
            self.at(self.upTo(longest), .tryOpen(number))
        }
    }

    func tryOpen(_ number: Int) {
        guard !self.isAway(number, .tryOpen(number)) else { return }
        self.processes[number].tries -= 1
        let wanted = self.processes[number].waiting > self.processes[number].opening
        guard wanted, self.processes[number].machine.takePermit(now: self.local(number)) else {
            return self.perform(
                number,
                self.processes[number].machine.tick(now: self.local(number))
            )
        }
        self.processes[number].opening += 1
        guard self.serverIsUp else { return self.at(Self.millisecond, .toMember(number, .refused)) }
        let session = self.sessions.count
        self.sessions.append(Session(process: number))
        self.existing += 1
        self.mostSessions = max(self.mostSessions, self.existing)
        self.note("member \(number) opens \(session), the \(self.existing)th")
        if self.existing > self.shape.budget {
            self.fail("\(self.existing) sessions of \(self.shape.budget)")
        }
        if self.now < self.faultsUntil, self.random.chance(self.shape.stuckLogins) {
            self.stick(session)
        } else {
            self.at(Self.millisecond + self.upTo(self.shape.login), .listed(session))
        }
        self.ambush(number)
    }

    /// A login takes too long: its process gives it up, and it becomes a session all the same, or
    /// does not.
    private func stick(_ session: Int) {
        let number = self.sessions[session].process
        self.sessions[session].isKnown = false
        let limits = self.processes[number].machine.limits
        self.at(limits.settleTime, .givesUp(number))
        // A lease outlives the attempt by no more than a sixteenth of itself.
        let late = self.upTo(self.shape.hasLease ? Self.lease / 32 : limits.settleTime * 3 / 4)
        let becomes = self.random.chance(50)
        self.at(limits.settleTime + late, becomes ? .listed(session) : .vanishes(session))
    }

    func giveUp(_ number: Int) {
        guard !self.isAway(number, .givesUp(number)) else { return }
        self.givenUp += 1
        self.processes[number].opening -= 1
        let now = self.local(number)
        self.perform(number, self.processes[number].machine.openingGivenUp(now: now))
        self.tellDemand(number)
    }

    func sessionListed(_ session: Int) {
        guard !self.sessions[session].isGone else { return }
        let number = self.sessions[session].process
        self.sessions[session].isListed = true
        self.listed += 1
        guard self.sessions[session].isKnown else {
            // It finds that its process is dead.
            return self.at(self.orphanTime(), .vanishes(session))
        }
        self.processes[number].listed += 1
        self.processes[number].open.append(session)
        self.at(self.upTo(3 * Self.millisecond), .toMember(number, .loggedIn))
    }

    func orphanTime() -> Nanoseconds {
        guard self.random.chance(15) else { return self.upTo(100 * Self.millisecond) }
        return (self.shape.terminates ? 60 : 5) * Self.second
    }

    func sessionVanishes(_ session: Int) {
        guard !self.sessions[session].isGone else { return }
        self.sessions[session].isGone = true
        self.existing -= 1
        guard self.sessions[session].isListed else { return }
        self.listed -= 1
        guard self.sessions[session].isKnown else { return }
        let number = self.sessions[session].process
        self.processes[number].listed -= 1
        if self.sessions[session].isClosing {
            self.processes[number].closing -= 1
        } else {
            self.processes[number].open.removeAll { $0 == session }
        }
        self.at(self.upTo(3 * Self.millisecond), .toMember(number, .closed))
    }

    /// Ends what the member owes: idle ones, as soon as there are some, and as many as it says of
    /// those in use as they come back.
    private func endConnections(_ number: Int, used: Int) {
        for _ in 0..<used {
            self.processes[number].releases += 1
            self.at(self.upTo(50 * Self.millisecond), .released(number))
        }
        // A client may take what was idle before the process does anything about it.
        self.at(self.upTo(5 * Self.millisecond), .paysBack(number))
    }

    func endIdle(_ number: Int) {
        guard self.processes[number].isAlive, !self.processes[number].isPaused else { return }
        let process = self.processes[number]
        let owed = process.machine.ending - process.closing - process.releases
        let idle = min(owed, process.open.count - process.used)
        for _ in 0..<max(0, idle) { self.close(number) }
    }

    func released(_ number: Int) {
        guard !self.isAway(number, .released(number)) else { return }
        self.processes[number].releases -= 1
        let process = self.processes[number]
        guard process.machine.ending > process.closing, !process.open.isEmpty else { return }
        self.close(number)
        self.tellDemand(number)
    }

    func close(_ number: Int) {
        guard let session = self.processes[number].open.popLast() else { return }
        self.processes[number].closing += 1
        self.sessions[session].isClosing = true
        let time = (self.random.chance(2) ? 500 : 10) * Self.millisecond
        self.at(Self.millisecond + self.upTo(time), .vanishes(session))
    }
}

extension Instant {
    /// Far in the future at most, so that clocks can be computed with it.
    var clamped: Instant { Swift.min(self, 1_000_000_000_000_000_000) }
}
