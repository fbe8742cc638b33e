import Glibc
import Logging
import Pooling
import Reactor
import Settings
import Wire

/// Connections go from one worker to another.
extension Worker {
    // MARK: Servers

    /// Gives a server that has come free to another worker, if somebody has waited there for
    /// clearly longer than anybody here; false when it stays.
    func yields(_ server: ServerConnection) -> Bool {
        let pool = server.pool
        let now = self.loop.now
        var found = -1
        var oldest: Instant?
        for worker in self.mailboxes.indices where worker != self.index {
            let theirs = pool.board.oldest(worker)
            if theirs == 0 { continue }
            let known = oldest ?? self.pools.oldestWait(pool.id) ?? now
            guard HandOver.isClearlyOlder(theirs, than: known, now: now) else { continue }
            found = worker
            oldest = theirs
        }
        // What is under way already is not known to be too little.
        guard found >= 0, pool.board.inbound(found) == 0, pool.board.missing(found) > 0,
            pool.board.mayMove(now: now), self.pools.depart(server.id, now: now)
        else { return false }
        self.depart(server, to: found)
        return true
    }

    /// A server sets out for another worker, when what has come with its last bytes has been read.
    func depart(_ server: ServerConnection, to worker: Int) {
        server.phase = .leaving
        server.destination = worker
        server.pool.board.countInbound(1, to: worker)
        self.departures.append(server.id)
    }

    func beginDepartures() {
        while let id = self.departures.popLast() {
            guard let server = self.servers[id.index, id.generation], server.phase == .leaving
            else { continue }
            self.loop.release(server.socket)
        }
    }

    /// Whether nothing of the server's is here but what can be taken along.
    func canLeave(_ server: ServerConnection) -> Bool {
        server.session.nextRecovery() == .ready && server.session.isAtRest && server.own == .none
            && !self.pools.isCloseNeeded(server.id) && !self.isFinished
    }

    /// A server that was about to leave has said something.
    func departureDisturbed(_ server: ServerConnection, completion index: Int) {
        self.repliesReceived(server, completion: index)
        if server.phase == .leaving { self.loop.release(server.socket) }
    }

    /// A server's socket belongs to no loop now.
    func serverReleased(_ server: ServerConnection, descriptor: Int32) {
        guard server.phase == .leaving, self.canLeave(server) else {
            return self.stay(server, descriptor)
        }
        let transfer = ServerTransfer(
            descriptor: descriptor,
            pool: server.pool.id,
            host: self.pools.host(of: server.id),
            seat: server.seat,
            number: server.number,
            connectTime: server.connectTime,
            requestTime: server.requestTime,
            connectedAt: self.pools.departed(server.id),
            address: server.address,
            session: server.session,
            reader: server.reader,
            stash: unsafe Array(server.stash.bytes),
            parameters: self.parameters.values(of: server.parameters),
            wishes: self.wishes.settings(of: server.wishes),
            statements: server.exchange.luggage(self.statements),
            processID: server.processID,
            secret: server.secret,
            epoch: server.epoch,
            needsCheck: server.needsCheck
        )
        self.parameters.release(server.parameters)
        self.wishes.release(server.wishes)
        server.exchange.closed(&self.statements)
        self.servers.remove(server.id.index)
        self.touch(server.pool)
        self.moves.departed += 1
        self.post(.server(transfer), to: server.destination)
    }

    /// A server does not leave after all, or has been closed meanwhile.
    private func stay(_ server: ServerConnection, _ descriptor: Int32) {
        server.socket = self.adopt(descriptor, Role.server.token(server.id.index))
        guard server.phase == .leaving else {
            if server.socket == .none { return self.serverClosed(server) }
            // It has its Terminate, and its slot until PostgreSQL has closed.
            self.loop.closeWrite(server.socket)
            return self.loop.receive(server.socket)
        }
        self.departureEnded(server)
        server.phase = .ready
        if server.socket == .none { return self.closeServer(server, .serverCrashed) }
        self.checkIn(server, mayYield: false)
        self.resumeReplies(server)
    }

    /// A server that was promised to another worker does not come.
    func departureEnded(_ server: ServerConnection) {
        server.pool.board.countInbound(-1, to: server.destination)
        self.post(.unmet(server.pool.id), to: server.destination)
    }

    /// A server has come from another worker.
    func arrived(_ transfer: ServerTransfer) {
        guard let pool = self.pool(transfer.pool) else {
            preconditionFailure("a server of pool \(transfer.pool.index), which nobody asked for")
        }
        let server = self.servers.insert { index, generation in
            ServerConnection(
                id: ServerID(index: index, generation: generation),
                number: transfer.number,
                pool: pool,
                connectTime: transfer.connectTime
            )
        }
        server.address = transfer.address
        server.session = transfer.session
        server.reader = transfer.reader
        unsafe transfer.stash.withUnsafeBytes { unsafe server.stash.append($0) }
        server.parameters = self.parameters.hold(transfer.parameters)
        server.wishes = self.wishes.hold(transfer.wishes)
        server.exchange.limit = self.settings.global.maxPreparedStatements
        server.exchange.unpack(transfer.statements, &self.statements)
        server.processID = transfer.processID
        server.secret = transfer.secret
        server.requestTime = transfer.requestTime
        server.seat = transfer.seat
        server.isInFleet = transfer.seat != nil
        server.epoch = transfer.epoch
        server.phase = .ready
        self.pools.arrived(
            server.id,
            in: pool.id,
            host: transfer.host,
            connectedAt: transfer.connectedAt,
            needsCheck: transfer.needsCheck
        )
        self.claim(server)
        server.socket = self.adopt(transfer.descriptor, Role.server.token(server.id.index))
        self.moves.arrived += 1
        if transfer.epoch < pool.database.epoch { self.pools.setCloseNeeded(server.id) }
        if server.socket == .none {
            self.closeServer(server, .serverCrashed)
        } else if self.isFinished {
            self.closeServer(server, .serverShutdown)
        } else if transfer.needsCheck {
            self.startCheck(server)
        } else {
            self.checkIn(server, mayYield: false)
        }
        self.resumeReplies(server)
        // Not before it is known what is wanted now, or one too many would be sent.
        let isNew = self.publish(pool)
        pool.board.countInbound(-1, to: self.index)
        // As in `meet`, which will find it published already.
        if isNew { self.openServers(in: pool) }
        self.touch(pool)
    }

    /// Takes a descriptor into this loop; `.none` when it cannot be had, and then it is closed.
    func adopt(_ descriptor: Int32, _ context: UInt64) -> SocketID {
        let socket = self.loop.adopt(descriptor: descriptor, context: context)
        if socket == .none { Glibc.close(descriptor) }
        return socket
    }

    // MARK: Clients

    /// A client has been accepted by the first worker, for another one.
    func dealOut(_ socket: SocketID, to worker: Int) {
        self.loop.setContext(Role.newcomer.token(UInt32(worker)), of: socket)
        self.loop.release(socket)
    }

    func newcomerEvent(_ completion: Completion) {
        switch completion.kind {
        case .released:
            let worker = Int(UInt32(truncatingIfNeeded: completion.context))
            self.post(.accepted(Int32(completion.count)), to: worker)
        case .endOfFile, .failed:
            self.loop.close(completion.socket, flushing: false)
            self.process.left(Int(UInt32(truncatingIfNeeded: completion.context)))
        default:
            break
        }
    }
}
