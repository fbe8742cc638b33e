import Pooling
import Reactor
import Telemetry
import Wire

/// What is booked of a client's request when it goes out to its server.
extension Worker {
    /// Does what must be done before a request is sent, maybe behind what is to be sent before it;
    /// returns where the bytes that are not sent yet begin.
    func book(
        _ request: ReplyLedger.Request,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ chunk: Chunk,
        _ run: Range<Int>,
        _ frame: Frame
    ) -> Int {
        let span = unsafe Span<UInt8>(_unsafeBytes: chunk.bytes)
        let named = request == .parse && Self.namesStatement(span, frame)
        if client.session.mode != .session, Self.isInspected(request) {
            if let refusal = self.inspect(request, client, server, span, frame) {
                self.forward(chunk, run, to: server.socket)
                return self.refuse(refusal, request, client, server, span, frame)
            }
            // What it is to is not known.
            if request == .bind { client.watch.bound() }
        }
        let start = self.closeForeignUnnamed(request, named, client, server, chunk, run)
        if named {
            server.session.namedParseSent()
        } else if request == .parse {
            // All its unnamed statements are one here, as it does not take them to other servers.
            if client.statements.unnamed.name == .none {
                client.statements.renamedUnnamed(self.nextUnnamed())
            }
            server.session.parseSent(client.statements.unnamed.name)
        }
        self.noteRequest(client, server, request, span, frame)
        if server.record.isActive {
            server.record.sent(
                request,
                span,
                frame,
                isShared: false,
                isFirst: false,
                change: server.session.ledger.changesSent
            )
        }
        server.session.sent(request)
        return start
    }

    /// Whether a request may run something that stays behind on its server.
    @inline(__always)
    private static func isInspected(_ request: ReplyLedger.Request) -> Bool {
        switch request {
        case .query, .functionCall, .parse, .bind: true
        default: false
        }
    }

    /// Sees to it that a client's request does not meet the unnamed statement of another one;
    /// returns where the bytes that are not sent yet begin.
    @inline(__always)
    func closeForeignUnnamed(
        _ request: ReplyLedger.Request,
        _ named: Bool,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ chunk: Chunk,
        _ run: Range<Int>
    ) -> Int {
        // Names first: the call copies the session, and foreign statements are rare.
        let present = server.session.unnamed
        let own = client.statements.unnamed.name
        guard present != .none, present != own,
            server.session.mustCloseUnnamed(before: request, named: named, own: own)
        else { return run.lowerBound }
        // PostgreSQL shall say what it says of a statement that does not exist.
        self.forward(chunk, run, to: server.socket)
        self.closeForeignUnnamed(server)
        return run.upperBound
    }

    /// Books a request that is about to be sent.
    ///
    /// - Parameter text: of the shared statement that a Bind is to; empty for all else.
    @inline(__always)
    func noteRequest(
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ request: ReplyLedger.Request,
        _ span: Span<UInt8>,
        _ frame: Frame,
        text: Int = -1
    ) {
        // The end of a COPY that has failed is ignored by PostgreSQL, and never answered.
        if request == .copyEnd, server.session.ledger.isSettled { return }
        let now = self.loop.now
        if server.queryStart == 0 {
            server.queryStart = now
            server.idleInTransactionSince = 0
            client.pool?.counters.queryCount += 1
            if server.transactionStart == 0 { server.transactionStart = now }
            if client.requestedAt == 0 { client.requestedAt = now }
        }
        if request == .parse {
            client.pool?.counters.clientParseCount += 1
            client.pool?.counters.serverParseCount += 1
        } else if request == .bind {
            client.pool?.counters.bindCount += 1
        }
        guard client.policy.slowThreshold != nil else { return }
        server.statements.sent(
            request,
            span,
            in: frame.bodyOffset..<frame.end,
            length: frame.length,
            requestedAt: client.requestedAt,
            now: now
        )
        if text >= 0 { server.statements.boundTo(self.statements.body(of: text)) }
    }
}
