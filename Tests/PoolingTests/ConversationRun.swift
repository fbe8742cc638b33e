import Pooling
import TestSupport
import Wire

/// One server's conversation with a random client: the model of the backend on one side,
/// `ServerSession` on the other, which sees requests when they are sent and replies when they come,
/// sooner or later.
struct ConversationRun {
    var random: SeededRandom
    var model = BackendModel()
    var session = ServerSession()
    /// What was sent and received, for a failure's report; kept only when a failed run is repeated.
    private(set) var transcript: [String] = []
    private let isRecorded: Bool

    private var pending: [BackendModel.Reply] = []
    private var audiences: [ReplyLedger.Audience] = []
    /// Spontaneous replies carry this tag.
    private static let nobody = -1
    /// A COPY began, as far as the client knows, and it has not ended the data.
    private var clientCopies = false
    private let client = ClientID(index: 1, generation: 1)

    init(random: SeededRandom, isRecorded: Bool = false) {
        self.random = random
        self.isRecorded = isRecorded
        self.model.isOld = self.random.chance(50)
    }

    /// Whether the model owes a reply, reads a COPY, or waits for a Sync.
    var owes: Bool {
        self.model.isIgnoring || self.model.isCopying
            || self.pending.contains { $0.tag != Self.nobody }
    }

    /// Nobody can know any more how things stand; no further claim is made.
    var isOver: Bool { self.session.ledger.isDoubtful || self.model.isClosed }

    private mutating func note(_ line: @autoclosure () -> String) {
        if self.isRecorded { self.transcript.append(line()) }
    }

    // MARK: Steps

    /// Sends something or lets replies arrive; returns what is wrong then.
    mutating func step() -> String? {
        if self.random.chance(45) {
            self.sendSomething()
        } else if self.random.chance(5) {
            let kinds: [BackendKind] = [.notice, .parameterStatus, .notification]
            self.pending.append(BackendModel.Reply(self.random.pick(kinds), tag: Self.nobody))
        } else if let fault = self.deliver() {
            return fault
        }
        return self.check()
    }

    /// Lets one reply arrive.
    mutating func deliver() -> String? {
        guard !self.pending.isEmpty else { return nil }
        let reply = self.pending.removeFirst()
        let verdict = self.session.received(reply.kind.rawValue, status: reply.status.rawValue)
        self.note("< \(reply.kind) \(verdict)")
        if self.session.ledger.isDoubtful { return nil }
        if reply.kind == .copyIn, self.audience(reply) == .client { self.clientCopies = true }
        if reply.kind == .error { self.clientCopies = false }
        return self.expected(reply).contains(verdict)
            ? nil : "\(reply.kind) for \(self.audience(reply)) judged \(verdict)"
    }

    /// What must hold between any two events.
    func check() -> String? {
        guard !self.isOver else { return nil }
        let ledger = self.session.ledger
        if ledger.isSettled == self.owes {
            return self.owes ? "settled while a reply is owed" : "unsettled though nothing is owed"
        }
        let isAtRest = !self.owes && self.model.isAtRest
        if self.session.isAtRest != isAtRest {
            return isAtRest ? "not at rest though the model is" : "at rest while the model is not"
        }
        if !self.owes, self.pending.isEmpty, self.session.status != self.model.status,
            !self.model.isBatchOpen
        {
            return "status \(self.session.status) but \(self.model.status)"
        }
        return nil
    }

    private func audience(_ reply: BackendModel.Reply) -> ReplyLedger.Audience {
        reply.tag == Self.nobody ? .client : self.audiences[reply.tag]
    }

    private func expected(_ reply: BackendModel.Reply) -> [ReplyLedger.Verdict] {
        if reply.tag == Self.nobody { return [.asynchronous, .swallow] }
        let isClient = self.audience(reply) == .client
        switch reply.kind {
        case .error: return [isClient ? .forwardError : .swallowError]
        case .readyForQuery: return [isClient ? .forwardEnd : .swallowEnd]
        case .notice, .parameterStatus: return [isClient ? .asynchronous : .swallow]
        default: return [isClient ? .forward : .swallow]
        }
    }

    // MARK: Requests

    /// Sends a message, as `Proxy` does: into the ledger, and to the server.
    mutating func send(
        _ kind: FrontendKind,
        _ statements: [BackendRequest.Statement] = [],
        fails: Bool = false,
        describesPortal: Bool = false,
        for audience: ReplyLedger.Audience = .client
    ) {
        self.note("> \(kind) \(statements) \(fails ? "fails" : "") \(audience)")
        if let request = Self.request(kind, describesPortal) {
            self.session.sent(request, for: audience)
        }
        let tag = self.audiences.count
        self.audiences.append(audience)
        self.model.read(
            BackendRequest(
                kind,
                statements,
                fails: fails,
                describesPortal: describesPortal,
                tag: tag
            )
        )
        self.pending += self.model.output
        self.model.output.removeAll(keepingCapacity: true)
        if kind == .copyDone || kind == .copyFail { self.clientCopies = false }
    }

    static func request(_ kind: FrontendKind, _ describesPortal: Bool) -> ReplyLedger.Request? {
        switch kind {
        case .query: .query
        case .functionCall: .functionCall
        case .parse: .parse
        case .bind: .bind
        case .describe: describesPortal ? .describePortal : .describeStatement
        case .execute: .execute
        case .close: .close
        case .sync: .sync
        case .copyDone, .copyFail: .copyEnd
        case .copyData, .flush, .terminate, .password: nil
        }
    }

    private mutating func sendSomething() {
        if self.clientCopies, self.random.chance(95) { return self.sendIntoCopy() }
        let fails = self.random.chance(12)
        switch self.random.below(20) {
        case 0..<4: self.send(.query, self.statements(self.random.below(4)))
        case 4: self.send(.functionCall, fails: fails)
        case 5..<7: self.send(.parse, self.statements(1), fails: fails)
        case 7..<9:
            if self.random.chance(20) {
                // What `Proxy` sends in front of a Bind that would meet a foreign statement.
                self.send(.close, for: .pooler)
            }
            self.send(.bind, self.statements(1), fails: fails)
        case 9:
            let statements = self.random.chance(50) ? self.statements(1) : []
            self.send(.describe, statements, fails: fails, describesPortal: self.random.chance(50))
        case 10..<13: self.send(.execute, self.statements(1), fails: fails)
        case 13: self.send(.close, fails: false)
        case 14..<17: self.send(.sync, fails: fails)
        case 17: self.send(.flush)
        case 18: self.sendStray()
        default: self.sendOfWeir()
        }
    }

    /// COPY messages that no CopyInResponse has asked for, or not yet.
    private mutating func sendStray() {
        self.send(self.random.pick([.copyData, .copyDone, .copyFail, .copyDone]))
    }

    /// Weir sends queries of its own only to a server that is at rest.
    private mutating func sendOfWeir() {
        guard self.session.isAtRest, !self.isOver else { return }
        let statements: [BackendRequest.Statement] = [.setting, .command, .failure, .rollback]
        self.send(.query, [self.random.pick(statements)], for: .pooler)
    }

    private mutating func sendIntoCopy() {
        switch self.random.below(10) {
        case 0..<5: self.send(.copyData)
        case 5..<7: self.send(.copyDone)
        case 7: self.send(.copyFail)
        case 8: self.send(self.random.chance(70) ? .sync : .flush)
        default: self.send(.copyData)
        }
    }

    private mutating func statements(_ count: Int) -> [BackendRequest.Statement] {
        (0..<count).map { _ in
            switch self.random.below(16) {
            case 0..<3: .rows(self.random.below(3))
            case 3: .command
            case 4: .empty
            case 5..<7: .begin
            case 7: .commit
            case 8: .rollback
            case 9: .notice
            case 10: .setting
            case 11: .failure
            case 12: .copyOut(self.random.below(3))
            case 13: .suspended(self.random.below(2))
            default: .copyIn(self.copyFate())
            }
        }
    }

    private mutating func copyFate() -> BackendRequest.CopyFate {
        switch self.random.below(6) {
        case 0..<4: .succeeds
        case 4: .failsAtEnd
        default: .failsAfter(self.random.below(3))
        }
    }

    // MARK: Recovery

    /// The client is gone: does what `nextRecovery` says until the server is ready or closed;
    /// returns what is wrong.
    mutating func recover() -> String? {
        // Each reply that is due is a step.
        for _ in 0..<200 + self.pending.count {
            let step = self.session.nextRecovery()
            if (self.session.standing() == .ready) != (step == .ready) {
                return "standing \(self.session.standing()) before recovery \(step)"
            }
            self.note("recovery \(step)")
            switch step {
            case .close:
                return nil
            case .ready:
                let isSafe = self.model.isAtRest && !self.owes
                return isSafe ? nil : "ready while the model is not at rest"
            case .wait:
                guard !self.pending.isEmpty else { return "waits for replies that are not owed" }
                if let fault = self.deliver() { return fault }
            case .failCopy(let sync):
                self.send(.copyFail, for: .pooler)
                if sync { self.send(.sync, for: .pooler) }
            case .sync:
                self.send(.sync, for: .pooler)
            case .rollback, .deallocate, .reset:
                self.send(.query, [.rollback], for: .pooler)
                while self.owes {
                    guard !self.pending.isEmpty else { return "\(step) is not answered" }
                    if let fault = self.deliver() { return fault }
                }
                self.session.recovered(step)
            }
        }
        return "recovery does not end"
    }
}
