import Wire

/// A PostgreSQL of a client's own, which gets the same messages under the client's own names: it
/// says what the client must hear.
///
/// It reads a message when its answer is heard, and looks at the catalog as it was when that answer
/// was given.
struct StatementOracle {
    /// What the client knows of a statement of its own.
    struct Known {
        /// It has been told what the columns are.
        var isTold = false
        /// Its Parse was answered without a server, and it has neither asked nor bound since.
        var isGuess = false
        /// No Bind has gone well since one has failed for the server's copy, or been thrown away
        /// that asked for text, or since it was described in a new form.
        var isDoubtful = false
        /// It has been parsed again on another server, where its result had changed.
        var isParsedAnew = false
        /// Many changes of it have been thrown away by errors.
        var isForgotten = false
    }

    private(set) var model: PostgresModel
    private var sent: [ClientMessage] = []
    private var head = 0
    private var expected: [PostgresReply] = []
    private var next = 0
    /// The message that is being answered, and how far it is.
    private var current: ClientMessage?
    private var stage = 0
    private var known: [String: Known] = [:]
    /// Something has been sent since the last Sync that keeps the batch from being sent again.
    private var isSpent = false
    /// The message that was answered last.
    private var last = -1
    /// Changes of the unnamed statement that errors have thrown away since its last Parse.
    private var unnamedSkipped = 0
    /// What has been ordered is not compared by its words.
    private var isOrdered = false

    /// The client has asked for a cancel.
    var hasCanceled = false
    /// It has been told that it must go.
    private(set) var isOver = false
    /// Requests that end a batch whose ReadyForQuery has not been heard.
    private(set) var endsOwed = 0
    /// Which differences there were, and how often.
    private(set) var differences: [AllowedDifference: Int] = [:]
    private(set) var heardCount = 0

    init(catalog: StatementCatalog) { self.model = PostgresModel(catalog: catalog) }

    mutating func set(parsing: Int) { self.model.parsing = parsing }

    /// Messages whose answers have not been heard.
    var owed: Int { self.sent.count - self.head }

    /// Whether nothing is under way.
    var isQuiet: Bool {
        self.owed == 0 && self.next == self.expected.count && self.current == nil
    }

    mutating func send(_ message: ClientMessage) {
        self.sent.append(message)
        if Self.endsBatch(message.request) { self.endsOwed += 1 }
    }

    static func endsBatch(_ request: PostgresRequest) -> Bool {
        switch request {
        case .sync, .query: true
        default: false
        }
    }

    // MARK: Hearing

    /// The client hears an answer; returns what is wrong with it.
    mutating func heard(_ reply: PostgresReply) -> String? {
        if reply.kind == .error, reply.code == "08006" {
            self.isOver = true
            return nil
        }
        self.heardCount += 1
        while self.next == self.expected.count {
            guard self.begin() else { return "heard \(reply) and was owed nothing" }
            self.advance(reply)
        }
        let wanted = self.expected[self.next]
        self.next += 1
        if wanted.kind == .readyForQuery { self.endsOwed -= 1 }
        defer { self.last = wanted.tag }
        return self.compare(wanted, reply)
    }

    /// Nothing more comes; returns what should have.
    mutating func end() -> String? {
        while true {
            if self.next < self.expected.count { return "never heard \(self.expected[self.next])" }
            guard self.begin() else { return nil }
            self.step(at: self.model.catalog.epoch, .none)
        }
    }

    /// Takes up the next message, if the one before is done with.
    private mutating func begin() -> Bool {
        guard self.current == nil else { return true }
        guard self.head < self.sent.count else { return false }
        self.current = self.sent[self.head]
        self.stage = 0
        self.head += 1
        if self.head == self.sent.count {
            self.sent.removeAll(keepingCapacity: true)
            self.head = 0
        }
        return true
    }

    private mutating func step(at epoch: Int, _ order: PostgresModel.Order) {
        guard let message = self.current else { return }
        let isDone = self.model.step(message.request, stage: self.stage, at: epoch, order: order)
        swap(&self.expected, &self.model.output)
        self.model.output.removeAll(keepingCapacity: true)
        for index in self.expected.indices { self.expected[index].tag = message.tag }
        self.next = 0
        self.stage += 1
        guard isDone else { return }
        self.current = nil
    }

    /// Takes one step of the message at hand: the natural one, or where the answer differs and
    /// something explains that, the other one.
    private mutating func advance(_ given: PostgresReply) {
        guard let message = self.current else { return }
        let before = (self.model, self.stage)
        self.isOrdered = false
        self.step(at: given.epoch, .none)
        if self.expected.isEmpty { self.noteSkipped(message.request) }
        defer { self.noteBatch(message.request) }
        guard let natural = self.expected.first, !Self.isAlike(natural, given),
            given.tag == message.tag || given.tag < 0 || self.isLate(given)
        else { return self.note(message.request, given) }
        let explained = AllowedDifference.explaining(
            AllowedDifference.Case(
                request: message.request,
                natural: natural,
                given: given,
                hasCanceled: self.hasCanceled,
                isFailed: before.0.status == .failed,
                isRepeatable: before.0.status == .idle && !self.isSpent && !message.isPipelined
                    && !self.isFollowed,
                known: self.known(message.request),
                executed: Self.executed(message.request, before.0),
                isBoundDeallocate: Self.isBoundDeallocate(message.request, before.0)
            )
        )
        guard let (difference, effect) = explained else { return }
        self.differences[difference, default: 0] += 1
        if self.isLate(given) {
            // What a statement looked like when it was prepared may never be known.
            for name in self.known.keys { self.known[name]?.isGuess = true }
        }
        if difference == .oldCopy { self.becameDoubtful(message.request) }
        (self.model, self.stage) = before
        self.current = message
        switch effect {
        case .refuse:
            self.isOrdered = true
            self.step(at: given.epoch, .refuse(given.code))
        case .fail:
            self.isOrdered = true
            self.step(at: given.epoch, .fail(given.code))
        case .pass: self.step(at: given.epoch, .pass)
        case .adopt(let name):
            self.known[name, default: Known()].isDoubtful = true
            self.known[name]?.isParsedAnew = true
            self.model.adopt(name, at: given.epoch)
            self.step(at: given.epoch, .none)
        }
        self.note(message.request, given)
    }

    /// Whether a cancel has met what the pooler had put behind a message that was answered: to its
    /// client it has met the next one.
    private func isLate(_ given: PostgresReply) -> Bool {
        self.hasCanceled && given.code == "57014" && given.tag == self.last
    }

    private static func isAlike(_ one: PostgresReply, _ other: PostgresReply) -> Bool {
        one.kind == other.kind && one.code == other.code
    }

    // MARK: What the client knows

    private func known(_ request: PostgresRequest) -> Known {
        switch request {
        case .bind(_, let name, _, _), .describeStatement(let name): self.known[name] ?? Known()
        default: Known()
        }
    }

    private mutating func becameDoubtful(_ request: PostgresRequest) {
        switch request {
        case .bind(_, let name, _, _), .describeStatement(let name):
            self.known[name, default: Known()].isDoubtful = true
        default: break
        }
    }

    /// A message has been thrown away by an error before it.
    private mutating func noteSkipped(_ request: PostgresRequest) {
        if case .bind(_, let name, _, false) = request { self.known[name]?.isDoubtful = true }
        guard request.changesUnnamed else { return }
        self.unnamedSkipped += 1
        if self.unnamedSkipped > 4 { self.known["", default: Known()].isForgotten = true }
    }

    private mutating func note(_ request: PostgresRequest, _ given: PostgresReply) {
        switch (request, given.kind) {
        case (.parse(let name, _), .parseComplete):
            self.known[name] = Known(isGuess: given.origin == .madeUp)
            if name.isEmpty { self.unnamedSkipped = 0 }
        case (.bind(_, let name, _, false), .error):
            // Its shape may have been compared before the mistake was found.
            self.known[name, default: Known()].isDoubtful = true
        case (.bind(_, let name, _, _), .bindComplete):
            self.known[name]?.isGuess = false
            self.known[name]?.isDoubtful = false
        case (.describeStatement(let name), .rowDescription):
            self.known[name, default: Known()].isTold = true
            self.known[name]?.isGuess = false
        default: break
        }
    }

    /// Whether something has been sent behind the message that is being answered with which its
    /// batch cannot be sent again: other batches, what is about the unnamed statement, and what is
    /// about a portal of before, which could be run twice.
    private var isFollowed: Bool {
        var hasEnded = false
        var hasBound = if case .bind? = self.current?.request { true } else { false }
        for message in self.sent[self.head...] {
            if hasEnded { return true }
            switch message.request {
            case .sync: hasEnded = true
            case .query: return true
            case .execute where !hasBound, .describePortal where !hasBound: return true
            case .parse(let name, _), .bind(_, let name, _, _), .describeStatement(let name),
                .closeStatement(let name):
                if name.isEmpty { return true }
                if case .bind = message.request { hasBound = true }
            default: break
            }
        }
        return false
    }

    /// Whether what comes later in the batch could be sent again.
    private mutating func noteBatch(_ request: PostgresRequest) {
        switch request {
        case .sync, .query: self.isSpent = false
        case .parse(let name, _), .describeStatement(let name), .closeStatement(let name):
            if name.isEmpty { self.isSpent = true }
        case .closePortal, .flush: break
        case .bind, .describePortal, .execute, .terminate: self.isSpent = true
        }
    }

    /// The name that SQL's EXECUTE would run.
    private static func executed(_ request: PostgresRequest, _ model: PostgresModel) -> String? {
        let meaning: StatementMeaning?
        switch request {
        case .query(let text): meaning = model.catalog.meaning(of: text)
        case .execute(let portal, _): meaning = model.portals[portal]?.statement.meaning
        case .bind(_, let name, _, _): meaning = model.statements[name]?.meaning
        default: meaning = nil
        }
        guard case .execute(let name)? = meaning else { return nil }
        return name
    }

    /// Whether it runs a DEALLOCATE that has been bound.
    private static func isBoundDeallocate(
        _ request: PostgresRequest,
        _ model: PostgresModel
    ) -> Bool {
        guard case .execute(let portal, _) = request,
            case .deallocate? = model.portals[portal]?.statement.meaning
        else { return false }
        return true
    }

    // MARK: Comparing

    private mutating func compare(_ wanted: PostgresReply, _ given: PostgresReply) -> String? {
        let isSame =
            wanted.kind == given.kind && wanted.code == given.code && wanted.shape == given.shape
            && (wanted.kind != .readyForQuery || wanted.status == given.status)
            && (given.tag == wanted.tag || given.tag < 0 && given.origin == .madeUp
                || self.isLate(given))
            && self.isSame(wanted.row, given.row)
        guard isSame else { return "heard \(given), not \(wanted)" }
        if given.text.contains("weir_") { return "heard of a name of the pooler's: \(given)" }
        if self.isOrdered || wanted.text == given.text { return nil }
        // The same error and the same tag, but another name in it.
        guard given.code == "08P01" else { return "heard \(given), not \(wanted)" }
        self.differences[.otherName, default: 0] += 1
        return nil
    }

    private mutating func isSame(_ wanted: PostgresReply.Row?, _ given: PostgresReply.Row?) -> Bool
    {
        guard var wanted, let given else { return wanted == nil && given == nil }
        if wanted.parsing != given.parsing, given.parsing == self.model.parsing {
            self.differences[.settings, default: 0] += 1
            wanted.parsing = given.parsing
        }
        return wanted == given
    }
}
