internal import FoundationEssentials
internal import Pooling

/// The stay in etcd: how it begins, goes on and ends.
extension EtcdLedger {
    /// How long the lease of a member at rest lives after each renewal, in seconds. Its entry says
    /// nothing that anybody goes by, so it does no harm if it outlives the member.
    static let restingSeconds: Int64 = 120

    // MARK: Its beginning

    func connect() async {
        if let session = self.session { self.abandon(session) }
        do throws(EtcdError) {
            let sentAt = BootClock.now
            let grant = try await self.grant(self.seconds)
            try await self.endLeftLeases()
            // Until it is the session's.
            self.leftLeases.append(grant.lease)
            // Every count sees whether it is still the same server.
            if self.keys.server == nil { try await self.meetServer(grant.lease, since: sentAt) }
            var session = EtcdSession(
                lease: grant.lease,
                seconds: self.seconds,
                wokenUntil: grant.revision
            )
            try await self.tellSessions(of: &session)
            guard !self.isStopping else { return }
            self.begin(session, since: sentAt)
            self.isKnownToBeLost = false
            self.tell(.back)
            self.tell(.leaseRenewed(sentAt: sentAt))
        } catch {
            self.isKnownToBeLost = true
            self.tell(.lost(error.description))
        }
    }

    private func begin(_ session: EtcdSession, since moment: Instant) {
        self.leftLeases.removeAll { $0 == session.lease }
        let keeping = EtcdLoop.shared.start { await self.keep(session, since: moment) }
        self.session = session
        self.session?.keeping = keeping
        // Who has and wants nothing need not hear who wakes.
        if !self.isResting(session) { self.listen(session.lease) }
    }

    /// Gets a lease; one that is not used in the end is to be ended.
    private func grant(
        _ seconds: Int64
    ) async throws(EtcdError) -> (lease: Int64, revision: Int64) {
        let answer = try await self.client.grant(seconds: seconds)
        guard let lease = answer.lease?.value, (answer.seconds?.value ?? 0) >= seconds else {
            throw .unusable("etcd: no lease of \(seconds) seconds is to be had")
        }
        return (lease, answer.header.revision)
    }

    /// Makes sure that nothing of the sessions before comes late.
    func endLeftLeases() async throws(EtcdError) {
        while let lease = self.leftLeases.last {
            do throws(EtcdError) {
                try await self.client.revoke(lease)
            } catch {
                // gRPC's "not found": it has ended by itself.
                guard case .refused(code: 5, _) = error else { throw error }
            }
            self.leftLeases.removeAll { $0 == lease }
        }
    }

    // MARK: Whose gate it is

    /// Asks the PostgreSQL server who it is: gate and board hang on that.
    ///
    /// One member of the fleet after the other, in a queue for the address: each question is a
    /// session, and the budget has a place for one.
    private func meetServer(_ lease: Int64, since moment: Instant) async throws(EtcdError) {
        do throws(EtcdError) {
            let server = try await self.ask(lease, since: moment)
            _ = try await self.client.commit(
                EtcdTransaction([.delete(self.keys.gate(of: lease))]),
                isRepeatable: true
            )
            self.meet(server)
        } catch {
            // The next in the queue need not wait until it ends by itself.
            try? await self.endLeftLeases()
            throw error
        }
    }

    private func ask(_ lease: Int64, since: Instant) async throws(EtcdError) -> ServerIdentity {
        let life = self.seconds * 1_000_000_000
        let pass = GatePass(member: self.context.identity.member, number: 0)
        let place = try await self.takePlace(pass, lease)
        while !place.isFirst {
            let turn = try await self.turn(place.revision, lease)
            if case .come = turn { break }
            let left = since + life / 2 - BootClock.now
            guard left > 0, case .behind(let watch) = turn else {
                throw .unanswered("etcd: others are asking PostgreSQL which server it is")
            }
            await self.waitForDeletion(watch, min(left, Self.watchPatience))
        }
        do {
            // Its session is there, or never will be, before the lease ends.
            let deadline = min(BootClock.now + Self.listPatience, since + life * 5 / 6)
            return try await self.sessions.identity(deadline: deadline)
        } catch {
            throw .unusable("PostgreSQL does not say which server it is: \(error)")
        }
    }

    /// Everything that is written from now on is about this server.
    func meet(_ server: ServerIdentity) {
        self.keys = EtcdKeys(fleet: self.context.identity.fleet, server: server)
    }

    // MARK: Its end

    /// Ends a session, of which the member is told. Others may have done that already.
    func lose(_ lease: Int64, _ reason: String) {
        guard let session = self.session, session.lease == lease else { return }
        self.abandon(session)
        self.isKnownToBeLost = true
        self.tell(.lost(reason))
    }

    private func abandon(_ session: EtcdSession) {
        session.end()
        if session.stay?.isHeld != true { self.leftLeases.append(session.lease) }
        self.session = nil
    }

    func takeLeave(_ lease: Int64) async throws(EtcdError) {
        self.session?.end()
        defer { self.isKnownToBeLost = true }
        // Were this cut short, `stop` would do it.
        try await self.sayGoodbye(lease)
        if self.session?.lease == lease { self.session = nil }
    }

    /// Ends a lease, and tells the others that there is something to have.
    func sayGoodbye(_ lease: Int64) async throws(EtcdError) {
        let name = Data(EtcdKeys.name(of: self.context.identity.member).utf8)
        let wake = EtcdTransaction([.put(self.keys.wake, name, lease: lease)])
        _ = try await self.client.commit(wake, isRepeatable: true)
        try await self.client.revoke(lease)
    }

    // MARK: Going on

    /// Renews the lease until the session ends, or has another.
    ///
    /// - Parameter moment: when it was granted, or asked to be.
    private func keep(_ session: EtcdSession, since moment: Instant) async {
        let lease = session.lease
        let pause = session.seconds * 1_000_000_000 / 3
        var next = moment + pause
        while true {
            await EtcdLoop.shared.sleep(next - BootClock.now)
            next = BootClock.now + pause
            guard !Task.isCancelled, self.session?.lease == lease else { return }
            let sentAt = BootClock.now
            do throws(EtcdError) {
                let seconds = try await self.client.renew(lease)
                guard !Task.isCancelled, self.session?.lease == lease else { return }
                guard seconds > 0 else { return self.lose(lease, "etcd: the lease has ended") }
                self.tell(.leaseRenewed(sentAt: sentAt))
                guard !self.isResting(session) else { continue }
                try await self.checkGate(lease)
                if self.session?.listensAt != self.client.endpoint { self.listen(lease) }
                if self.mayRest { self.inbox.yield(.rest(lease)) }
            } catch {
                if !Task.isCancelled { self.lose(lease, error.description) }
                return
            }
        }
    }

    private func isResting(_ session: EtcdSession) -> Bool { session.seconds > self.seconds }

    /// Whether there is no reason to renew the lease often.
    private var mayRest: Bool {
        guard let session = self.session, !self.isResting(session), session.stay == nil,
            session.seconds < Self.restingSeconds
        else { return false }
        return session.idleSince.map { BootClock.now - $0 >= self.restless } ?? false
    }

    /// Lets the member rest, if it still has and wants nothing.
    func rest(_ lease: Int64) async {
        guard self.session?.lease == lease, self.mayRest else { return }
        do throws(EtcdError) {
            try await self.change(to: Self.restingSeconds)
        } catch {
            self.lose(lease, error.description)
        }
    }

    /// Ends a rest before what needs a lease that soon ends with its member.
    func wakeUp(for action: FleetAction) async throws(EtcdError) {
        guard let session = self.session, self.isResting(session) else { return }
        switch action {
        case .enterGate: break
        case .publish(let entry, _) where !entry.isAtRest: break
        default: return
        }
        try await self.change(to: self.seconds)
    }

    /// Goes on under another lease, to which the member goes over in one step: it never leaves the
    /// board.
    private func change(to seconds: Int64) async throws(EtcdError) {
        guard let old = self.session else { return }
        let sentAt = BootClock.now
        let grant = try await self.grant(seconds)
        // Until it is the session's.
        self.leftLeases.append(grant.lease)
        var next = EtcdSession(
            lease: grant.lease,
            seconds: seconds,
            wokenUntil: grant.revision
        )
        (next.published, next.idleSince) = (old.published, old.idleSince)
        var steps: [EtcdTransaction.Step] = []
        if let value = old.published {
            let key = self.keys.member(self.context.identity.member)
            steps.append(.put(key, value, lease: grant.lease))
        }
        let (told, own) = try self.sessionsToTell(next)
        steps += told
        if !steps.isEmpty {
            _ = try await self.client.commit(EtcdTransaction(steps), isRepeatable: false)
        }
        next.toldSessions = own
        guard self.session?.lease == old.lease else { return }
        self.session?.end()
        self.begin(next, since: sentAt)
        self.tell(.leaseRenewed(sentAt: sentAt))
        // Nothing hangs on it any more: if it does not end now it ends by itself.
        try? await self.client.revoke(old.lease)
    }
}
