import Wire

/// A client that says random things and knows what it must hear: a backend of its own, which nobody
/// shares, is its measure.
struct SimulatedClient {
    let number: Int
    /// Does nothing that leaves a server in doubt.
    let isGentle: Bool
    /// Sends on without waiting for replies.
    let isPipelining: Bool
    private(set) var reference = BackendModel()
    private var expected: [BackendModel.Reply] = []
    private var buffer: [UInt8] = []
    private var hasCopied = false
    /// Things to say before it begins to leave.
    private var turnsLeft: Int
    /// It has said good-bye, has vanished, or was told that it must go.
    var isOver = false
    /// Replies heard.
    private(set) var heard = 0

    init(number: Int, isGentle: Bool, random: inout SeededRandom) {
        self.number = number
        self.isGentle = isGentle
        self.isPipelining = random.chance(30)
        self.turnsLeft = 1 + random.below(12)
    }

    /// Whether it may speak before it has heard everything. Who has said something of a COPY waits:
    /// nobody can know without listening whether it goes on.
    var mayGoOn: Bool {
        self.hasHeardAll || self.isPipelining && !(self.isGentle && self.hasCopied)
    }

    /// Whether it has heard all that it is owed.
    var hasHeardAll: Bool { self.expected.isEmpty }

    // MARK: Speaking

    /// What it says next.
    mutating func speak(_ random: inout SeededRandom, _ book: inout RequestBook) -> [BackendRequest]
    {
        self.hasCopied = self.reference.isCopying || (self.hasCopied && !self.hasHeardAll)
        let requests: [BackendRequest]
        if self.turnsLeft > 0 {
            self.turnsLeft -= 1
            requests = self.reference.isCopying ? Self.copyData(&random) : self.work(&random)
        } else {
            requests = [self.farewell()]
        }
        return requests.map { request in
            let entered = book.enter(request, by: self.number)
            self.reference.read(entered)
            self.expected += self.reference.output
            if self.reference.output.contains(where: { $0.kind == .copyIn }) {
                self.hasCopied = true
            }
            self.reference.output.removeAll(keepingCapacity: true)
            if entered.kind == .terminate { self.isOver = true }
            return entered
        }
    }

    private func farewell() -> BackendRequest {
        if self.reference.isCopying { return BackendRequest(.copyDone) }
        if self.reference.isIgnoring || self.reference.isBatchOpen { return BackendRequest(.sync) }
        if self.reference.status != .idle { return BackendRequest(.query, [.rollback]) }
        return BackendRequest(.terminate)
    }

    private static func copyData(_ random: inout SeededRandom) -> [BackendRequest] {
        let data = [BackendRequest](repeating: BackendRequest(.copyData), count: random.below(4))
        switch random.below(5) {
        case 0: return data
        case 1: return data + [BackendRequest(.copyFail)]
        default: return data + [BackendRequest(.copyDone)]
        }
    }

    private func work(_ random: inout SeededRandom) -> [BackendRequest] {
        let fails = random.chance(8)
        switch random.below(12) {
        case 0..<5:
            return [BackendRequest(.query, self.statements(random.below(3), &random))]
        case 5..<9:
            let one = self.statements(1, &random)
            var batch = [
                BackendRequest(.parse, one, fails: fails), BackendRequest(.bind, one),
                BackendRequest(.execute, one),
            ]
            if random.chance(30) {
                batch.insert(BackendRequest(.describe, one, describesPortal: true), at: 2)
            }
            if random.chance(20) { batch.removeFirst() }
            let copies = one.contains { if case .copyIn = $0 { true } else { false } }
            // libpq sends its Sync into the COPY.
            if random.chance(copies ? 40 : 85), !(copies && self.isGentle) {
                batch.append(BackendRequest(.sync))
            }
            return batch
        case 9: return [BackendRequest(.functionCall, fails: fails)]
        case 10: return [BackendRequest(.sync)]
        default: return [BackendRequest(random.pick([.flush, .copyDone, .copyData]))]
        }
    }

    private func statements(
        _ count: Int,
        _ random: inout SeededRandom
    ) -> [BackendRequest.Statement] {
        (0..<count).map { _ in
            switch random.below(16) {
            case 0..<5: .rows(random.below(4))
            case 5: .command
            case 6..<8: .begin
            case 8..<10: .commit
            case 10: .notice
            case 11: .setting
            case 12: .failure
            case 13: .copyOut(random.below(3))
            default:
                .copyIn(random.chance(75) ? .succeeds : random.pick([.failsAtEnd, .failsAfter(1)]))
            }
        }
    }

    // MARK: Hearing

    /// Takes bytes from Weir; returns what is wrong with them.
    mutating func hear(_ bytes: [UInt8]) -> String? {
        self.buffer += bytes
        for reply in RawMessage.take(from: &self.buffer) where !self.isOver {
            if reply.kind == BackendKind.error.rawValue, reply.text.hasPrefix("SFATAL") {
                self.isOver = true
                let text = reply.text.split(separator: "\0").joined(separator: " ")
                return self.isGentle ? "client \(self.number) was told: \(text)" : nil
            }
            if let fault = self.compare(reply) { return "client \(self.number): \(fault)" }
        }
        return nil
    }

    private mutating func compare(_ reply: RawMessage) -> String? {
        let tag = RequestBook.tag(in: reply.body)
        // What a server says by itself carries no number.
        if reply.kind == BackendKind.notice.rawValue, tag == nil { return nil }
        guard let expected = self.expected.first else {
            return "heard \(reply) and was owed nothing"
        }
        guard reply.kind == expected.kind.rawValue else { return "heard \(reply), not \(expected)" }
        self.expected.removeFirst()
        self.heard += 1
        switch expected.kind {
        case .readyForQuery:
            guard reply.body.first == expected.status.rawValue else {
                return "heard status \(reply.body), not \(expected)"
            }
            // An idle client's Sync is answered by Weir, without a number.
            return tag == nil || tag == expected.tag ? nil : "heard \(reply.text), not \(expected)"
        case .parameterStatus:
            return reply.text == "application_name\0v\(expected.tag)\0"
                ? nil : "heard \(reply.text), not \(expected)"
        default:
            return tag == expected.tag ? nil : "heard \(reply.text), not \(expected)"
        }
    }
}
