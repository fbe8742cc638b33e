import Pooling
import TestSupport

/// What goes wrong.
extension FleetWorld {
    /// Lets something go wrong `count` times until `end`.
    func plan(faults count: Int, until end: Instant) {
        self.faultsUntil = end
        for _ in 0..<count { self.at(self.upTo(max(1, end - self.now)), .harm) }
    }

    /// One process, alive and not in trouble yet.
    private func victim() -> Int? {
        // Faults like those who hold the gate: what they leave behind is what matters.
        if let holder, self.random.chance(50), self.isWell(holder.process) { return holder.process }
        for _ in 0..<20 {
            let number = self.random.below(self.processes.count)
            if self.isWell(number) { return number }
        }
        return nil
    }

    private func isWell(_ number: Int) -> Bool {
        let process = self.processes[number]
        return process.isAlive && !process.isPaused && !process.isCutOff
    }

    func harm() {
        guard let number = self.victim() else { return }
        self.harm(number)
    }

    /// Lets a member that is opening connections be hit, as often as not.
    func ambush(_ number: Int) {
        guard self.ambushes > 0, self.random.chance(40) else { return }
        self.ambushes -= 1
        self.at(self.upTo(2 * Self.millisecond), .ambush(number))
    }

    func harm(_ number: Int) {
        guard self.isWell(number) else { return }
        let ledger = abs(self.processes[number].ledger)
        switch self.random.below(20) {
        case 0..<8: self.kill(number)
        case 8..<12: self.pause(number)
        case 12..<15:
            self.note("member \(number) is cut off")
            self.processes[number].isCutOff = true
            self.at(self.upTo(4 * Self.second), .heal(number))
            if !self.shape.hasLease { self.at(5 * Self.second, .sessionEnds(number, ledger)) }
        case 15..<17 where !self.shape.hasLease:
            // An administrator ends the control session; the process hears of it sometime.
            self.note("ledger of \(number) is ended")
            self.endLedger(number, ledger)
            self.at(self.upTo(Self.second), .silence(number, ledger))
        case 17: self.restartServer()
        case 18: self.drain(number)
        default:
            // Who has to wait cannot do so by a clock that jumps ahead; where nobody has
            // to settle, a jump only makes permits end early.
            guard self.shape.hasLease else { return self.pause(number) }
            self.processes[number].jumped += self.upTo(30 * Self.second)
            self.processes[number].tickAt = self.now
            self.tick(number)
        }
    }

    /// SIGKILL; a new process takes the place sometime.
    private func kill(_ number: Int) {
        self.note("member \(number) is killed")
        self.processes[number].isAlive = false
        let ledger = abs(self.processes[number].ledger)
        if !self.shape.hasLease {
            self.at(self.upTo(2 * Self.millisecond), .sessionEnds(number, ledger))
        }
        for session in self.sessions.indices where self.sessions[session].process == number {
            guard !self.sessions[session].isGone else { continue }
            self.sessions[session].isKnown = false
            guard self.sessions[session].isListed else { continue }
            self.at(self.orphanTime(), .vanishes(session))
        }
        self.at(self.upTo(2 * Self.second), .start(self.addProcess()))
    }

    /// SIGTERM; a new process takes the place when the old one has gone.
    private func drain(_ number: Int) {
        self.note("member \(number) takes leave")
        self.processes[number].isDraining = true
        self.setDemand(number, 0)
        self.perform(number, self.processes[number].machine.drain(now: self.local(number)))
        while !self.processes[number].open.isEmpty { self.close(number) }
    }

    /// A process that has taken leave ends.
    func left(_ number: Int) {
        guard self.processes[number].isAlive else { return }
        self.processes[number].isAlive = false
        self.leaves += 1
        let ledger = abs(self.processes[number].ledger)
        // Where its good-bye has not been heard.
        if !self.shape.hasLease { self.at(Self.millisecond, .sessionEnds(number, ledger)) }
        self.at(self.upTo(Self.second), .start(self.addProcess()))
    }

    private func pause(_ number: Int) {
        self.note("member \(number) stops")
        self.processes[number].isPaused = true
        let longest = self.random.chance(20) ? 20 * Self.second : 2 * Self.second
        self.at(self.upTo(longest), .resume(number))
    }

    func resume(_ number: Int) {
        guard self.processes[number].isAlive else { return }
        self.note("member \(number) goes on")
        self.processes[number].isPaused = false
        let deferred = self.processes[number].deferred
        self.processes[number].deferred = []
        for event in deferred { self.events.add(event, at: self.now) }
        self.tellDemand(number)
    }

    private func restartServer() {
        guard self.serverIsUp else { return }
        self.note("the server starts again")
        self.serverIsUp = false
        self.at(Self.second / 5 + self.upTo(Self.second), .serverUp)
        for session in self.sessions.indices where !self.sessions[session].isGone {
            let isOwn = self.sessions[session].isKnown && !self.sessions[session].isListed
            let number = self.sessions[session].process
            self.sessionVanishes(session)
            if isOwn { self.at(self.upTo(5 * Self.millisecond), .toMember(number, .refused)) }
        }
        guard !self.shape.hasLease else { return }
        for number in self.processes.indices where self.processes[number].isAlive {
            let ledger = abs(self.processes[number].ledger)
            self.processes[number].ends = [:]
            self.at(self.upTo(Self.second / 2), .silence(number, ledger))
        }
        (self.holder, self.flag, self.queue) = (nil, nil, [])
        self.entries = self.entries.map { _ in nil }
        self.deaths = self.random.below(3)
        self.boardVersion += 1
    }
}
