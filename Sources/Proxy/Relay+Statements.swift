import Logging
import Pooling
import Reactor
import Telemetry
import Wire

/// Prepared statements on the data path: `StatementExchange` decides, this file does what it says.
extension Worker {
    /// What all clients' prepared statements may take here, in bytes.
    static let statementBytesMax = 256 * 1_048_576

    /// The longest Parse that is kept. A longer one of a named statement is refused; a client whose
    /// unnamed statement is longer keeps its server.
    static let parseMax = 4 * 1_048_576

    /// The longest description of parameters or columns that is read; a longer one is passed on in
    /// part, and then nothing is known of it.
    static let descriptionMax = 1_048_576

    /// The name of the statement that Weir fails on in a client's place.
    static let refusedName = Array("weir_refused\0".utf8)
    /// What it says, where no client has said anything.
    static let refusedBody = Array("SELECT 1\0\0\0".utf8)

    /// A name for the next Parse of an unnamed statement.
    func nextUnnamed() -> UnnamedStatement {
        self.unnamedCount += 1
        return UnnamedStatement(number: UInt64(self.index) << 48 | self.unnamedCount)
    }

    /// How much of a Parse must have come: all of one that is kept.
    static func inspectedOfParse(_ frame: Frame) -> Int {
        frame.length <= Self.parseMax ? frame.length : Self.inspectedMax
    }

    // MARK: Requests

    /// Does what `book` does for a client whose statements are shared; returns where the bytes that
    /// are not sent yet begin, or a negative number when the message is held.
    func bookShared(
        _ request: ReplyLedger.Request,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ chunk: Chunk,
        _ run: Range<Int>,
        _ frame: Frame
    ) -> Int {
        let span = unsafe Span<UInt8>(_unsafeBytes: chunk.bytes)
        if request == .query, let refusal = self.inspect(request, client, server, span, frame) {
            self.forward(chunk, run, to: server.socket)
            return self.refuse(refusal, request, client, server, span, frame)
        }
        let named = request == .parse && Self.namesStatement(span, frame)
        let isFirst = server.session.rests()
        let repeated =
            request == .parse && client.policy.prepareAnonymous > 0 && !named
            ? self.repeatedStatement(client, server, span, frame, isFirst: isFirst) : -1
        let hasName = named || repeated >= 0
        let start = self.closeForeignUnnamed(request, hasName, client, server, chunk, run)
        if !hasName, self.isUnnamed(request, client, server, span, frame) {
            self.noteRequest(client, server, request, span, frame)
            if server.record.isActive { server.record.sentUnnamed(span, frame) }
            server.session.sent(request)
            return start
        }
        self.writer.removeAll()
        let body = frame.bodyOffset..<frame.end
        var statement = -1
        var isShared = false
        var rest = frame.offset
        var outcome = StatementExchange.Outcome.pass
        switch request {
        case .parse where repeated >= 0:
            outcome = self.bookRepeated(repeated, client, server, span, frame)
        case .parse:
            outcome = self.bookParse(client, server, span, frame, named)
        case .bind:
            guard let portalEnd = span.terminator(in: body),
                let end = span.terminator(in: portalEnd + 1..<body.upperBound)
            else {
                outcome = .pass
                break
            }
            self.refreshParsing(client)
            (outcome, statement) = server.exchange.bind(
                span,
                name: portalEnd + 1..<end,
                &server.session,
                &client.statements,
                &self.statements,
                &self.writer,
                canRepeat: server.record.couldRepeat(frame, isFirst: isFirst)
            )
            if server.exchange.isCommandBound, outcome != .hold {
                server.exchange.bound(to: span.copy(frame.bodyOffset..<portalEnd))
            }
            if outcome == .renamed || (outcome == .pass && end == portalEnd + 1),
                let refusal = self.inspectBound(statement, client, server)
            {
                outcome = .refuse(refusal)
            }
            if outcome == .renamed {
                rest = end + 1
                let name = self.statements.name(of: statement)
                let portal = frame.bodyOffset..<portalEnd + 1
                let length = frame.length - (end - portalEnd) + name.count
                self.writer.bindHead(length: length, portal: portal, of: span, statement: name)
            }
        case .describeStatement where Self.isAboutStatement(span, frame),
            .close where Self.isAboutStatement(span, frame):
            outcome = self.bookNamed(request, client, server, span, frame, isFirst: isFirst)
            isShared = request == .describeStatement && outcome == .replaced
        case .execute:
            let portal = span.terminator(in: body).map { span.copy(frame.bodyOffset..<$0) }
            server.exchange.executed(portal, server.session)
            outcome = .pass
        case .query:
            outcome = self.bookQuery(client, server, span, body)
        default:
            outcome = .pass
        }
        return self.carryOut(
            outcome,
            Booking(
                request: request,
                isFirst: isFirst,
                statement: statement,
                isShared: isShared || statement >= 0,
                rest: rest
            ),
            client,
            server,
            chunk,
            start..<run.upperBound,
            frame
        )
    }

    /// Whether there is something to decide about statements before a request goes out.
    @inline(__always)
    static func concernsStatements(
        _ request: ReplyLedger.Request,
        _ client: ClientConnection,
        _ server: ServerConnection
    ) -> Bool {
        switch request {
        case .parse, .bind, .describeStatement, .close: true
        case .query:
            client.statements.count > 0 || !client.statements.unnamed.isAbsent
                || server.session.hasNamedStatements
        case .execute: server.exchange.isCommandBound
        default: false
        }
    }

    /// Whether a message is about the unnamed statement and goes out as it is, as nearly all of
    /// them do; a Parse is remembered then.
    private func isUnnamed(
        _ request: ReplyLedger.Request,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame
    ) -> Bool {
        let start = frame.bodyOffset
        switch request {
        case .parse:
            guard frame.isComplete, frame.available > Frame.headerLength else { return false }
            let rest = start + 1..<frame.end
            let isRepeated = client.statements.isUnnamedRepeated(span, in: rest)
            let isSuspicious = !isRepeated && StatementTable.isSuspicious(span, in: rest)
            if isSuspicious { _ = self.inspect(request, client, server, span, frame) }
            let name = self.nextUnnamed()
            server.exchange.unnamedParsed(
                span,
                body: rest,
                isSuspicious: isSuspicious,
                isRepeated: isRepeated,
                as: name,
                &server.session,
                &client.statements,
                &self.statements
            )
            server.session.parseSent(name)
            return true
        case .bind:
            // The unnamed statement for the unnamed portal.
            guard frame.available > Frame.headerLength + 1, span[start] == 0, span[start + 1] == 0
            else { return false }
            return !client.statements.unnamed.needsLook
                && server.session.unnamed == client.statements.unnamed.name
                && server.session.unnamed != .none
                && !server.session.isUnnamedPendingBefore
                && !server.exchange.isCommandBound
        default:
            return false
        }
    }

    /// What is known of a message that is being booked.
    private struct Booking {
        var request: ReplyLedger.Request
        /// It begins a batch, outside a transaction.
        var isFirst: Bool
        /// The shared statement that it binds.
        var statement: Int
        /// It is a Bind to a shared statement, or a Describe of one.
        var isShared: Bool
        /// Where the part of it begins that leaves as it is.
        var rest: Int
    }

    private func carryOut(
        _ outcome: StatementExchange.Outcome,
        _ booking: Booking,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ chunk: Chunk,
        _ run: Range<Int>,
        _ frame: Frame
    ) -> Int {
        let span = unsafe Span<UInt8>(_unsafeBytes: chunk.bytes)
        var start = run.lowerBound
        if !self.writer.bytes.isEmpty || (outcome != .pass && outcome != .renamed) {
            self.forward(chunk, run, to: server.socket)
            start = booking.rest
            if !self.writer.bytes.isEmpty { self.send(self.writer.bytes, to: server.socket) }
        }
        switch outcome {
        case .hold:
            if server.session.isBatchOpen { server.record.sentAhead() }
            return -1
        case .refuse(let fields):
            if booking.request == .query {
                return self.refuse(fields, .query, client, server, span, frame)
            }
            // The rest of it, when that comes, would be taken for messages of their own.
            client.isDiscarding = !frame.isComplete
            // A Parse fails for what it says before it fails for its name.
            var body: [UInt8]?
            if booking.request == .parse, frame.isComplete,
                let end = span.terminator(in: frame.bodyOffset..<frame.end)
            {
                body = span.copy(end + 1..<frame.end)
            }
            // Where the batch is sent again, this is decided again, too.
            server.record.sent(
                booking.request,
                span,
                frame,
                isShared: false,
                isFirst: false,
                change: server.session.ledger.changesSent
            )
            self.sendRefusal(fields, to: server, body: body)
            return frame.end
        case .pass, .renamed:
            // Its own change is entered next.
            self.note(booking, client, server, span, frame, changesAhead: 1)
            server.session.sent(booking.request)
            return start
        case .replaced:
            self.note(booking, client, server, span, frame)
            return frame.end
        case .answered:
            self.note(booking, client, server, span, frame)
            if server.session.ledger.owesMadeUp, !server.isMidReply { self.answerMadeUp(server) }
            return frame.end
        }
    }

    private func note(
        _ booking: Booking,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame,
        changesAhead: Int = 0
    ) {
        let request = booking.request
        self.noteRequest(client, server, request, span, frame, text: booking.statement)
        server.record.sent(
            request,
            span,
            frame,
            isShared: booking.isShared,
            isFirst: booking.isFirst,
            change: server.session.ledger.changesSent + changesAhead
        )
    }

    private static func isAboutStatement(_ span: Span<UInt8>, _ frame: Frame) -> Bool {
        frame.available > Frame.headerLength && span[frame.bodyOffset] == UInt8(ascii: "S")
    }

    private func bookParse(
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame,
        _ named: Bool
    ) -> StatementExchange.Outcome {
        let body = frame.bodyOffset..<frame.end
        guard let end = span.terminator(in: body) else { return .pass }
        let rest = end + 1..<frame.end
        if named {
            self.refreshParsing(client)
            _ = self.inspect(.parse, client, server, span, frame)
            guard frame.isComplete else { return .refuse(Self.tooLong(frame)) }
            return server.exchange.parse(
                span,
                name: body.lowerBound..<end,
                body: rest,
                pool: server.pool.id,
                &server.session,
                &client.statements,
                &self.statements,
                &self.writer
            )
        }
        let name = self.nextUnnamed()
        // Too long to be looked at, or to be kept.
        _ = self.inspect(.parse, client, server, span, frame)
        server.exchange.unnamedParsed(
            span,
            body: frame.isComplete ? rest : nil,
            isSuspicious: true,
            as: name,
            &server.session,
            &client.statements,
            &self.statements
        )
        server.session.parseSent(name)
        return .pass
    }

    private func bookNamed(
        _ request: ReplyLedger.Request,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame,
        isFirst: Bool
    ) -> StatementExchange.Outcome {
        let start = frame.bodyOffset + 1
        guard frame.isComplete, start < frame.end,
            let end = span.terminator(in: start..<frame.end), end + 1 == frame.end
        else { return .pass }
        if request == .close {
            return server.exchange.close(
                span,
                name: start..<end,
                &server.session,
                &client.statements,
                &self.statements,
                &self.writer
            )
        }
        self.refreshParsing(client)
        return server.exchange.describe(
            span,
            name: start..<end,
            &server.session,
            &client.statements,
            &self.statements,
            &self.writer,
            canRepeat: server.record.couldRepeat(frame, isFirst: isFirst)
        )
    }

    private func bookQuery(
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ body: Range<Int>
    ) -> StatementExchange.Outcome {
        // A name that SQL was to find may be there still, unless SQL has given it.
        let mayFindNames =
            server.session.hasNamedStatements && !client.watch.held.contains(.statements)
        if client.statements.count > 0 || mayFindNames, StatementCommand.mayBe(span, in: body) {
            let outcome = self.bookCommand(client, server, span, body)
            if outcome != .pass { return outcome }
        }
        if !client.statements.unnamed.isAbsent {
            server.exchange.querySent(&server.session, &client.statements)
        }
        return .pass
    }

    private func bookCommand(
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ text: Range<Int>
    ) -> StatementExchange.Outcome {
        guard let command = StatementCommand(span, in: text) else { return .pass }
        return server.exchange.command(
            command,
            isQuery: true,
            &server.session,
            &client.statements,
            &self.statements,
            &self.writer
        )
    }

    /// Answers a message of a client that has no server and needs none for it.
    func answersLocally(_ client: ClientConnection, _ span: Span<UInt8>, _ frame: Frame) -> Bool {
        guard frame.isComplete else { return false }
        let body = frame.bodyOffset..<frame.end
        switch FrontendKind(rawValue: frame.kind) {
        case .parse:
            guard let end = span.terminator(in: body) else { return false }
            self.refreshParsing(client)
            guard let pool = client.pool?.id,
                StatementExchange.parsesLocally(
                    span,
                    name: body.lowerBound..<end,
                    body: end + 1..<body.upperBound,
                    pool: pool,
                    &client.statements,
                    &self.statements
                )
            else { return false }
            self.inspectParse(client, span, frame)
            client.pool?.counters.clientParseCount += 1
            self.writer.removeAll()
            self.writer.parseComplete()
        case .close where !body.isEmpty && span[body.lowerBound] == UInt8(ascii: "S"):
            let start = body.lowerBound + 1
            guard let end = span.terminator(in: start..<body.upperBound),
                end + 1 == body.upperBound
            else { return false }
            StatementExchange.closeLocally(
                span,
                name: start..<end,
                &client.statements,
                &self.statements
            )
            self.writer.removeAll()
            self.writer.closeComplete()
        default:
            return false
        }
        self.send(self.writer.bytes, to: client.socket)
        return true
    }

    /// Brings what a client's statements are parsed by up to date.
    @inline(__always)
    func refreshParsing(_ client: ClientConnection) {
        if client.isParsingStale { self.readParsing(client) }
    }

    private func readParsing(_ client: ClientConnection) {
        // In a failed transaction nothing can be prepared anew.
        if client.server?.session.status == .failed { return }
        client.isParsingStale = false
        let maker = self.process.contentHash
        var parsing = self.parameters.parsing(of: client.parameters, maker)
        var more = self.wishes.parsing(of: client.wishes)
        if client.watch.parsesAlone {
            // Like nothing that was before.
            more += ContentHash(high: 0, low: client.parsingNumber).bytes
        }
        if !more.isEmpty { parsing = maker(parsing.bytes + more) }
        client.statements.parsing = parsing
    }
}
