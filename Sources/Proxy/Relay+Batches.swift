import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// What follows from a server's replies beyond passing them on: parameters learned, batches ended.
extension Worker {
    /// Learns from replies whoever they are for.
    @inline(__always)
    func observe(
        _ server: ServerConnection,
        _ kind: BackendKind?,
        _ span: Span<UInt8>,
        _ frame: Frame
    ) {
        server.statements.received(frame.available)
        switch kind {
        case .commandComplete:
            self.commandCompleted(server, span, frame.bodyOffset..<frame.end)
        case .parameterStatus:
            self.parameterReported(server, span, frame.bodyOffset..<frame.end)
        case .dataRow where server.own == .question:
            self.answerReceived(server, span, frame)
        case .copyBoth:
            self.streamStarted(server)
        case .parseComplete, .closeComplete, .parameterDescription, .rowDescription, .noData:
            if server.exchange.awaitsAnswers, let kind {
                self.statementAnswered(server, kind, span, frame)
            }
        case .bindComplete:
            server.record.end()
            server.exchange.boundOne()
        default:
            break
        }
    }

    /// The server says that a parameter has a new value.
    func parameterReported(
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ range: Range<Int>
    ) {
        guard let (place, value) = self.parameterReport(span, range) else { return }
        server.parameters = self.parameters.replace(server.parameters, at: place, with: value)
        guard let client = server.client, client.session.state == .linked,
            !self.isInDoubt(place, value, server)
        else { return }
        client.parameters = self.parameters.replace(client.parameters, at: place, with: value)
    }

    /// What a ParameterStatus says of a parameter that is followed.
    func parameterReport(_ span: Span<UInt8>, _ range: Range<Int>) -> (place: Int, value: String)? {
        guard let end = span.terminator(in: range),
            let valueEnd = span.terminator(in: end + 1..<range.upperBound),
            let name = span.text(in: range.lowerBound..<end),
            let value = span.text(in: end + 1..<valueEnd),
            let place = self.parameters.place(of: name)
        else { return nil }
        return (place, value)
    }

    /// A batch of the client's has ended with ReadyForQuery.
    func batchEnded(_ server: ServerConnection) {
        let now = self.loop.now
        self.noteEnd(server, now: now)
        server.record.batchEnded()
        let status = server.session.status
        // A client whose unnamed statement is too long to be given to another server keeps this
        // one.
        let isAtRest =
            server.session.standing() != .busy
            && !self.needsItsServer(server)
        switch server.client?.session.batchEnded(status: status, isAtRest: isAtRest) {
        case .keep:
            if server.isStreaming { self.setStreaming(false, server) }
            if isAtRest, self.settings.global.serverFastClose, self.pools.isCloseNeeded(server.id) {
                self.closeServer(server, .closeNeeded)
            }
        case .release:
            if let client = unsafe server.borrowedClient {
                unsafe client._withUnsafeGuaranteedRef {
                    if $0.watch.isRaised {
                        self.transactionEnded($0, server)
                    } else {
                        self.release($0, server)
                    }
                }
            }
        case .refuseTransaction:
            preconditionFailure("a transaction refused too late")
        case nil:
            break
        }
    }

    /// Whether a server's client cannot go to another one.
    @inline(__always)
    private func needsItsServer(_ server: ServerConnection) -> Bool {
        guard let client = unsafe server.borrowedClient else { return false }
        return unsafe client._withUnsafeGuaranteedRef { $0.statements.unnamed.needsItsServer }
    }

    /// Whether the client has begun what statement pooling does not allow.
    func refusesTransaction(_ server: ServerConnection) -> Bool {
        guard server.client?.session.mode == .statement else { return false }
        let status = server.session.status
        let isAtRest = server.session.isAtRest
        return server.client?.session.batchEnded(status: status, isAtRest: isAtRest)
            == .refuseTransaction
    }

    /// Books the end of a batch.
    private func noteEnd(_ server: ServerConnection, now: Instant) {
        if let threshold = server.client?.policy.slowThreshold,
            let slow = server.statements.ended(requestedBy: now - threshold),
            let client = server.client
        {
            self.logSlow(slow, client, server, now: now)
        }
        let isSettled = server.session.ledger.isSettled
        if server.queryStart != 0 {
            // The time of a stream says nothing of queries.
            if !server.isDedicated {
                server.pool.counters.queryTime += UInt64(max(0, now - server.queryStart) / 1_000)
            }
            // What was sent behind it has its turn now.
            server.queryStart = isSettled ? 0 : now
            if !isSettled { server.pool.counters.queryCount += 1 }
        }
        if server.session.status == .idle {
            server.pool.counters.xactCount += 1
            if server.transactionStart != 0 {
                if !server.isDedicated {
                    server.pool.counters.xactTime += UInt64(
                        max(0, now - server.transactionStart) / 1_000
                    )
                }
                server.transactionStart = isSettled ? 0 : now
            }
        }
        guard isSettled else { return }
        server.client?.requestedAt = 0
        if server.session.status == .idle {
            server.client?.idleSince = now
        } else {
            server.idleInTransactionSince = now
        }
    }
}
