import Pooling
import Wire

/// A client and a server that keep to no rule: any message at any time. Nothing may trap, nothing
/// may grow beyond what was sent, and what the sessions claim must agree.
struct StrangerFuzz {
    private var client: ClientSession
    private var server = ServerSession()
    private let own = UnnamedStatement(number: 1)
    private let other = UnnamedStatement(number: 2)
    /// Requests that were entered.
    private var sent = 0

    /// Two bytes are a step; returns what is wrong.
    static func fault(_ bytes: [UInt8]) -> String? {
        var run = StrangerFuzz(mode: bytes.first.map { Int($0) % 3 } ?? 0)
        var position = 1
        while position + 1 < bytes.count {
            if let fault = run.step(bytes[position], bytes[position + 1]) { return fault }
            position += 2
        }
        return run.recover()
    }

    private init(mode: Int) {
        self.client = ClientSession(mode: [.session, .transaction, .statement][mode])
    }

    private mutating func step(_ what: UInt8, _ value: UInt8) -> String? {
        switch what % 8 {
        case 0..<3:
            self.clientSends(Self.frontend(value), target: what & 0x80 == 0 ? 0x53 : 0x50)
        case 3..<6:
            if let fault = self.serverSends(Self.backend(value), status: what) { return fault }
        case 6:
            self.link()
        default:
            self.disturb(value)
        }
        return self.check()
    }

    /// Mostly kinds that there are.
    private static func frontend(_ value: UInt8) -> UInt8 {
        let kinds = FrontendKind.allCases
        return value < 240 ? kinds[Int(value) % kinds.count].rawValue : value
    }

    private static func backend(_ value: UInt8) -> UInt8 {
        let kinds = BackendKind.allCases
        return value < 240 ? kinds[Int(value) % kinds.count].rawValue : value
    }

    // MARK: Steps

    private mutating func clientSends(_ kind: UInt8, target: UInt8) {
        switch self.client.received(kind, target: target) {
        case .forward(let request):
            precondition(self.client.state == .linked, "forwarded without a server")
            guard let request else { return }
            if request == .copyEnd, self.server.ledger.isSettled { return }
            let named = target == 0x50
            if self.server.mustCloseUnnamed(before: request, named: named, own: self.own) {
                self.enter(.close, .pooler)
                self.server.unnamedClosed()
            }
            if request == .parse {
                if named { self.server.namedParseSent() } else { self.server.parseSent(self.own) }
            }
            self.enter(request, .client)
        case .acquire:
            precondition(self.client.state == .idle, "a server for one that has or awaits one")
            self.client.queued()
        case .hold, .discard, .answerReady, .terminate, .refuse: break
        }
    }

    private mutating func enter(_ request: ReplyLedger.Request, _ audience: ReplyLedger.Audience) {
        self.sent += 1
        self.server.sent(request, for: audience)
    }

    private mutating func serverSends(_ kind: UInt8, status: UInt8) -> String? {
        let known = TransactionStatus(rawValue: [0x49, 0x54, 0x45, 0][Int(status >> 6)])
        let verdict = self.server.received(kind, status: known?.rawValue ?? status)
        switch verdict {
        case .unexpected, .asynchronousError:
            guard self.server.nextRecovery() == .close else { return "\(verdict) is forgiven" }
        case .forwardEnd where self.client.state == .linked:
            if self.client.batchEnded(self.server) == .release {
                guard self.server.ledger.isSettled else { return "released while a reply is owed" }
                self.client.unlinked()
            }
        default: break
        }
        return nil
    }

    private mutating func link() {
        switch self.client.state {
        case .waiting where self.sent % 2 == 0: self.client.linkStarted()
        case .waiting: self.client.linked()
        case .linking: self.client.linked()
        case .idle, .linked: break
        }
    }

    private mutating func disturb(_ value: UInt8) {
        switch value % 6 {
        case 0: self.server.cancelStarted()
        case 1: if self.server.cancelsUnderWay > 0 { self.server.cancelEnded() }
        case 2: if self.server.cancelsUnderWay > 0 { self.server.cancelLost() }
        case 3: if self.client.state == .waiting { self.client.refused(extended: value > 127) }
        case 4: self.server.needsReset = true
        default:
            self.server.parseSent(self.other)
            self.enter(.parse, .client)
        }
    }

    // MARK: Claims

    private mutating func check() -> String? {
        let ledger = self.server.ledger
        if ledger.count < 0 || ledger.count > self.sent { return "\(ledger.count) of \(self.sent)" }
        if ledger.isSettled, ledger.count > 0 { return "settled while a reply is owed" }
        if ledger.isSettled, ledger.isCopyingIn { return "settled in a COPY" }
        if ledger.isSettled, ledger.owesReady { return "settled while ReadyForQuery is owed" }
        if self.server.isAtRest, !ledger.isSettled { return "at rest while a reply is owed" }
        if self.server.isAtRest, self.server.status != .idle { return "at rest in a transaction" }
        let step = self.server.nextRecovery()
        if (self.server.standing() == .ready) != (step == .ready) {
            return "standing \(self.server.standing()) before \(step)"
        }
        return nil
    }

    /// What Weir sends to make the server usable comes to an end, whatever the server says.
    private mutating func recover() -> String? {
        for _ in 0..<8 {
            switch self.server.nextRecovery() {
            case .ready, .wait, .close: return nil
            case .failCopy(let sync):
                self.enter(.copyEnd, .pooler)
                if sync { self.enter(.sync, .pooler) }
            case .sync: self.enter(.sync, .pooler)
            case .rollback, .deallocate, .reset: self.enter(.query, .pooler)
            }
        }
        return "recovery does not end"
    }
}
