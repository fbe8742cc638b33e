internal import FoundationEssentials
internal import Locking
internal import Logging
internal import Pooling

extension EtcdLedger {
    // MARK: Writing

    /// Puts the member's entry on the board.
    func publish(_ entry: BoardEntry, wakes: Bool, _ lease: Int64) async throws(EtcdError) {
        let identity = self.context.identity
        let member = EtcdMember(entry, of: identity, budget: self.context.budget())
        let idleSince = entry.isAtRest ? self.session?.idleSince ?? BootClock.now : nil
        self.session?.idleSince = idleSince
        try await self.publish(try member.encoded(), wakes: wakes, lease)
    }

    private func publish(_ value: Data, wakes: Bool, _ lease: Int64) async throws(EtcdError) {
        let member = self.context.identity.member
        var steps: [EtcdTransaction.Step] = [
            .put(self.keys.member(member), value, lease: lease)
        ]
        self.session?.published = value
        let (told, own) = try self.sessionsToTell(self.session)
        steps += told
        if wakes {
            let name = Data(EtcdKeys.name(of: member).utf8)
            steps.append(.put(self.keys.wake, name, lease: lease))
        }
        _ = try await self.client.commit(EtcdTransaction(steps), isRepeatable: false)
        self.note(own, lease)
    }

    /// Writes which sessions are the process's, if there are any.
    func tellSessions(of session: inout EtcdSession) async throws(EtcdError) {
        let (steps, own) = try self.sessionsToTell(session)
        guard !steps.isEmpty else { return }
        _ = try await self.client.commit(EtcdTransaction(steps), isRepeatable: false)
        session.toldSessions = own
    }

    /// What says which sessions are the process's; nothing if etcd knows that.
    func sessionsToTell(
        _ session: EtcdSession?
    ) throws(EtcdError) -> (steps: [EtcdTransaction.Step], own: [UInt32]?) {
        guard self.tellsSessions, let session else { return ([], nil) }
        let own = self.context.ownSessions().sorted()
        guard own != session.toldSessions else { return ([], nil) }
        let key = self.keys.sessions(of: self.context.identity.member)
        return ([.put(key, try EtcdJSON.value(own), lease: session.lease)], own)
    }

    /// Notes what etcd knows of the process's sessions.
    func note(_ told: [UInt32]?, _ lease: Int64) {
        guard let told, self.session?.lease == lease else { return }
        self.session?.toldSessions = told
    }

    // MARK: Reading

    /// For how long it is believed that there are as many orphans as before: not the same time for
    /// all members, so that not all of those who wait go and count.
    private var orphansPatience: Nanoseconds {
        1_000_000_000 + Int64(self.context.identity.member % 1_000) * 500_000
    }

    /// Answers with the board.
    ///
    /// Nobody reads PostgreSQL's list for that: it takes a session, of which there is a place for
    /// one, inside the gate. Orphans of the last count are believed in for a while; then nobody
    /// knows of any, and who waits goes and counts.
    func readBoard(_ lease: Int64) async throws(EtcdError) {
        let now = BootClock.now
        let reading = try await self.read()
        if reading.orphans?.revision != self.orphans?.revision { self.orphans = reading.orphans }
        let held = reading.members.reduce(0) { $0 + $1.row.entry.held }
        let listed = self.orphans.flatMap { orphans in
            now - orphans.seenAt < self.orphansPatience ? orphans.listed(held: held) : nil
        }
        self.tell(.boardRead(reading.board(budget: self.context.budget(), sessions: listed)))
        try await self.restore(reading, lease)
    }

    /// Puts the member on the board again if it is not there as it should be: somebody has deleted
    /// it, or something written under a lease of before has come late.
    private func restore(_ reading: EtcdReading, _ lease: Int64) async throws(EtcdError) {
        let member = self.context.identity.member
        guard let published = self.session?.published, self.session?.lease == lease,
            reading.values[member] != published
        else { return }
        self.session?.toldSessions = nil
        try await self.publish(published, wakes: false, lease)
    }

    /// Reads gate and board.
    func read() async throws(EtcdError) -> EtcdReading {
        let moment = BootClock.now
        let steps: [EtcdTransaction.Step] = [
            .range(.all(self.keys.members)), .range(.first(self.keys.gate, .oldestFirst)),
            .range(.key(self.keys.orphans)),
        ]
        let answer = try await self.client.commit(EtcdTransaction(steps), isRepeatable: true)
        let reading = EtcdReading(answer, at: moment)
        if reading.unknown > 0 {
            self.context.logger.debug("etcd: \(reading.unknown) members that cannot be read")
        }
        self.seen.withLock { $0 = reading.rows }
        return reading
    }

    // MARK: Orphans

    /// Ends the sessions that no member says it has.
    ///
    /// Members that hold connections and do not say which are theirs are not asked to say it by
    /// losing them: then nothing is ended.
    func terminateOrphans() async throws(EtcdError) {
        let steps: [EtcdTransaction.Step] = [
            .range(.all(self.keys.members)), .range(.all(self.keys.sessions)),
        ]
        let answer = try await self.client.commit(EtcdTransaction(steps), isRepeatable: true)
        guard let claimed = Self.claimed(answer.ranges) else {
            let text = "sessions without a member stay: a member does not say which are its own"
            return self.context.logger.warning("\(text)")
        }
        do {
            let deadline = BootClock.now + Self.listPatience
            let all = claimed + self.context.ownSessions()
            let count = try await self.sessions.terminate(except: all, deadline: deadline)
            self.context.logger.warning("\(count) sessions without a member have been ended")
        } catch {
            self.context.logger.warning("sessions without a member cannot be ended: \(error)")
        }
    }

    /// The sessions that members say they have; nil if one has some and does not say which.
    static func claimed(_ ranges: [[EtcdKeyValue]]) -> [UInt32]? {
        guard ranges.count == 2 else { return nil }
        var claimed: [UInt32] = []
        var tellers: Set<UInt64> = []
        for key in ranges[1] {
            let name = String(decoding: key.key, as: UTF8.self).split(separator: "/").last
            guard let value = key.value, let name, let member = EtcdKeys.member(named: name),
                let sessions = try? JSONDecoder().decode([UInt32].self, from: value)
            else { return nil }
            claimed += sessions
            tellers.insert(member)
        }
        for key in ranges[0] {
            guard let row = EtcdMember(key.value)?.row(lastSeen: 0) else { return nil }
            guard row.entry.held == 0 || tellers.contains(row.entry.member) else { return nil }
        }
        return claimed
    }
}
