import Logging
import Pooling
import Reactor
import Settings
import Wire

/// What clients leave behind on servers that they share: suspected by the text, then asked.
extension Worker {
    /// The most of a row that tells what a session holds.
    static let answerMax = 65_536

    // MARK: Suspecting

    /// Looks at what a client is about to send for something that would stay behind. A Parse leaves
    /// nothing, but what it prepares can be run by SQL.
    ///
    /// - Returns: why it must not run; nil when it may.
    func inspect(
        _ request: ReplyLedger.Request,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame
    ) -> ErrorFields? {
        switch request {
        case .query:
            let end = frame.isComplete ? max(frame.bodyOffset, frame.end - 1) : frame.end
            let range = frame.bodyOffset..<end
            self.noteTransaction(client, span, range)
            if frame.isComplete, TextMarks.isHarmless(span, in: range) { return nil }
            return self.raise(
                self.suspicion(client, span, range, isWhole: frame.isComplete),
                client,
                server
            )
        case .parse:
            self.inspectParse(client, span, frame)
        case .sync:
            // It ends a transaction that nobody has begun.
            if client.watch.isParsingUnsettled, server.session.status == .idle {
                self.parseAnew(client)
            }
        case .functionCall:
            let isSeen = frame.available >= Frame.headerLength + 4
            let function = isSeen ? span.bigEndianUInt32(at: frame.bodyOffset) : nil
            return self.raise(Suspicion(calling: function), client, server)
        default:
            break
        }
        return nil
    }

    /// Looks at what a client prepares, whoever answers it.
    func inspectParse(_ client: ClientConnection, _ span: Span<UInt8>, _ frame: Frame) {
        guard let name = span.terminator(in: frame.bodyOffset..<frame.end) else { return }
        let end = span.terminator(in: name + 1..<frame.end)
        let range = name + 1..<(end ?? frame.end)
        if end != nil, TextMarks.isHarmless(span, in: range) { return }
        client.watch.parsed(self.suspicion(client, span, range, isWhole: end != nil))
    }

    /// Looks at the statement that a Bind is to, as `inspect` does.
    ///
    /// - Parameter statement: its place among the shared statements; negative for the unnamed one.
    func inspectBound(
        _ statement: Int,
        _ client: ClientConnection,
        _ server: ServerConnection
    ) -> ErrorFields? {
        guard client.session.mode != .session else { return nil }
        let body: [UInt8]?
        if statement >= 0 {
            if client.watch.isParsingUnsettled {
                let body = self.statements.body(of: statement)
                self.noteTransaction(client, body.span, 0..<(body.firstIndex(of: 0) ?? 0))
            }
            guard self.statements.isSuspicious(statement) else { return nil }
            body = self.statements.body(of: statement)
        } else {
            if client.statements.unnamed.isPending(in: server.session.ledger) {
                // A Parse that is skipped leaves the one before it, and that is run then.
                for body in client.statements.unnamed.suspiciousBodies {
                    client.watch.ran(self.suspicion(client, body))
                    self.parseAnew(client)
                }
            }
            body = client.statements.unnamed.body
            if client.watch.isParsingUnsettled, let body {
                self.noteTransaction(client, body.span, 0..<(body.firstIndex(of: 0) ?? 0))
            }
            guard client.statements.unnamed.isSuspicious else { return nil }
        }
        return self.raise(self.suspicion(client, body), client, server)
    }

    /// A text is about to run, which may end a transaction or go back in it: then what has been set
    /// in there, and is not known yet, is another thing from here on.
    private func noteTransaction(
        _ client: ClientConnection,
        _ span: Span<UInt8>,
        _ range: Range<Int>
    ) {
        guard client.watch.isParsingUnsettled else { return }
        let seen = range.prefix(StatementScan.lengthMax)
        if StatementScan.endsTransaction(span.copy(seen.startIndex..<seen.endIndex)) {
            self.parseAnew(client)
        }
    }

    /// The closer look at what followed the name in a Parse; nil where that is not known.
    private func suspicion(_ client: ClientConnection, _ body: [UInt8]?) -> Suspicion {
        guard let body, let end = body.firstIndex(of: 0) else { return .everything }
        return self.suspicion(client, body.span, 0..<end, isWhole: true)
    }

    /// Something suspicious is about to run.
    private func raise(
        _ suspicion: Suspicion,
        _ client: ClientConnection,
        _ server: ServerConnection
    ) -> ErrorFields? {
        // What the server throws away needs no refusal, and could not be answered with one.
        let ledger = server.session.ledger
        if !ledger.isSkipping, !ledger.isCopyingIn,
            let refusal = self.refusal(of: suspicion, client)
        {
            return refusal
        }
        client.watch.ran(suspicion)
        self.parseAnew(client)
        return nil
    }

    /// What the client prepares from here on is like nothing that was before, until it is known
    /// what it has set.
    private func parseAnew(_ client: ClientConnection) {
        client.isParsingStale = true
        client.parsingNumber = self.nextUnnamed().number
    }

    /// The closer look at a text.
    private func suspicion(
        _ client: ClientConnection,
        _ span: Span<UInt8>,
        _ range: Range<Int>,
        isWhole: Bool
    ) -> Suspicion {
        let seen = range.prefix(StatementScan.lengthMax)
        var suspicion = StatementScan.suspicion(
            of: span.copy(seen.startIndex..<seen.endIndex),
            isWhole: isWhole && seen.count == range.count
        )
        // The server tells of these by itself.
        let parameters = client.parameters
        suspicion.sets.removeAll { self.parameters.reports($0, parameters) }
        suspicion.resets.removeAll {
            self.parameters.reports($0, parameters) && !self.isOfLogin($0, client)
        }
        if client.policy.sessionState == .ignore { suspicion.forgetKinds() }
        return suspicion
    }

    // MARK: Asking

    /// A client's transaction is over in which something was suspected, or it is tied to its
    /// server.
    func transactionEnded(_ client: ClientConnection, _ server: ServerConnection) {
        let names = self.wishes.settings(of: client.wishes).map(\.name)
        client.isParsingStale = true
        guard let question = client.watch.transactionEnded(settings: names) else {
            return self.stateKnown(client, server)
        }
        // COPY data that come late are no part of any answer, and must be whole before a question.
        self.finishMessage(server, of: client)
        client.isDiscarding = client.reader.remaining > 0
        if server.isMidMessage {
            // It is closed, with all that was on it.
            client.watch.unpinned()
            self.endPin(client)
            return self.release(client, server)
        }
        client.session.questioned()
        server.question = question
        server.deadline = self.loop.now + Self.recoveryTimeout
        self.askPending(server)
    }

    /// Asks what is to be asked, as soon as no cancel request can meet the question.
    func askPending(_ server: ServerConnection) {
        guard server.question != nil || server.restoration != nil, server.own == .none,
            server.phase == .ready, server.session.cancelsUnderWay == 0
        else { return }
        if server.session.isBroken { return self.closeServer(server, .serverInDoubt) }
        if let restoration = server.restoration {
            server.restoration = nil
            return self.ask(server, restoration, for: .restoration)
        }
        guard let question = server.question else { return }
        server.answer = SessionAnswer()
        self.ask(server, question.text, for: .question)
    }

    /// A row of the answer.
    func answerReceived(_ server: ServerConnection, _ span: Span<UInt8>, _ frame: Frame) {
        if frame.isComplete {
            server.answer.received(span, in: frame.bodyOffset..<frame.end)
        } else {
            server.answer.broke()
        }
    }

    /// The answer is there.
    func questionAnswered(_ server: ServerConnection, _ error: ErrorFields?) {
        guard let question = server.question else { return }
        var answer = server.answer
        server.question = nil
        server.answer = SessionAnswer()
        // Without a client it is cleaned whatever the answer is (`leaveState`).
        guard let client = server.client else { return }
        server.deadline = .max
        client.isParsingStale = true
        if let error {
            self.logger.warning("\(server.prefix)session state not known: \(error.message)")
            answer.broke()
        }
        let settings = client.watch.answered(
            question,
            answer,
            settings: self.wishes.settings(of: client.wishes),
            loginUser: server.pool.user.name,
            isFollowed: { self.parameters.reports($0, server.parameters) }
        )
        if let settings { self.settingsKnown(settings, client, server) }
        self.stateKnown(client, server)
        if client.server == nil {
            if client.isCancelPending { self.refuseCanceled(client) }
        } else if !self.catchesUp(client, server) {
            client.session.linked()
            self.readyClients.append(client.id)
        }
    }

    private func settingsKnown(
        _ settings: [SettingValue],
        _ client: ClientConnection,
        _ server: ServerConnection
    ) {
        let present = self.wishes.hold(settings)
        self.setWishes(of: server, to: present)
        // RESET gives a client what it has asked for when it connected.
        let missing = client.startupSettings.filter { startup in
            !settings.contains { $0.name == startup.name }
        }
        if missing.isEmpty {
            self.setWishes(of: client, to: present)
        } else {
            let wanted = self.wishes.hold(missing + settings)
            self.setWishes(of: client, to: wanted)
            self.wishes.release(wanted)
        }
        self.wishes.release(present)
        client.hasProvenWishes = true
    }

    // MARK: Leaving

    /// A client goes from a server without giving it back: what it has left there and nobody has
    /// asked for is thrown away.
    func leaveState(of client: ClientConnection, on server: ServerConnection) {
        server.settingTags = []
        server.restoration = nil
        guard client.watch.isRaised || server.question != nil else { return }
        self.throwAway(client.watch.held, of: server)
        if server.own == .none { server.question = nil }
        self.endPin(client)
    }

    /// Has a server made as good as new, or closed where that cannot be.
    func throwAway(_ held: SessionKinds, of server: ServerConnection) {
        // What a library has done to its process is not known.
        if held.contains(.libraries) { server.session.recoveryFailed() }
        self.needDiscard(server)
    }
}
