internal import Pooling

extension EtcdLedger {
    // MARK: Entering

    /// Takes a place in the queue, and waits beside everything else for those before.
    func enterGate(_ pass: GatePass, _ lease: Int64) async throws(EtcdError) {
        self.session?.stay?.waiting?.cancel()
        self.session?.stay = EtcdSession.Stay(pass: pass)
        let place = try await self.takePlace(pass, lease)
        guard self.session?.lease == lease, self.session?.stay?.pass == pass else { return }
        self.session?.stay?.revision = place.revision
        if place.isFirst { return self.entered(pass) }
        self.session?.stay?.waiting = EtcdLoop.shared.start {
            await self.wait(pass, place.revision, lease)
        }
    }

    private func entered(_ pass: GatePass) {
        self.session?.stay?.isHeld = true
        self.tell(.gateEntered(pass))
    }

    /// Waits until nobody is before a place.
    private func wait(_ pass: GatePass, _ revision: Int64, _ lease: Int64) async {
        do throws(EtcdError) {
            while true {
                let turn = try await self.turn(revision, lease)
                guard let session = self.session, session.lease == lease,
                    session.stay?.pass == pass, !Task.isCancelled
                else { return }
                switch turn {
                case .gone:
                    self.session?.stay = nil
                    return self.tell(.gateLost)
                case .come: return self.entered(pass)
                case .behind(let watch): await self.waitForDeletion(watch, Self.watchPatience)
                }
            }
        } catch {
            guard !Task.isCancelled else { return }
            self.lose(lease, error.description)
        }
    }

    // MARK: Inside

    /// Answers with a count: the board first and then PostgreSQL's list. What a member closes
    /// between the two would else look like an orphan; and nobody opens anything meanwhile.
    func count(_ lease: Int64) async throws(EtcdError) {
        guard let pass = self.session?.stay?.pass, self.session?.isInGate(pass) == true else {
            return
        }
        let sentAt = BootClock.now
        let reading = try await self.read()
        guard self.session?.lease == lease, self.session?.isInGate(pass) == true else { return }
        guard reading.gateRevision == self.session?.stay?.revision else { return self.loseGate() }
        let sessions: SessionCount
        do {
            let own = self.context.ownSessions()
            let deadline = BootClock.now + Self.listPatience
            sessions = try await self.sessions.count(own: own, deadline: deadline)
        } catch {
            guard self.session?.lease == lease, self.session?.isInGate(pass) == true else {
                return
            }
            return self.tell(.countFailed("PostgreSQL's list of sessions: \(error)"))
        }
        if let facts = sessions.facts { self.context.learn(facts) }
        guard sessions.server == self.keys.server else {
            // Nothing has been opened in this pass, so nobody has to wait for the lease's end.
            try await self.leaveGate(lease)
            self.lose(lease, "PostgreSQL has been started again, or is another server")
            return self.meet(sessions.server)
        }
        guard self.session?.lease == lease, self.session?.isInGate(pass) == true else { return }
        let board = reading.board(budget: self.context.budget(), sessions: sessions.sessions)
        self.session?.stay?.counted = EtcdSession.Counted(
            orphans: board.orphans,
            others: sessions.sessions - sessions.ownListed,
            hasOrphansOnBoard: reading.orphans != nil
        )
        let count = FleetCount(
            sessions: sessions.sessions,
            ownListed: sessions.ownListed,
            deaths: nil,
            isOtherInGate: false,
            board: board,
            // The lease says for how long it is.
            heldAt: BootClock.now
        )
        self.tell(.counted(count, sentAt: sentAt))
    }

    /// Looks whether the member's place in the queue is there yet, if it has the gate.
    func checkGate(_ lease: Int64) async throws(EtcdError) {
        guard let stay = self.session?.stay, stay.isHeld else { return }
        let steps: [EtcdTransaction.Step] = [.range(.key(self.keys.gate(of: lease)))]
        let answer = try await self.client.commit(EtcdTransaction(steps), isRepeatable: true)
        guard self.session?.lease == lease, self.session?.isInGate(stay.pass) == true else {
            return
        }
        let place = answer.ranges.first?.first
        if place?.createRevision?.value != stay.revision { self.loseGate() }
    }

    private func loseGate() {
        self.session?.stay = nil
        self.tell(.gateLost)
    }

    // MARK: Leaving

    /// Gives up the place in the queue; with it, others learn which sessions are the process's, and
    /// what it has counted.
    func leaveGate(_ lease: Int64) async throws(EtcdError) {
        let stay = self.session?.stay
        stay?.waiting?.cancel()
        // From now on it is no loss that the place is not there.
        self.session?.stay = nil
        let (told, own) = try self.sessionsToTell(self.session)
        guard let stay else {
            if !told.isEmpty {
                _ = try await self.client.commit(EtcdTransaction(told), isRepeatable: false)
            }
            return self.note(own, lease)
        }
        let key = self.keys.gate(of: lease)
        let transaction = EtcdTransaction(
            ifCreated: key,
            at: stay.revision,
            told + [.delete(key)] + (try self.orphansToTell(stay, lease)),
            otherwise: told
        )
        _ = try await self.client.commit(transaction, isRepeatable: false)
        self.note(own, lease)
    }

    private func orphansToTell(
        _ stay: EtcdSession.Stay,
        _ lease: Int64
    ) throws(EtcdError) -> [EtcdTransaction.Step] {
        guard let counted = stay.counted else { return [] }
        let key = self.keys.orphans
        if counted.orphans > 0 {
            let sessions = counted.others + self.context.ownSessions().count
            let value = try EtcdOrphans.encoded(counted.orphans, of: sessions)
            return [.put(key, value, lease: lease)]
        }
        return counted.hasOrphansOnBoard ? [.delete(key)] : []
    }
}
