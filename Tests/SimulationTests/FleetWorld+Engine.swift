import Pooling
import TestSupport

/// The engine of gate and board: PostgreSQL's control sessions, or etcd's leases.
extension FleetWorld {
    // MARK: Messages

    func send(_ number: Int, _ request: Request) {
        let ledger = self.processes[number].ledger
        guard ledger > 0, !self.processes[number].isCutOff else {
            if ledger > 0 { self.at(Self.second, .silence(number, ledger)) }
            return
        }
        let arrival = max(self.now + self.latency(), self.processes[number].lastArrival)
        self.processes[number].lastArrival = arrival
        self.events.add(.toEngine(number, ledger, request), at: arrival)
    }

    func answer(_ number: Int, _ ledger: Int, _ answer: Answer) {
        guard !self.processes[number].isCutOff else {
            return self.at(Self.second, .silence(number, ledger))
        }
        let arrival = max(self.now + self.latency(), self.processes[number].lastAnswer)
        self.processes[number].lastAnswer = arrival
        self.events.add(.toMember(number, answer), at: arrival)
    }

    /// A process that hears nothing for too long gives its engine up.
    func hearNothing(_ number: Int, _ ledger: Int) {
        guard abs(self.processes[number].ledger) == ledger else { return }
        self.events.add(.toMember(number, .lost(ledger)), at: self.now)
    }

    func connect(_ number: Int) {
        guard !self.processes[number].isCutOff, self.serverIsUp || self.shape.hasLease else {
            self.processes[number].ledger = 0
            return self.at(Self.second / 10, .toMember(number, .lost(0)))
        }
        self.processes[number].ledgers += 1
        let ledger = self.processes[number].ledgers
        self.processes[number].ledger = -ledger
        let arrival = max(self.now + self.latency(), self.processes[number].lastArrival)
        self.processes[number].lastArrival = arrival
        self.processes[number].ends[ledger] = self.shape.hasLease ? self.now + Self.lease : .max
        if self.shape.hasLease { self.at(Self.lease, .leaseEnds(number, ledger)) }
        self.answer(number, ledger, .connected(ledger))
    }

    func arrive(_ number: Int, _ ledger: Int, _ request: Request) {
        // The engine's session that it came by is over, or the process did not live to send it.
        guard self.processes[number].isAlive, ledger == self.processes[number].ledgers,
            self.processes[number].ends[ledger] != nil
        else { return self.answer(number, ledger, .lost(ledger)) }
        switch request {
        case .publish(let entry, let wakes):
            self.entries[number] = entry
            self.boardVersion += 1
            if wakes, self.shape.hasWakeUps { self.wakeAll(but: number) }
        case .readBoard: self.answer(number, ledger, .board(self.readBoard()))
        case .look:
            self.answer(number, ledger, .looked(self.shape.countsDeaths ? self.deaths : nil))
        case .enterGate(let pass):
            self.queue.append((number, ledger, pass))
            self.openGate()
        case .count(let sentAt):
            let isOtherInGate = self.flag.map { $0.process != number } ?? false
            guard self.serverIsUp else { return self.answer(number, ledger, .countFailed) }
            let count = FleetCount(
                sessions: self.listed,
                ownListed: self.processes[number].listed,
                deaths: self.shape.countsDeaths ? self.deaths : nil,
                isOtherInGate: isOtherInGate,
                board: self.readBoard(inGate: true),
                heldAt: sentAt
            )
            self.answer(number, ledger, .counted(count, sentAt: sentAt))
        case .leaveGate:
            self.queue.removeAll { $0.process == number }
            if self.holder?.process == number { self.freeGate() }
        case .breakGate(let pass):
            guard let holder, holder.pass == pass else { return }
            self.note("gate of \(holder.process) is broken")
            self.endLedger(holder.process, holder.ledger)
            self.answer(holder.process, holder.ledger, .lost(holder.ledger))
        case .terminateOrphans: self.endOrphans()
        case .goodbye:
            self.entries[number] = nil
            self.boardVersion += 1
            // That is no death.
            self.processes[number].ends[ledger] = nil
            self.queue.removeAll { $0.process == number }
            if self.holder?.process == number { self.freeGate() }
        case .renew(let sentAt):
            self.processes[number].ends[ledger] = self.now + Self.lease
            self.at(Self.lease, .leaseEnds(number, ledger))
            self.answer(number, ledger, .renewed(sentAt))
        }
    }

    private func wakeAll(but number: Int) {
        for other in self.processes.indices
        where other != number && self.processes[other].isAlive && self.processes[other].ledger > 0
            && !self.processes[other].isWaking
        {
            self.processes[other].isWaking = true
            self.at(self.latency() + self.shape.wakePause, .toMember(other, .woken))
        }
    }

    func readBoard(inGate: Bool = false) -> Board {
        guard self.shape.hasLease else { return self.readBoard(sessions: self.listed) }
        // PostgreSQL's list is not read outside the gate; what was counted there is on the board.
        if inGate {
            let board = self.readBoard(sessions: self.listed)
            if board.orphans != self.orphans.count { self.boardVersion += 1 }
            self.orphans = (board.orphans, self.now)
            return board
        }
        guard self.orphans.count > 0, self.now - self.orphans.time < Self.second else {
            return self.readBoard(sessions: nil)
        }
        let held = self.entries.reduce(0) { $0 + ($1?.held ?? 0) }
        return self.readBoard(sessions: held + self.orphans.count)
    }

    private func readBoard(sessions: Int?) -> Board {
        if let board = self.board {
            let isSame = board.version == self.boardVersion && board.sessions == sessions
            if isSame || self.now - board.time < self.shape.boardAge { return board.board }
        }
        let board = Board(
            entries: self.entries.compactMap { $0 },
            budget: self.shape.budget,
            sessions: sessions,
            gate: self.flag?.pass
        )
        self.board = (board, self.now, self.boardVersion, sessions)
        return board
    }

    // MARK: The gate

    func openGate() {
        while self.holder == nil, !self.queue.isEmpty {
            let next = self.queue.removeFirst()
            self.holder = next
            if self.flag == nil { self.flag = next }
            self.passes += 1
            self.answer(next.process, next.ledger, .entered(next.pass))
        }
    }

    private func freeGate() {
        if self.flag?.pass == self.holder?.pass { self.flag = nil }
        self.holder = nil
        self.openGate()
    }

    // MARK: Ends

    /// The engine's session of a process ends (killed, cut off, terminated): its lock is free, and
    /// a moment later the death is counted and the entry is off the board.
    func endLedger(_ number: Int, _ ledger: Int) {
        guard self.processes[number].ends.removeValue(forKey: ledger) != nil else { return }
        self.queue.removeAll { $0.process == number && $0.ledger == ledger }
        self.at(self.upTo(5 * Self.millisecond), .deathSeen(number, ledger))
        if self.holder?.process == number, self.holder?.ledger == ledger {
            self.holder = nil
            self.openGate()
        }
    }

    /// Ends the sessions of those who are not there any more.
    private func endOrphans() {
        for (number, session) in self.sessions.enumerated()
        where session.isListed && !session.isGone {
            let isClaimed = session.isKnown && !self.processes[session.process].ends.isEmpty
            guard !isClaimed else { continue }
            self.ended += 1
            self.note("session \(number) of \(session.process) is ended")
            self.at(self.upTo(10 * Self.millisecond), .vanishes(number))
        }
    }

    func seeDeath(_ number: Int, _ ledger: Int) {
        self.deaths += 1
        if let flag, flag.process == number, flag.ledger == ledger { self.flag = self.holder }
        guard self.processes[number].ledgers == ledger else { return }
        self.entries[number] = nil
        self.boardVersion += 1
    }

    func leaseEnds(_ number: Int, _ ledger: Int) {
        guard let end = self.processes[number].ends[ledger], end <= self.now else { return }
        self.endLedger(number, ledger)
    }

    /// Renews a lease, or finds that it must be over.
    func renew(_ number: Int, _ ledger: Int) {
        guard self.processes[number].isAlive, self.processes[number].ledger == ledger else {
            return
        }
        guard !self.processes[number].isPaused else {
            return self.processes[number].deferred.append(.renew(number, ledger))
        }
        let now = self.local(number)
        if self.processes[number].leaseLocal > 0, now > self.processes[number].leaseLocal {
            self.processes[number].leaseLocal = 0
            return self.hear(number, .lost(ledger))
        }
        self.send(number, .renew(sentAt: now))
        self.at(Self.lease / 3, .renew(number, ledger))
    }
}
