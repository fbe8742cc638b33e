import Logging
import Pooling
import Reactor
import Settings
import Wire

/// Servers whose clients are gone are made usable again, or closed.
extension Worker {
    /// How long the statement of a client that has vanished may go on after it was cancelled.
    static let drainTimeout: Nanoseconds = 10_000_000_000
    /// How long a ROLLBACK or a reset may take.
    static let recoveryTimeout: Nanoseconds = 30_000_000_000
    /// The most that is made up for the rest of a COPY message whose client vanished in the middle
    /// of it.
    static let fillerMax = 65_536

    /// A client goes, and leaves its server as it is.
    func letGo(_ server: ServerConnection, of client: ClientConnection, vanished: Bool) {
        server.client = nil
        client.server = nil
        // The rest of a reply that was on its way is nobody's any more.
        server.isPassing = false
        if server.isDedicated {
            // After a clean good-bye what was sent is finished; a base backup for nobody is not.
            return self.closeServer(server, .ownerGone, isCancelled: vanished)
        }
        self.finishMessage(server, of: client)
        self.leaveState(of: client, on: server)
        server.exchange.clientGone(&client.statements, &self.statements)
        server.record.clientGone()
        server.refusals.removeAll()
        self.answerMadeUp(server)
        let isBusy = !server.session.ledger.isSettled
        self.pools.recoveryStarted(server.id, now: self.loop.now)
        server.phase = .recovering
        server.statements.clear(forgettingNames: true)
        server.queryStart = 0
        server.transactionStart = 0
        server.idleInTransactionSince = 0
        // After a clean good-bye what was sent is finished, as PostgreSQL does, however long it
        // takes.
        server.deadline = vanished ? self.loop.now + Self.drainTimeout : .max
        if vanished, isBusy { self.startCancel(server, for: nil) }
        self.recover(server)
        self.resumeReplies(server)
    }

    /// A message that was sent in part: COPY data may end in anything, since the COPY is failed
    /// next; everything else would be taken for something that its client never wrote.
    func finishMessage(_ server: ServerConnection, of client: ClientConnection) {
        let missing = client.reader.remaining
        guard missing > 0, !client.isDiscarding else { return }
        guard client.passingKind == FrontendKind.copyData.rawValue, missing <= Self.fillerMax else {
            server.isMidMessage = true
            return
        }
        self.send([UInt8](repeating: 0, count: missing), to: server.socket)
    }

    /// Takes the next step towards a server that somebody else may use.
    func recover(_ server: ServerConnection) {
        guard server.phase == .recovering, server.client == nil, server.own == .none else { return }
        while true {
            let step = server.session.nextRecovery(midMessage: server.isMidMessage)
            switch step {
            case .ready:
                if self.undo(server) { return }
                server.phase = .ready
                server.deadline = .max
                self.checkIn(server)
                return
            case .wait:
                return
            case .close:
                self.closeServer(server, .serverInDoubt)
                return
            case .failCopy(let sync):
                self.writer.removeAll()
                self.writer.copyFail("client disconnected")
                if sync { self.writer.sync() }
                self.send(self.writer.bytes, to: server.socket)
                server.session.sent(.copyEnd, for: .pooler)
                if sync { server.session.sent(.sync, for: .pooler) }
            case .sync:
                self.writer.removeAll()
                self.writer.sync()
                self.send(self.writer.bytes, to: server.socket)
                server.session.sent(.sync, for: .pooler)
            case .rollback:
                return self.clean(server, "ROLLBACK", step)
            case .deallocate:
                return self.clean(server, "DEALLOCATE ALL", step)
            case .reset:
                return self.clean(server, self.resetQuery(for: server), step)
            }
        }
    }

    private func clean(_ server: ServerConnection, _ query: String, _ step: ServerSession.Recovery)
    {
        server.deadline = self.loop.now + Self.recoveryTimeout
        self.ask(server, query, for: .recovery(step))
    }

    func recoveryFailed(
        _ server: ServerConnection,
        _ step: ServerSession.Recovery,
        _ error: ErrorFields
    ) {
        self.logger.warning("\(server.prefix)cleaning failed (\(step)): \(error.message)")
        server.session.recoveryFailed()
        self.closeServer(server, .recoveryFailed)
    }
}
