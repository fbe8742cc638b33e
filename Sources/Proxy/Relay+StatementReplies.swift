import Logging
import Pooling
import Reactor
import Telemetry
import Wire

/// What replies say of prepared statements, and what becomes of those when links end.
extension Worker {
    // MARK: Replies

    /// Judges an ErrorResponse, and takes back what it says has not happened.
    func errorReceived(
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame
    ) -> ReplyLedger.Verdict {
        let ledger = server.session.ledger
        let before = ledger.changesEnded
        let current = ledger.current
        let audience = ledger.currentAudience
        // Names that the failed batch has given and taken are known by now alone.
        let rewritten =
            self.withoutCopy(server, audience, span, frame)
            ?? self.withOwnName(server, span, frame)
        let verdict = server.session.received(.error)
        let bindsSkipped = ledger.bindsOwed - server.session.ledger.bindsOwed
        let isChange = current == .parse || current == .close || current == .describeStatement
        self.withStatements(of: server) { client, exchange, table in
            exchange.failed(after: before, isChange: isChange, &server.session, &client, &table)
        }
        let skipped = min(server.session.takeSkippedRefusals(), server.refusals.count)
        if skipped > 0 {
            let start = verdict == .replaceError ? 1 : 0
            let end = min(start + skipped, server.refusals.count)
            server.refusals.removeSubrange(start..<end)
        }
        guard verdict == .forwardError, server.client?.sharesStatements == true else {
            self.withStatements(of: server) { client, exchange, _ in
                exchange.errorEnded(bindsSkipped: bindsSkipped, &client)
            }
            return verdict
        }
        if audience == .client, current == .bind || current == .describeStatement {
            let state = ErrorFields(parsing: span, in: frame.bodyOffset..<frame.end).sqlState
            if self.mayHeal(state, server), server.record.canRepeat,
                server.client?.session.state == .linked
            {
                self.heal(server, after: before, isDescribe: current == .describeStatement)
                return .swallowError
            }
        }
        self.withStatements(of: server) { client, exchange, _ in
            exchange.errorEnded(bindsSkipped: bindsSkipped, &client)
        }
        guard let rewritten else { return verdict }
        server.rewrittenError = rewritten
        return .replaceError
    }

    /// Whether a Bind or a Describe may do better with a copy that is parsed anew. Who tries again
    /// shall not meet the same copies.
    private func mayHeal(_ state: SQLState, _ server: ServerConnection) -> Bool {
        switch state {
        case .invalidStatementName where !server.record.canRepeat:
            return false
        case .featureNotSupported, .invalidStatementName:
            server.exchange.becameUnsure()
            return true
        case _ where state.mayBeOfTypes:
            guard let client = server.client else { return false }
            return server.exchange.doubtsGuesses(&client.statements, &self.statements)
        default:
            return false
        }
    }

    /// What a client is told that is to hear of its parameters and then that the result is another
    /// one, by a server that has lost the statement meanwhile; nil for all else.
    private func withoutCopy(
        _ server: ServerConnection,
        _ audience: ReplyLedger.Audience?,
        _ span: Span<UInt8>,
        _ frame: Frame
    ) -> [UInt8]? {
        guard audience == .parameters, server.session.status != .failed, frame.isComplete else {
            return nil
        }
        let body = frame.bodyOffset..<frame.end
        guard ErrorFields(parsing: span, in: body).sqlState == .invalidStatementName,
            let (_, statement) = self.statements.mentioned(in: span.copy(body))
        else { return nil }
        server.exchange.becameUnsure()
        self.writer.removeAll()
        self.writer.parameterDescription(body: self.statements.parameters(of: statement))
        self.writer.error(StatementExchange.changed)
        return self.writer.bytes
    }

    /// An error that speaks of a shared statement, by its client's name for it; nil for all others.
    private func withOwnName(
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame
    ) -> [UInt8]? {
        guard frame.isComplete, let client = server.client, client.sharesStatements,
            client.statements.count > 0 || server.exchange.hasBoundUnnamed
        else { return nil }
        let body = span.copy(frame.bodyOffset..<frame.end)
        guard let (range, statement) = self.statements.mentioned(in: body),
            let name = server.exchange.name(of: statement, client.statements)
        else { return nil }
        self.writer.removeAll()
        self.writer.error(body: body[..<range.lowerBound] + name + body[range.upperBound...])
        return self.writer.bytes
    }

    /// What Weir has asked of a server by itself has failed.
    func ownRequestFailed(_ server: ServerConnection, _ span: Span<UInt8>, _ frame: Frame) {
        let fields = ErrorFields(parsing: span, in: frame.bodyOffset..<frame.end)
        server.ownError = fields
        server.exchange.askedInVain(fields)
    }

    /// An answer about a statement has come.
    func statementAnswered(
        _ server: ServerConnection,
        _ kind: BackendKind,
        _ span: Span<UInt8>,
        _ frame: Frame
    ) {
        let range = frame.bodyOffset..<frame.end
        self.withStatements(of: server) { client, exchange, table in
            exchange.received(kind, span, in: range, &server.session, &client, &table)
        }
    }

    /// Gives the answers of Weir's own that have their turn.
    func answerMadeUp(_ server: ServerConnection) {
        self.writer.removeAll()
        while let request = server.session.takeMadeUp() {
            if request == .parse {
                self.writer.parseComplete()
            } else {
                self.writer.closeComplete()
            }
        }
        let ended = server.session.ledger.changesEnded
        self.withStatements(of: server) { client, exchange, table in
            exchange.settle(upTo: ended, &client, &table)
        }
        guard let client = server.client, client.session.state == .linked else { return }
        self.send(self.writer.bytes, to: client.socket)
    }

    private func withStatements(
        of server: ServerConnection,
        _ body: (inout ClientStatements, inout StatementExchange, inout StatementTable) -> Void
    ) {
        if let client = server.client {
            body(&client.statements, &server.exchange, &self.statements)
        } else {
            var nobody = ClientStatements()
            body(&nobody, &server.exchange, &self.statements)
        }
    }

    /// A message that is held may have become possible.
    func offerHeld(_ server: ServerConnection) {
        server.exchange.isHolding = false
        if let client = server.client { self.readyClients.append(client.id) }
    }

    /// A command has been completed, maybe one that ends statements.
    func commandCompleted(_ server: ServerConnection, _ span: Span<UInt8>, _ range: Range<Int>) {
        if server.client?.policy.slowThreshold != nil {
            server.statements.completed(span, in: range)
        }
        if range.count <= 6 {
            // SET or RESET.
            if range.count == 4 { return self.settingCompleted(server, .set) }
            let isReset = range.count == 6 && span[range.lowerBound] == UInt8(ascii: "R")
            return isReset ? self.settingCompleted(server, .reset) : ()
        }
        // DEALLOCATE, DEALLOCATE ALL, DISCARD ALL.
        guard range.count >= 11, span[range.lowerBound] == UInt8(ascii: "D") else { return }
        let letter = span[range.lowerBound + 2]
        guard letter == UInt8(ascii: "A") || letter == UInt8(ascii: "S") else { return }
        switch span.text(in: range.lowerBound..<range.upperBound - 1) {
        case let tag? where tag == "DEALLOCATE ALL" || tag == "DISCARD ALL":
            if tag == "DISCARD ALL" {
                server.client?.watch.discarded()
                self.settingCompleted(server, .reset)
            }
            guard server.client?.sharesStatements ?? true else {
                return server.exchange.becameUnsure()
            }
            self.withStatements(of: server) { client, exchange, table in
                exchange.deallocated(&server.session, &client, &table)
            }
        case "DEALLOCATE":
            self.withStatements(of: server) { client, exchange, table in
                exchange.deallocatedOne(&server.session, &client, &table)
            }
        default:
            break
        }
    }

    // MARK: Healing

    /// Keeps an error from the client: what the server has prepared is of no use any more, so it is
    /// prepared again and the batch sent once more.
    ///
    /// - Parameter ended: the ledger's changes up to this one had been answered before.
    private func heal(_ server: ServerConnection, after ended: Int, isDescribe: Bool) {
        guard let client = server.client else { return }
        self.logger.debug("\(server.prefix)prepared statements are prepared again")
        let bytes = server.record.repeated(after: ended)
        server.exchange.batchResumes(isDescribe: isDescribe, &client.statements)
        server.own = .healing
        client.session.linkPaused()
        unsafe bytes.withUnsafeBytes { unsafe client.stash.prepend($0) }
        guard !server.session.swallowEnd() else { return }
        self.writer.removeAll()
        self.writer.sync()
        self.send(self.writer.bytes, to: server.socket)
        server.session.sent(.sync, for: .pooler)
    }

    /// The failed batch has ended, and its client goes on.
    func healed(_ server: ServerConnection) {
        guard let client = server.client else { return }
        client.session.linked()
        self.readyClients.append(client.id)
    }

    // MARK: Links

    /// A client gives its server back.
    func statementsReleased(_ server: ServerConnection, _ client: ClientConnection) {
        let name = self.nextUnnamed()
        server.exchange.released(&server.session, &client.statements, &self.statements, name: name)
    }

    /// Weir has cleaned a server.
    func statementsCleaned(_ server: ServerConnection, _ step: ServerSession.Recovery) {
        switch step {
        case .deallocate:
            self.withStatements(of: server) { client, exchange, table in
                exchange.deallocated(&server.session, &client, &table)
            }
        case .reset: server.exchange.becameUnsure()
        default: break
        }
    }
}
