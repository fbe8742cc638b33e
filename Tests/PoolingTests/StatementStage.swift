import Pooling
import TestSupport
import Wire

/// One client and one server with a `StatementExchange` between them: messages go in by name, and
/// what either side gets comes out as text, one word a message.
///
/// Shared names are shown as `#1`, `#2`, by the order in which the server has met them.
final class StatementStage {
    private var exchange = StatementExchange()
    private var session = ServerSession()
    private var client = ClientStatements()
    private var table: StatementTable
    private var writer = MessageWriter()
    private var names: [String] = []
    private var unread: [RawMessage] = []
    private var unnamedCount: UInt64 = 0
    private var refusals: [String] = []
    private var told: [String] = []
    private var seen: [String] = []
    var server = StatementServer()

    init(limit: Int = 100, bytesMax: Int = 1_000_000) {
        self.table = Self.newTable(bytesMax: bytesMax)
        self.exchange.limit = limit
    }

    private static func newTable(bytesMax: Int) -> StatementTable {
        StatementTable(bytesMax: bytesMax, seed: 1) { bytes in
            var hash = ContentHash(high: 17, low: UInt64(bytes.count))
            for byte in bytes { hash.high = hash.high &* 31 &+ UInt64(byte) }
            return hash
        }
    }

    /// What the client has got since this was asked last; the server reads all before.
    var clientGot: String {
        self.serverReads()
        defer { self.told = [] }
        return self.told.joined(separator: " ")
    }

    /// What all clients' statements take.
    var bytes: Int { self.table.bytes }

    /// What the server has been sent since this was asked last.
    var serverGot: String {
        defer { self.seen = [] }
        return self.seen.joined(separator: " ")
    }

    /// What stands between the server and its next client.
    var nextRecovery: ServerSession.Recovery { self.session.nextRecovery() }

    var isSettled: Bool { self.session.ledger.isSettled && !self.exchange.awaitsAnswers }

    /// The client gives the server back and takes it again.
    func release() {
        self.unnamedCount += 1
        let name = UnnamedStatement(number: self.unnamedCount)
        self.exchange.released(&self.session, &self.client, &self.table, name: name)
    }

    /// Another client with a server of the same pool has seen nothing of this one's.
    func newClient() {
        self.release()
        self.client.close(&self.table)
        self.client = ClientStatements()
    }

    /// The server goes to another worker, whose clients have nothing of this one's.
    func move() {
        self.release()
        self.client.close(&self.table)
        self.client = ClientStatements()
        let luggage = self.exchange.luggage(self.table)
        self.exchange.closed(&self.table)
        let limit = self.exchange.limit
        self.exchange = StatementExchange()
        self.exchange.limit = limit
        self.table = Self.newTable(bytesMax: self.table.bytesMax)
        self.exchange.unpack(luggage, &self.table)
    }

    /// The client gives its server back and gets one that has nothing.
    func takeAnotherServer() {
        self.release()
        self.exchange.closed(&self.table)
        let limit = self.exchange.limit
        self.exchange = StatementExchange()
        self.exchange.limit = limit
        self.session = ServerSession()
        self.server = StatementServer()
    }

    /// The client parses by other settings from now on.
    func set(_ settings: UInt64) {
        self.client.parsing = ContentHash(high: 0, low: settings)
    }

    /// What the server has is not known any more.
    func staleCopies() { self.exchange.becameUnsure() }

    /// What has failed is about to be sent again.
    func resume(isDescribe: Bool) {
        self.exchange.becameUnsure()
        self.exchange.batchResumes(isDescribe: isDescribe, &self.client)
    }

    /// What a Bind says of types has failed.
    func doubts() -> Bool { self.exchange.doubtsGuesses(&self.client, &self.table) }

    // MARK: Messages

    func parse(_ name: String, _ text: String) -> StatementExchange.Outcome {
        let message = RawMessage("P", "\(name)\0\(text)\0\0\0")
        let bytes = message.body.span
        let body = name.utf8.count + 1..<message.body.count
        guard name.isEmpty else {
            return self.carryOut(message, .parse) {
                $0.exchange.parse(
                    bytes,
                    name: 0..<name.utf8.count,
                    body: body,
                    pool: PoolID(index: 0),
                    &$0.session,
                    &$0.client,
                    &$0.table,
                    &$0.writer
                )
            }
        }
        self.unnamedCount += 1
        let number = UnnamedStatement(number: self.unnamedCount)
        self.exchange.unnamedParsed(
            bytes,
            body: body,
            isSuspicious: false,
            as: number,
            &self.session,
            &self.client,
            &self.table
        )
        self.session.parseSent(number)
        return self.carryOut(message, .parse) { _ in .pass }
    }

    /// A Parse of the unnamed statement that a shared one serves; nil where there can be none.
    func parseRepeated(_ text: String, canRepeat: Bool = true) -> StatementExchange.Outcome? {
        let message = RawMessage("P", "\0\(text)\0\0\0")
        let bytes = message.body.span
        let body = 1..<message.body.count
        let statement = self.exchange.repeatedStatement(
            bytes,
            body: body,
            pool: PoolID(index: 0),
            canRepeat: canRepeat,
            self.session,
            self.client,
            &self.table
        )
        guard let statement else { return nil }
        self.unnamedCount += 1
        let number = UnnamedStatement(number: self.unnamedCount)
        return self.carryOut(message, .parse) {
            $0.exchange.parseUnnamed(
                bytes,
                body: body,
                by: statement,
                as: number,
                &$0.session,
                &$0.client,
                &$0.table,
                &$0.writer
            )
        }
    }

    /// What clients' statements take.
    var bytesKept: Int { self.table.bytes }

    func bind(
        _ name: String,
        binary: Bool = false,
        canRepeat: Bool = true
    ) -> StatementExchange.Outcome {
        let formats = binary ? "\0\u{1}\0\u{1}" : "\0\0"
        var message = RawMessage("B", "\0\(name)\0\0\0\0\0\(formats)")
        return self.carryOut(message, .bind) {
            let (outcome, statement) = $0.exchange.bind(
                message.body.span,
                name: 1..<1 + name.utf8.count,
                &$0.session,
                &$0.client,
                &$0.table,
                &$0.writer,
                canRepeat: canRepeat
            )
            if $0.exchange.isCommandBound, outcome != .hold { $0.exchange.bound(to: []) }
            if outcome == .renamed {
                let shared = String(decoding: $0.table.name(of: statement), as: UTF8.self)
                message = RawMessage("B", "\0\(shared)\0\0\0\0\0\0")
            }
            return outcome
        } message: {
            message
        }
    }

    func describe(_ name: String) -> StatementExchange.Outcome {
        let message = RawMessage("D", "S\(name)\0")
        return self.carryOut(message, .describeStatement) {
            $0.exchange.describe(
                message.body.span,
                name: 1..<1 + name.utf8.count,
                &$0.session,
                &$0.client,
                &$0.table,
                &$0.writer,
                canRepeat: true
            )
        }
    }

    func close(_ name: String) -> StatementExchange.Outcome {
        let message = RawMessage("C", "S\(name)\0")
        return self.carryOut(message, .close) {
            $0.exchange.close(
                message.body.span,
                name: 1..<1 + name.utf8.count,
                &$0.session,
                &$0.client,
                &$0.table,
                &$0.writer
            )
        }
    }

    /// A simple query.
    func query(_ text: String) -> StatementExchange.Outcome {
        let message = RawMessage("Q", "\(text)\0")
        return self.carryOut(message, .query) {
            guard let command = StatementCommand(message.body.span, in: 0..<message.body.count)
            else { return .pass }
            return $0.exchange.command(
                command,
                isQuery: true,
                &$0.session,
                &$0.client,
                &$0.table,
                &$0.writer
            )
        }
    }

    /// A simple query that is no command, and drops the client's unnamed statement.
    func plainQuery(_ text: String) -> StatementExchange.Outcome {
        self.carryOut(RawMessage("Q", "\(text)\0"), .query) {
            $0.exchange.querySent(&$0.session, &$0.client)
            return .pass
        }
    }

    /// An Execute of what may be a command.
    func executeCommand() {
        self.exchange.executed([], self.session)
        self.execute()
    }

    func execute() { _ = self.carryOut(RawMessage("E", "\0"), .execute) { _ in .pass } }

    func sync() { _ = self.carryOut(RawMessage("S"), .sync) { _ in .pass } }

    private func carryOut(
        _ message: @autoclosure () -> RawMessage,
        _ request: ReplyLedger.Request,
        _ decide: (StatementStage) -> StatementExchange.Outcome,
        message renamed: (() -> RawMessage)? = nil
    ) -> StatementExchange.Outcome {
        self.writer.removeAll()
        let outcome = decide(self)
        var bytes = self.writer.bytes
        self.unread += RawMessage.take(from: &bytes)
        switch outcome {
        case .pass, .renamed:
            self.unread.append(renamed?() ?? message())
            self.session.sent(request)
        case .refuse(let fields):
            self.refusals.append(fields.sqlState.code)
            if request == .query {
                self.unread.append(RawMessage("Q", "refused\0"))
                self.session.sent(.query, for: .refusal)
                return outcome
            }
            self.unread.append(RawMessage("C", "Srefused\0"))
            self.unread.append(RawMessage("P", "refused\0SELECT 1\0\0\0"))
            self.unread.append(RawMessage("P", "refused\0SELECT 1\0\0\0"))
            self.session.sent(.close, for: .quiet)
            self.session.sent(.parse, for: .quiet)
            self.session.sent(.parse, for: .refusal)
        case .answered:
            self.answerMadeUp()
        case .replaced, .hold:
            break
        }
        return outcome
    }

    // MARK: Replies

    /// The server reads what has been sent, or so many messages of it.
    func serverReads(_ count: Int = .max) {
        var rest = count
        while rest > 0, !self.unread.isEmpty {
            self.serverReadsOne()
            rest -= 1
        }
    }

    private func serverReadsOne() {
        let message = self.unread.removeFirst()
        self.seen.append(self.word(message))
        for reply in self.server.read(message) { self.received(reply) }
    }

    private func received(_ reply: RawMessage) {
        let before = self.session.ledger.changesEnded
        let current = self.session.ledger.current
        let bindsBefore = self.session.ledger.bindsOwed
        let verdict = self.session.received(reply.kind, status: reply.body.first ?? 0)
        if reply.kind == UInt8(ascii: "E") {
            self.exchange.failed(
                after: before,
                isChange: current == .parse || current == .close || current == .describeStatement,
                &self.session,
                &self.client,
                &self.table
            )
            let bindsSkipped = bindsBefore - self.session.ledger.bindsOwed
            self.exchange.errorEnded(bindsSkipped: bindsSkipped, &self.client)
        } else if let kind = BackendKind(rawValue: reply.kind), self.exchange.awaitsAnswers {
            self.exchange.received(
                kind,
                reply.body.span,
                in: 0..<reply.body.count,
                &self.session,
                &self.client,
                &self.table
            )
        }
        if reply.kind == UInt8(ascii: "2") { self.exchange.bindCompleted() }
        switch verdict {
        case .forward, .forwardEnd, .asynchronous, .forwardError:
            let letter = String(Character(Unicode.Scalar(reply.kind)))
            self.told.append(letter == "E" ? "E[\(reply.text.dropFirst().prefix(5))]" : letter)
        case .replaceError:
            self.told.append("refused[\(self.refusals.removeFirst())]")
        case .swallowError:
            let range = 0..<reply.body.count
            self.exchange.askedInVain(ErrorFields(parsing: reply.body.span, in: range))
        case .swallow, .swallowEnd:
            break
        case .asynchronousError, .unexpected:
            self.told.append("\(verdict)")
        }
        if reply.kind == UInt8(ascii: "C") { self.completed(reply.text.dropLast()) }
        self.answerMadeUp()
    }

    private func completed(_ tag: Substring) {
        if tag == "DEALLOCATE" {
            self.exchange.deallocatedOne(&self.session, &self.client, &self.table)
        } else if tag.hasSuffix(" ALL") {
            self.exchange.deallocated(&self.session, &self.client, &self.table)
        }
    }

    private func answerMadeUp() {
        while let request = self.session.takeMadeUp() {
            self.told.append(request == .parse ? "1" : "3")
        }
        self.exchange.settle(upTo: self.session.ledger.changesEnded, &self.client, &self.table)
    }

    /// One message as the server got it.
    private func word(_ message: RawMessage) -> String {
        let letter = String(Character(Unicode.Scalar(message.kind)))
        let parts = message.body.split(separator: 0, omittingEmptySubsequences: false)
        if letter == "Q" { return "Q(\(String(decoding: parts[0], as: UTF8.self)))" }
        guard "PBCD".contains(letter), parts.count > 1 else { return letter }
        let name = parts[letter == "B" ? 1 : 0].dropFirst("CD".contains(letter) ? 1 : 0)
        let text = String(decoding: name, as: UTF8.self)
        guard text.hasPrefix("weir_") else { return "\(letter)(\(text))" }
        if !self.names.contains(text) { self.names.append(text) }
        return "\(letter)(#\(self.names.firstIndex(of: text)! + 1))"
    }
}
