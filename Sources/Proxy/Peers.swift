import Logging
import Pooling
import Reactor
import Settings

/// What the workers say to each other.
///
/// A turn ends with `meetPeers`: what this worker has and lacks is published, and then what the
/// others have published is read (`HandOver` says why in this order). Who lacks a server asks those
/// who have one; who has one to spare sends it.
extension Worker {
    // MARK: Mail

    func post(_ content: WorkerMessage.Content, to worker: Int) {
        precondition(worker < self.mailboxes.count, "worker \(worker) is not known yet")
        self.mailboxes[worker].post(WorkerMessage(content))
    }

    /// Tells all other workers.
    func tellPeers(_ content: WorkerMessage.Content) {
        for worker in self.mailboxes.indices where worker != self.index {
            self.post(content, to: worker)
        }
    }

    /// What another worker has said.
    func heard(_ content: WorkerMessage.Content) {
        switch content {
        case .signal, .resolved, .forwardResolved, .clientDerived, .serverDerived:
            preconditionFailure("not from a worker")
        case .peers(let mailboxes): self.mailboxes = mailboxes
        case .accepted(let descriptor): self.adopt(client: descriptor)
        case .consoleClient(let transfer): self.consoleArrived(transfer)
        case .cancel(let key, let requester): self.cancel(key, for: requester)
        case .boardRead(let search): self.boardRead(search)
        case .cancelEnded(let id):
            guard let client = self.clients[id.index, id.generation] else { return }
            self.closeClient(client, .cancelDelivered)
        case .wanted(let pool, let worker): self.serverWanted(pool, by: worker)
        case .unmet(let pool):
            guard let entry = self.pool(pool) else { return }
            self.openServers(in: entry, expectingOthers: false)
        case .server(let transfer): self.arrived(transfer)
        case .roomFreed: self.openServers()
        case .standingChanged: self.standingChanged()
        case .evict(let pool, let demand, let hosts):
            self.evict(for: pool, demand: demand, hosts: hosts)
        case .evictForDedicated(let pool, let demand):
            self.evictForDedicated(pool, demand: demand, asksOthers: false)
        case .greeted(let pool): self.pool(pool).map { self.greetWaiting($0) }
        case .refuseAll(let pool, let fields):
            // Unless somebody has had more luck since.
            guard let entry = self.pool(pool),
                self.withShared({ self.pools.shared.pools[pool.index].serving }) == 0
            else { return }
            self.refuseAll(entry, fields)
        case .capacitiesChanged:
            for database in self.databaseEntries.values { self.refreshHosts(of: database) }
            self.openServers()
        case .order(let order): self.carryOut(order)
        case .done(let ticket, let wasFound): self.orderDone(ticket, wasFound: wasFound)
        case .report(let ticket, let parts):
            self.post(.reported(ticket: ticket, self.report(parts)), to: 0)
        case .reported(let ticket, let report): self.reported(ticket, report)
        case .settings(let settings): self.applySettings(settings)
        case .reloaded(let change): self.apply(change)
        case .users(let users): self.setUsers(users)
        case .databaseChanged(let name): self.databaseChanged(name)
        case .drained(let worker, let ending):
            if ending == self.ending { self.drainedPeers.insert(worker) }
        case .look: break  // Whoever waits for something looks at the end of this event.
        case .stop: self.isFinished = true
        }
    }

    func pool(_ id: PoolID) -> PoolEntry? {
        id.index < self.poolsByID.count ? self.poolsByID[id.index] : nil
    }

    // MARK: The end of a turn

    /// A pool's waiters or idle servers have changed.
    @inline(__always)
    func touch(_ pool: PoolEntry) {
        guard self.hasPeers, !pool.isTouched else { return }
        pool.isTouched = true
        self.touched.append(pool.id.index)
    }

    /// Publishes what has changed, and acts on what the others have published.
    func meetPeers() {
        self.tellNewDemand()
        while let index = self.touched.popLast() {
            guard let pool = self.poolsByID[index] else { continue }
            pool.isTouched = false
            self.meet(pool)
        }
        self.beginDepartures()
    }

    private func meet(_ pool: PoolEntry) {
        let isNew = self.publish(pool)
        if pool.isWanting {
            // A slot may have come free before anybody could know that one is wanted here.
            if isNew { self.openServers(in: pool) }
            self.askForServers(pool)
        }
        // Who waits for a greeting here wants a new server, and has no use for an idle one.
        self.sendSpareServers(pool)
    }

    /// Publishes a pool's state; true when it wants servers and did not before.
    @discardableResult
    func publish(_ pool: PoolEntry) -> Bool {
        let notice = self.pools.notice(of: pool.id)
        pool.board.publish(self.index, notice)
        let isWanting = notice.wanting > 0 || notice.demand > 0 || notice.awaitsDedicated
        guard isWanting != pool.isWanting else { return false }
        pool.isWanting = isWanting
        if isWanting {
            self.wantingPools.insert(pool.id.index)
        } else {
            self.wantingPools.remove(pool.id.index)
        }
        self.process.setWantingPools(self.wantingPools.count, of: self.index)
        return isWanting
    }

    private func askForServers(_ pool: PoolEntry) {
        guard pool.board.missing(self.index) > 0 else { return }
        var isAnybodyAsked = false
        for worker in self.mailboxes.indices
        where worker != self.index && pool.board.idle(worker) > 0 {
            self.post(.wanted(pool.id, by: self.index), to: worker)
            isAnybodyAsked = true
        }
        // The servers that were hoped for are gone, and nobody is left who would say so.
        if !isAnybodyAsked, pool.hopesForOthers {
            self.openServers(in: pool, expectingOthers: false)
        }
    }

    /// Idle servers that other workers have of a pool.
    func idleElsewhere(_ pool: PoolEntry) -> Int {
        var count = 0
        for worker in self.mailboxes.indices where worker != self.index {
            count += pool.board.idle(worker)
        }
        return count
    }

    /// Sends idle servers to those who want them, the longest waiting first.
    private func sendSpareServers(_ pool: PoolEntry) {
        var hasSent = false
        while let worker = self.neediest(pool),
            let departure = self.pools.nextDeparture(from: pool.id, now: self.loop.now)
        {
            let server = self.server(departure.server)
            guard self.canLeave(server) else {
                self.checkIn(server, mayYield: false)
                break
            }
            server.needsCheck = departure.needsCheck
            self.depart(server, to: worker)
            hasSent = true
        }
        if hasSent { self.publish(pool) }
    }

    /// The worker whose client has waited longest for a server of a pool, with none under way.
    private func neediest(_ pool: PoolEntry) -> Int? {
        var found: (worker: Int, oldest: Instant)?
        for worker in self.mailboxes.indices
        where worker != self.index && pool.board.missing(worker) > 0 {
            let oldest = pool.board.oldest(worker)
            if found.map({ oldest < $0.oldest }) ?? true { found = (worker, oldest) }
        }
        return found?.worker
    }

    private func serverWanted(_ id: PoolID, by worker: Int) {
        if let pool = self.pool(id) {
            self.meet(pool)
            guard pool.board.missing(worker) > 0 else { return }
        }
        self.post(.unmet(id), to: worker)
    }

    /// Counts clients that wait although another worker has a server for them; the ways above leave
    /// none, and this is to find that out.
    func countMissed(now: Instant) {
        for index in self.wantingPools {
            guard let pool = self.poolsByID[index], pool.board.missing(self.index) > 0,
                let oldest = self.pools.oldestWait(pool.id), now - oldest > Self.tick,
                self.idleElsewhere(pool) > 0
            else { continue }
            self.moves.missed += 1
            self.touch(pool)
        }
    }

    // MARK: Slots

    /// Runs `body` with the counts that all workers share in `pools`.
    func withShared<Result>(_ body: () throws -> Result) rethrows -> Result {
        if self.holdsShared { return try body() }
        return try self.process.withLock { state in
            swap(&self.pools.shared, &state.counts)
            self.holdsShared = true
            defer {
                self.holdsShared = false
                swap(&self.pools.shared, &state.counts)
            }
            return try body()
        }
    }

    /// Keeps the figure that `checkIn` compares with a pool's size; within `withShared`.
    func noteLiving(of pool: PoolEntry) {
        pool.board.living = self.pools.shared.pools[pool.id.index].claimed
    }

    /// Whether clients of other workers want servers.
    var othersWant: Bool {
        for worker in self.mailboxes.indices
        where worker != self.index && self.process.isWanting(worker) {
            return true
        }
        return false
    }

    /// A slot is free: others may have waited for it.
    func tellRoomFreed() {
        if !self.isFirst, self.process.awaitsSlots { self.post(.look, to: 0) }
        for worker in self.mailboxes.indices
        where worker != self.index && self.process.isWanting(worker) {
            self.post(.roomFreed, to: worker)
        }
    }

    private func evict(for id: PoolID, demand: Int, hosts: [Int]) {
        let evicted = self.withShared {
            self.pools.evict(for: id, demand: demand, hosts: hosts, now: self.loop.now)
        }
        if let evicted { self.closeServer(self.server(evicted), .evicted) }
    }
}
