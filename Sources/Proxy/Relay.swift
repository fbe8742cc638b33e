import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// The data path: requests go from clients to servers, replies from servers to clients.
///
/// ## Overview
/// Each received buffer is walked once. Headers are looked at; bodies only where a decision needs
/// them (`inspected`). What may pass is collected to one run of bytes and forwarded in one piece.
/// What cannot be decided yet (a header or a body of which a part is missing, a client that waits
/// for a server) is kept in the connection's stash and offered again in front of the bytes that
/// follow.
///
/// `ClientSession` and `ServerSession` decide; this file does what they say.
extension Worker {
    // MARK: Requests

    /// A client has sent bytes.
    func requestsReceived(_ client: ClientConnection, completion index: Int) {
        let bytes = unsafe self.loop.bytes(index)
        client.pool?.counters.bytesReceived += UInt64(bytes.count)
        if self.isSuspended {
            // The receive was armed before SUSPEND; what it brought waits for RESUME.
            unsafe client.stash.append(bytes)
        } else if client.stash.isEmpty {
            let chunk = unsafe Chunk(bytes: bytes, completion: index)
            let taken = self.relayRequests(client, chunk)
            if client.phase != .closed, taken < chunk.count {
                unsafe client.stash.append(chunk.slice(taken..<chunk.count))
            }
        } else {
            unsafe client.stash.append(bytes)
            self.relayStash(client)
        }
    }

    /// Offers what a client has in its stash.
    func relayStash(_ client: ClientConnection) {
        guard client.phase == .ready, !client.stash.isEmpty, !self.isSuspended else { return }
        let chunk = unsafe Chunk(bytes: client.stash.bytes, completion: -1)
        let taken = self.relayRequests(client, chunk)
        if client.phase != .closed { client.stash.removeFirst(taken) }
    }

    /// Walks a client's messages; returns how many bytes are done with.
    private func relayRequests(_ client: ClientConnection, _ chunk: Chunk) -> Int {
        if client.refusal != nil { return self.refuseRequests(client, chunk) }
        let span = unsafe Span<UInt8>(_unsafeBytes: chunk.bytes)
        var position = self.passRest(client, chunk)
        var run = position
        walk: while true {
            let frame: Frame
            do throws(FramingError) {
                guard let next = try client.reader.next(in: span, at: position) else { break walk }
                frame = next
            } catch {
                self.forward(client, chunk, run..<position)
                self.closeClient(client, .protocolViolation, Self.violation(error))
                return position
            }
            let kind = FrontendKind(rawValue: frame.kind)
            guard frame.available >= Self.inspected(frame, kind, client) else { break walk }
            let target = frame.available > Frame.headerLength ? span[frame.bodyOffset] : 0
            let action =
                if let kind {
                    client.session.received(kind, target: target)
                } else {
                    client.session.received(frame.kind)
                }
            switch action {
            case .forward(let request):
                if let request, let server = unsafe client.borrowedServer {
                    let booked = unsafe server._withUnsafeGuaranteedRef {
                        client.sharesStatements
                            && Self.concernsStatements(request, client, $0)
                            ? self.bookShared(request, client, $0, chunk, run..<position, frame)
                            : self.book(request, client, $0, chunk, run..<position, frame)
                    }
                    if booked < 0 {
                        // Everything before has been sent.
                        run = position
                        break walk
                    }
                    run = booked
                } else if kind == .copyData {
                    client.server?.statements.dataSent(frame.length)
                } else if kind == .flush {
                    client.server?.record.flushed(span, frame)
                }
                client.reader.pass(frame)
                client.passingKind = frame.kind
                position = frame.end
            case .acquire:
                if client.sharesStatements, self.answersLocally(client, span, frame) {
                    position = self.discard(client, frame)
                    run = position
                } else {
                    if client.isRefused { self.chooseOmissions(client, span, frame) }
                    guard self.acquire(client) else { break walk }
                }
            case .hold:
                break walk
            case .discard:
                self.forward(client, chunk, run..<position)
                position = self.discard(client, frame)
                run = position
            case .answerReady:
                self.writer.removeAll()
                self.writer.readyForQuery(.idle)
                self.send(self.writer.bytes, to: client.socket)
                position = self.discard(client, frame)
                run = position
            case .terminate:
                self.forward(client, chunk, run..<position)
                self.closeClient(client, .clientTerminated)
                return frame.end
            case .refuse(let refusal):
                self.forward(client, chunk, run..<position)
                self.closeClient(client, .protocolViolation, Self.violation(refusal))
                return position
            }
        }
        self.forward(client, chunk, run..<position)
        return position
    }

    /// The bytes at the start of a chunk that belong to a message let through (or thrown away)
    /// before.
    private func passRest(_ client: ClientConnection, _ chunk: Chunk) -> Int {
        let count = client.reader.resume(available: chunk.count)
        guard count > 0 else { return 0 }
        if !client.isDiscarding {
            if client.passingKind == FrontendKind.copyData.rawValue {
                client.server?.statements.dataSent(count)
            }
            self.forward(client, chunk, 0..<count)
        }
        if client.reader.remaining == 0 { client.isDiscarding = false }
        return count
    }

    /// Throws a message away, its rest too when that comes; returns where it ends in the chunk.
    func discard(_ client: ClientConnection, _ frame: Frame) -> Int {
        client.reader.pass(frame)
        client.isDiscarding = client.reader.remaining > 0
        return frame.end
    }

    /// How much of a message must have come before it can be decided about.
    ///
    /// Names of statements and the text for the slow-query log stand at the front of a body; one
    /// that is longer than what is looked at needs no more than that.
    private static func inspected(
        _ frame: Frame,
        _ kind: FrontendKind?,
        _ client: ClientConnection
    ) -> Int {
        switch kind {
        case .parse where client.sharesStatements: Self.inspectedOfParse(frame)
        case .query, .parse, .bind, .describe, .close: min(frame.length, Self.inspectedMax)
        default: Frame.headerLength
        }
    }

    /// Enough for two names and the statement text that is logged.
    static let inspectedMax = 8_192

    /// Whether a Parse is about a statement with a name.
    static func namesStatement(_ span: Span<UInt8>, _ frame: Frame) -> Bool {
        frame.bodyOffset < frame.end && span[frame.bodyOffset] != 0
    }

    func forward(_ client: ClientConnection, _ chunk: Chunk, _ range: Range<Int>) {
        guard let socket = client.server?.socket else { return }
        self.forward(chunk, range, to: socket)
    }

    func forward(_ chunk: Chunk, _ range: Range<Int>, to socket: SocketID) {
        if range.isEmpty { return }
        if chunk.completion >= 0 {
            self.loop.forward(
                chunk.completion,
                offset: range.lowerBound,
                count: range.count,
                to: socket
            )
        } else {
            unsafe self.loop.write(chunk.slice(range), to: socket)
        }
    }

    // MARK: Replies

    /// A server has sent bytes.
    func repliesReceived(_ server: ServerConnection, completion index: Int) {
        let bytes = unsafe self.loop.bytes(index)
        server.pool.counters.bytesSent += UInt64(bytes.count)
        let chunk = unsafe Chunk(bytes: bytes, completion: index)
        let start = self.completeStash(server, from: chunk)
        if server.phase != .closing, start < chunk.count {
            let taken = self.relayReplies(server, chunk, from: start)
            if server.phase != .closing, taken < chunk.count {
                unsafe server.stash.append(chunk.slice(taken..<chunk.count))
            }
        }
        if server.phase == .recovering, server.client == nil { self.recover(server) }
    }

    /// Completes a message that has begun in the stash, with no more bytes than it needs, so that
    /// the rest of a chunk need not be copied; returns how many bytes of the chunk that took.
    private func completeStash(_ server: ServerConnection, from chunk: Chunk) -> Int {
        var taken = 0
        while !server.stash.isEmpty, taken < chunk.count {
            let end = min(taken + Self.missing(server), chunk.count)
            unsafe server.stash.append(chunk.slice(taken..<end))
            taken = end
            let stashed = unsafe Chunk(bytes: server.stash.bytes, completion: -1)
            let done = self.relayReplies(server, stashed, from: 0)
            server.stash.removeFirst(server.phase == .closing ? server.stash.count : done)
        }
        return taken
    }

    /// How many bytes the message in a server's stash lacks before it can be decided about.
    private static func missing(_ server: ServerConnection) -> Int {
        let span = unsafe Span<UInt8>(_unsafeBytes: server.stash.bytes)
        if span.count < Frame.headerLength { return Frame.headerLength - span.count }
        // A header that cannot be right needs nothing more; the walk judges it.
        guard let frame = try? server.reader.next(in: span, at: 0) else { return 1 }
        let kind = BackendKind(rawValue: frame.kind)
        return max(1, Self.inspectedReply(frame, kind, server) - span.count)
    }

    /// Walks a server's messages from `start` on; returns where in the chunk the bytes end that
    /// are done with.
    private func relayReplies(
        _ server: ServerConnection,
        _ chunk: Chunk,
        from start: Int
    ) -> Int {
        let span = unsafe Span<UInt8>(_unsafeBytes: chunk.bytes)
        var position = start + server.reader.resume(available: chunk.count - start)
        server.statements.received(position - start)
        // The rest of a message that was let through leaves in one piece with what follows it.
        var run = server.isPassing ? start : position
        if server.session.ledger.owesMadeUp, server.reader.remaining == 0 {
            self.forward(server, chunk, run..<position)
            run = position
            self.answerMadeUp(server)
        }
        let row = BackendKind.dataRow.rawValue
        var endsInRow = server.reader.remaining > 0
        walk: while server.phase != .closing {
            if position < span.count, span[position] == row, server.session.ledger.takesRows,
                server.client?.session.state == .linked
            {
                let end = server.reader.endOfRun(of: row, in: span, from: position)
                server.statements.received(end - position)
                endsInRow = end > position || endsInRow
                position = end
            }
            let frame: Frame
            do throws(FramingError) {
                guard let next = try server.reader.next(in: span, at: position) else { break walk }
                frame = next
            } catch {
                self.forward(server, chunk, run..<position)
                self.closeServer(server, .serverViolation)
                return position
            }
            let kind = BackendKind(rawValue: frame.kind)
            guard frame.available >= Self.inspectedReply(frame, kind, server) else { break walk }
            let status = frame.available > Frame.headerLength ? span[frame.bodyOffset] : 0
            let verdict: ReplyLedger.Verdict
            if kind == .error {
                verdict = self.errorReceived(server, span, frame)
            } else {
                verdict = server.session.received(kind, status: status)
            }
            let isForwarded = self.isForwarded(verdict, server, span, frame)
            if !isForwarded {
                self.forward(server, chunk, run..<position)
                run = frame.end
            }
            server.reader.pass(frame)
            server.isPassing = isForwarded
            position = frame.end
            endsInRow = frame.kind == row
            self.observe(server, kind, span, frame)
            switch verdict {
            case .forward, .swallow, .asynchronous:
                break
            case .forwardError:
                let fields = ErrorFields(parsing: span, in: frame.bodyOffset..<frame.end)
                server.statements.failed(fields.sqlState)
                if fields.severity != .error { server.hasSaidGoodbye = true }
                server.pool.counters.serverErrorCount += 1
            case .replaceError:
                run = position
                self.tellRefusal(server)
            case .swallowError:
                self.ownRequestFailed(server, span, frame)
            case .asynchronousError:
                guard isForwarded else {
                    // Nobody may be given a server that is about to close.
                    self.closeServer(server, .serverShutdown)
                    return position
                }
                server.hasSaidGoodbye = true
            case .forwardEnd:
                if self.refusesTransaction(server) {
                    // An error takes the place of ReadyForQuery.
                    self.forward(server, chunk, run..<frame.offset)
                    server.client.map { self.closeClient($0, .unsupportedTransaction) }
                } else if !server.settingTags.isEmpty {
                    self.forward(server, chunk, run..<frame.offset)
                    if !self.restoresLogin(server) {
                        self.forward(server, chunk, frame.offset..<position)
                        self.batchEnded(server)
                    }
                } else {
                    self.forward(server, chunk, run..<position)
                    self.batchEnded(server)
                }
                run = position
            case .swallowEnd:
                run = position
                self.ownRequestEnded(server)
            case .unexpected:
                self.closeServer(server, server.client == nil ? .idleServerSpoke : .serverViolation)
                return position
            }
            if server.session.ledger.owesMadeUp, server.reader.remaining == 0 {
                self.forward(server, chunk, run..<position)
                run = position
                self.answerMadeUp(server)
            }
        }
        if server.exchange.isHolding { self.offerHeld(server) }
        if server.phase != .closing {
            self.forward(server, chunk, run..<position)
            if endsInRow, let client = server.client { self.loop.cork(client.socket) }
        }
        return position
    }

    /// How much of a reply must have come before it can be decided about.
    @inline(__always)
    private static func inspectedReply(
        _ frame: Frame,
        _ kind: BackendKind?,
        _ server: ServerConnection
    ) -> Int {
        switch kind {
        case .dataRow where server.own == .question:
            min(frame.length, Self.answerMax)
        case .readyForQuery, .parameterStatus, .commandComplete, .error:
            min(frame.length, Limits.errorLengthMax)
        case .rowDescription where server.exchange.awaitsAnswers,
            .parameterDescription where server.exchange.awaitsAnswers:
            min(frame.length, Self.descriptionMax)
        default: Frame.headerLength
        }
    }

    private func forward(_ server: ServerConnection, _ chunk: Chunk, _ range: Range<Int>) {
        guard let socket = server.client?.socket else { return }
        self.forward(chunk, range, to: socket)
    }
}
