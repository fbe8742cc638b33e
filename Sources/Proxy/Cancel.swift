import Glibc
import Logging
import Pooling
import Reactor
import Settings
import Wire

/// A connection that carries one cancel request to a server.
final class CancelConnection {
    let index: UInt32
    let socket: SocketID
    /// Whose query is meant.
    let server: ServerID
    let pool: PoolEntry
    let request: [UInt8]
    /// Who asked; their connections are closed when PostgreSQL has closed ours, so that they can
    /// tell when the signal is out. Empty where Weir itself did.
    var requesters: [CancelRequester]
    let deadline: Instant
    var isSent = false

    init(
        index: UInt32,
        socket: SocketID,
        server: ServerConnection,
        request: [UInt8],
        requesters: [CancelRequester],
        deadline: Instant
    ) {
        self.index = index
        self.socket = socket
        self.server = server.id
        self.pool = server.pool
        self.request = request
        self.requesters = requesters
        self.deadline = deadline
    }
}

/// Cancel requests reach the query that they mean, and no other.
extension Worker {
    /// Cancel requests that may be under way at once; more are dropped, as PostgreSQL may drop
    /// them.
    public static let cancelsMax = 128

    /// Cancel requests that may be under way to one server at once. Those that come before one has
    /// been sent share it; a later one may be meant for a later query and goes by itself.
    public static let cancelsPerServerMax = 4

    /// A client has come with a key, which says which worker has the client that is meant.
    func cancelReceived(_ key: CancelKey, from client: ClientConnection) {
        client.login?.isCanceling = true
        let requester = CancelRequester(worker: self.index, client: client.id)
        if CancelKeys.unwrapped(key) == nil, let origin = self.origin,
            CancelKeys.origin(of: key) != origin
        {
            return self.forwardCancel(key, for: requester)
        }
        let worker = CancelKeys.worker(of: key)
        if worker == self.index || worker >= self.mailboxes.count {
            self.cancel(key, for: requester)
        } else {
            self.post(.cancel(key, requester), to: worker)
        }
    }

    /// Cancels what the owner of a key is doing.
    func cancel(_ key: CancelKey, for requester: CancelRequester) {
        // Nobody forwards anything to a process that is alone.
        let forwarded = self.origin == nil ? nil : CancelKeys.unwrapped(key)
        guard let id = self.keys.owner(of: forwarded ?? key),
            let client = self.clients[id.index, id.generation]
        else {
            // Another process may have the same number as this one.
            if forwarded == nil, self.origin != nil {
                return self.forwardCancel(key, for: requester)
            }
            return self.cancelIsOver(requester)
        }
        if client.phase == .console {
            self.cancelControl(client)
            return self.cancelIsOver(requester)
        }
        switch client.session.state {
        case .idle:
            break
        case .waiting, .linking:
            self.cancelUnsent(client)
        case .linked:
            // Between two of its queries, or while a query of Weir's own is answered, there is
            // nothing of the client's to cancel. A message that Weir has put before the client's
            // in one batch is no such query.
            if let server = client.server, server.own == .none, !server.session.ledger.isSettled,
                self.startCancel(server, for: requester)
            {
                return
            }
        }
        self.cancelIsOver(requester)
    }

    /// Cancels a query that no server has seen yet.
    private func cancelUnsent(_ client: ClientConnection) {
        guard client.session.state == .waiting, let pool = client.pool else {
            // As soon as Weir has done with the server. Where nothing waits behind that, what the
            // client has asked for is over, and there is nothing to cancel.
            client.isCancelPending = client.isCancelPending || self.hasWaitingRequests(client)
            return
        }
        self.touch(pool)
        if self.pools.leave(pool.id, client: client.id, ticket: client.ticket) {
            self.refuseCanceled(client)
        } else {
            // It has been promised a server in this turn.
            client.isCancelPending = true
        }
    }

    /// A query that had to wait for Weir, and was canceled meanwhile, has been sent, if its client
    /// has kept its server.
    func cancelWaiting(_ client: ClientConnection) {
        guard client.session.state == .linked, let server = client.server else { return }
        client.isCancelPending = false
        guard server.own == .none, !server.session.ledger.isSettled else { return }
        self.startCancel(server, for: nil)
    }

    /// A query that was canceled before it was sent gets its answer.
    func refuseCanceled(_ client: ClientConnection) {
        let fields = ErrorFields(
            .error,
            .queryCanceled,
            "canceling statement due to user request",
            detail: "It was waiting for a server connection."
        )
        self.refuse(client, fields)
    }

    /// The client that has brought a cancel request hears that it is over.
    func cancelIsOver(_ requester: CancelRequester) {
        guard requester.worker == self.index else {
            return self.post(.cancelEnded(requester.client), to: requester.worker)
        }
        let id = requester.client
        guard let client = self.clients[id.index, id.generation] else { return }
        self.closeClient(client, .cancelDelivered)
    }

    /// Sends a cancel request for what a server is doing to the very address where that server is;
    /// false where it cannot be sent.
    @discardableResult
    func startCancel(_ server: ServerConnection, for requester: CancelRequester?) -> Bool {
        let requesters = requester.map { [$0] } ?? []
        // Whatever has been asked of the server by now, a signal that is not out yet comes later.
        if server.session.cancelsUnderWay > 0,
            let unsent = self.cancels.all.first(where: { $0.server == server.id && !$0.isSent })
        {
            unsent.requesters += requesters
            return true
        }
        guard server.processID != 0, server.session.cancelsUnderWay < Self.cancelsPerServerMax,
            self.cancels.count < Self.cancelsMax
        else {
            self.logger.debug("\(server.prefix)cancel request dropped")
            return false
        }
        server.session.cancelStarted()
        self.writer.removeAll()
        self.writer.cancelRequest(processID: server.processID, secret: server.secret)
        let request = self.writer.bytes
        let limit = self.settings.global.cancelWaitTimeout.nanoseconds
        let cancel = self.cancels.insert { index, _ in
            CancelConnection(
                index: index,
                socket: self.loop.connect(
                    to: server.address,
                    options: self.socketOptions,
                    context: Role.cancel.token(index)
                ),
                server: server,
                request: request,
                requesters: requesters,
                deadline: limit == 0 ? .max : self.loop.now + limit
            )
        }
        self.logger.debug("\(server.prefix)cancel request (\(cancel.index)) started")
        return true
    }

    func cancelEvent(_ cancel: CancelConnection, _ completion: Completion) {
        switch completion.kind {
        case .connected:
            self.send(cancel.request, to: cancel.socket)
            cancel.isSent = true
            self.loop.receive(cancel.socket)
        case .received:
            self.loop.receive(cancel.socket)
        case .endOfFile:
            // PostgreSQL sends the signal before it closes, so no later query can be met.
            self.endCancel(cancel, isCertain: true)
        case .failed:
            // A reset is an end, too; a connection that broke on the way may have a request in it
            // that is read later.
            let isCertain = !cancel.isSent || completion.error == ECONNRESET
            self.endCancel(cancel, isCertain: isCertain)
        case .accepted, .drained, .closed, .released, .woken:
            break
        }
    }

    /// A cancel request is over; where it may still arrive, its server is no good any more.
    func endCancel(_ cancel: CancelConnection, isCertain: Bool) {
        self.loop.close(cancel.socket, flushing: false, isReported: false)
        self.cancels.remove(cancel.index)
        for requester in cancel.requesters { self.cancelIsOver(requester) }
        guard let server = self.servers[cancel.server.index, cancel.server.generation] else {
            return
        }
        if isCertain { server.session.cancelEnded() } else { server.session.cancelLost() }
        self.askPending(server)
        self.recover(server)
    }

    /// Gives up cancel requests that take too long.
    func expireCancels(now: Instant) {
        for cancel in self.cancels.all where cancel.deadline <= now {
            self.endCancel(cancel, isCertain: !cancel.isSent)
        }
        self.expireForwards(now: now)
    }
}
