public import Wire

/// What a server still owes: the one place that knows whom each reply is for and when nothing is
/// due any more.
///
/// ## Overview
/// Everything sent to a server is entered, in order, with what becomes of its replies: passed on to
/// the client, or swallowed because the request was Weir's own. Each reply is matched against the
/// entry at the head. `isSettled` is the question that releases, resets and recoveries ask.
///
/// ## Function
/// - A Query and a FunctionCall are answered by anything up to ReadyForQuery.
/// - Extended requests are answered one by one. An error skips everything up to the next Sync,
///   entries of it included, and if no Sync was sent yet, what is sent before it (`isSkipping`).
/// - While a COPY waits for data the server ignores Sync and Flush, so a Sync sent into a COPY is
///   never answered. Whether one was read in the COPY or after the COPY's error cannot be known
///   from outside; then the server is doubtful.
/// - A COPY in both directions (replication) is to the requests what a COPY from the client is, and
///   its data to the client are part of the answer. Either side may end its own direction first.
///
/// A reply that no entry explains is `unexpected`: the connection cannot be understood any more.
///
/// Rules of the server: <https://www.postgresql.org/docs/current/protocol-flow.html>, and its
/// `PostgresMain`.
public struct ReplyLedger: Equatable, Sendable {
    /// A request that is answered, or that ends what is answered.
    public enum Request: UInt8, Equatable, Sendable, CaseIterable {
        case query
        case functionCall
        case parse
        case bind
        case describeStatement
        case describePortal
        case execute
        case close
        case sync
        /// CopyDone or CopyFail: owed nothing itself; marks where a COPY's data end.
        case copyEnd
    }

    /// Who gets the replies to a request.
    public enum Audience: UInt8, Equatable, Sendable, CaseIterable {
        case client = 0
        /// Weir's own business, errors included.
        case pooler = 0x80
        /// What Weir does in a client's batch so that the client's own messages can work: the
        /// answer is swallowed, an error is the client's, as the next of its messages would have
        /// got it.
        case quiet = 0x40
        /// A request in a client's batch that is sure to fail, so that PostgreSQL itself skips the
        /// rest of the batch and ends the transaction; its error is replaced by one of Weir's.
        case refusal = 0xC0
        /// Nothing is sent: Weir answers by itself when all before it has been answered, unless an
        /// error skips it.
        case madeUp = 0x20
        /// The client has had the parameters of this Describe already, before it was sent again.
        case resumed = 0x60
        /// The client gets the parameters of this Describe and no more: what comes next fails.
        case parameters = 0xA0
    }

    /// What a reply is.
    public enum Verdict: Equatable, Sendable {
        /// Part of an answer to the client.
        case forward
        /// Part of an answer to Weir.
        case swallow
        /// ReadyForQuery for the client: a batch has ended.
        case forwardEnd
        /// ReadyForQuery for Weir.
        case swallowEnd
        /// An error for the client.
        case forwardError
        /// An error in answer to Weir's own request.
        case swallowError
        /// The error of a request that was to fail: the client gets the refusal instead.
        case replaceError
        /// No answer but something that the server says by itself.
        case asynchronous
        /// An error that nothing was asked for: the server is going to close.
        case asynchronousError
        /// Explained by nothing that was sent.
        case unexpected
    }

    /// Entries are a request's code and its audience's bits.
    @usableFromInline var entries = LedgerEntries()

    /// An error came and the Sync that ends its batch has not been sent yet.
    public private(set) var isSkipping = false

    /// The server waits for COPY data whose end has not been sent.
    public private(set) var isCopyingIn = false

    /// The server is in a COPY, whether or not the end of the data has been sent.
    private var isServerCopying = false

    /// Syncs sent into the COPY under way, which the server ignores as long as the COPY goes well.
    private var syncsIntoCopy = 0

    /// Syncs that were sent into a COPY which has failed: each may be answered after all, if the
    /// server read it after its error.
    private var readysPossible = 0

    /// The accounting may be off by one; the server must not be used by anybody else.
    public private(set) var isDoubtful = false

    /// How many Parse, Close, Describe of statements and Query have been entered since the
    /// beginning: what changes which statements there are, or tells about one (a Query drops the
    /// unnamed one). They are numbered from 1.
    public private(set) var changesSent = 0

    /// How many of those have been answered, or thrown away by the server after an error.
    public private(set) var changesEnded = 0

    /// `changesSent` when the last batch ended: what has a higher number belongs to the batch that
    /// is being sent, and is skipped with it.
    public private(set) var batchStart = 0

    /// How many refusals an error has thrown away that nobody has been told of.
    private var refusalsSkipped = 0

    /// A request was sent into a COPY, which reads none. No entry stands for it, and a reply to it
    /// may come all the same, when the COPY had failed by itself before the request was read.
    public private(set) var isMisled = false

    /// Creates the ledger of a server that owes nothing.
    public init() {}

    /// Whether the server owes nothing.
    // Inlinable, as the next: a call from another module copies the whole ledger first.
    @inlinable
    public var isSettled: Bool { self.entries.count == 0 && !self.isSkipping }

    /// How many requests are not answered in full.
    @inlinable
    public var count: Int { self.entries.count }

    /// Whether what is answered now is Weir's own business.
    public var isSwallowing: Bool { self.currentAudience == .pooler }

    /// Whether something that Weir answers by itself has its turn.
    @inlinable
    public var owesMadeUp: Bool {
        self.entries.first & Self.audienceBits == Audience.madeUp.rawValue
    }

    /// Whether the request being answered belongs to the extended protocol, so that only a Sync
    /// ends an error in it.
    public var isExtended: Bool {
        guard let request = self.current else { return self.isSkipping }
        return request != .query && request != .functionCall
    }

    /// Whether something is due that runs a statement.
    public var owesExecution: Bool {
        self.entries.contains { entry in
            let request = Self.request(entry)
            return request == .execute || request == .query || request == .functionCall
        }
    }

    /// Whether a Sync or another request that ends a batch has been sent and is not answered.
    public var owesReady: Bool {
        self.entries.contains { Self.endsBatch(Self.request($0)) }
    }

    /// How many Binds have not been answered.
    public var bindsOwed: Int {
        self.entries.count { Self.request($0) == .bind }
    }

    /// The request at the head.
    public var current: Request? {
        Self.request(self.entries.first)
    }

    /// Whom the answer to it is for.
    public var currentAudience: Audience? {
        guard self.entries.count > 0 else { return nil }
        return Audience(rawValue: self.entries.first & Self.audienceBits)
    }

    /// Whether the request at the head is answered with rows, whoever they are for.
    @inlinable
    @inline(__always)
    public var takesRows: Bool {
        let code = self.entries.first & ~Self.audienceBits
        return code == Request.query.rawValue || code == Request.execute.rawValue
    }

    // MARK: Requests

    /// Enters a request that has been sent.
    public mutating func sent(_ request: Request, for audience: Audience = .client) {
        if self.isSkipping {
            // The server throws away everything but a Sync.
            guard request == .sync else { return }
            self.isSkipping = false
        } else if self.isCopyingIn {
            self.sentIntoCopy(request)
            guard request == .copyEnd else { return }
        } else if request == .copyEnd, self.entries.count == 0 {
            return  // Stray: the server ignores it, and nothing is due that it could end.
        }
        self.entries.append(request.rawValue | audience.rawValue)
        if Self.isChange(request) { self.changesSent += 1 }
        if Self.endsBatch(request) { self.batchStart = self.changesSent }
    }

    /// Takes what Weir answers by itself from the head, and says what it is; nil when it is not its
    /// turn.
    public mutating func takeMadeUp() -> Request? {
        guard self.owesMadeUp, let request = self.current else { return nil }
        self.advance(request)
        self.skipStrayCopyEnds()
        return request
    }

    /// The batch whose error has just come goes on without its client: the ReadyForQuery that ends
    /// it is swallowed. False when its Sync has not been sent.
    public mutating func swallowEnd() -> Bool {
        guard self.current == .sync else { return false }
        self.entries.replaceFirst(with: Request.sync.rawValue | Audience.pooler.rawValue)
        return true
    }

    /// How many refusals the last errors have thrown away; asked once.
    public mutating func takeSkippedRefusals() -> Int {
        defer { self.refusalsSkipped = 0 }
        return self.refusalsSkipped
    }

    private mutating func advance(_ request: Request) {
        if Self.isChange(request) { self.changesEnded += 1 }
        self.entries.removeFirst()
    }

    private mutating func sentIntoCopy(_ request: Request) {
        switch request {
        case .copyEnd: self.isCopyingIn = false
        case .sync: self.syncsIntoCopy += 1
        // The server ends the COPY with an error when it reads this; what it reads afterwards, and
        // how, depends on when.
        default: self.mislead()
        }
    }

    private mutating func mislead() {
        self.isMisled = true
        self.isDoubtful = true
    }

    // MARK: Replies

    /// Judges a reply by its code.
    public mutating func received(_ code: UInt8) -> Verdict {
        self.received(BackendKind(rawValue: code))
    }

    /// Judges a reply by its kind; nil is none that there is.
    public mutating func received(_ kind: BackendKind?) -> Verdict {
        guard let kind else { return .unexpected }
        switch kind {
        case .notice:
            self.skipStrayCopyEnds()
            let isOwn = self.isSwallowing || self.currentAudience == .quiet
            return isOwn ? .swallow : .asynchronous
        case .parameterStatus:
            return self.isSwallowing ? .swallow : .asynchronous
        case .notification:
            // Nothing that Weir asks for brings one: it is for who listens, whenever it comes.
            return .asynchronous
        case .error:
            return self.errorReceived()
        case .readyForQuery:
            return self.readyReceived()
        case .authentication, .backendKeyData, .negotiateProtocolVersion:
            return .unexpected
        default:
            return self.answerReceived(kind)
        }
    }

    private mutating func answerReceived(_ kind: BackendKind) -> Verdict {
        self.skipStrayCopyEnds()
        guard let request = self.current else { return .unexpected }
        let verdict: Verdict
        switch Audience(rawValue: self.entries.first & Self.audienceBits) {
        case .client: verdict = .forward
        case .resumed: verdict = kind == .parameterDescription ? .swallow : .forward
        case .parameters: verdict = kind == .parameterDescription ? .forward : .swallow
        case .pooler, .quiet: verdict = .swallow
        // It was sure to fail, or was never sent.
        case .refusal, .madeUp, nil: return .unexpected
        }
        switch (request, kind) {
        case (.query, .copyIn), (.execute, .copyIn), (.query, .copyBoth):
            self.copyInStarted()
        case (.query, .commandComplete):
            self.copyInEnded()
        case (.query, .rowDescription), (.query, .dataRow), (.query, .emptyQuery),
            (.query, .copyOut), (.query, .copyData), (.query, .copyDone),
            (.functionCall, .functionResult):
            break
        case (.execute, .dataRow), (.execute, .copyOut), (.execute, .copyData),
            (.execute, .copyDone), (.describeStatement, .parameterDescription):
            break
        case (.execute, .commandComplete), (.execute, .emptyQuery), (.execute, .portalSuspended):
            self.copyInEnded()
            self.entries.removeFirst()
        case (.parse, .parseComplete), (.close, .closeComplete),
            (.describeStatement, .rowDescription), (.describeStatement, .noData):
            self.changesEnded += 1
            self.entries.removeFirst()
        case (.bind, .bindComplete), (.describePortal, .rowDescription), (.describePortal, .noData):
            self.entries.removeFirst()
        default:
            return .unexpected
        }
        self.skipStrayCopyEnds()
        return verdict
    }

    private mutating func readyReceived() -> Verdict {
        self.skipStrayCopyEnds()
        guard let request = self.current, Self.endsBatch(request) else {
            return self.possibleReadyReceived()
        }
        let verdict: Verdict = self.isSwallowing ? .swallowEnd : .forwardEnd
        self.copyInEnded()
        self.advance(request)
        self.skipStrayCopyEnds()
        return verdict
    }

    /// libpq sends its Sync behind the Execute of a COPY; when a trigger fails before the first row
    /// is read, it is answered.
    private mutating func possibleReadyReceived() -> Verdict {
        guard self.readysPossible > 0 else { return .unexpected }
        self.readysPossible -= 1
        self.isSkipping = false
        return .forwardEnd
    }

    private mutating func errorReceived() -> Verdict {
        self.skipStrayCopyEnds()
        if self.syncsIntoCopy > 0 {
            self.isDoubtful = true
            self.readysPossible = self.syncsIntoCopy
        }
        self.copyInEnded()
        guard let request = self.current else { return .asynchronousError }
        let verdict: Verdict =
            switch self.currentAudience {
            case .pooler: .swallowError
            case .refusal: .replaceError
            default: .forwardError
            }
        if request != .query, request != .functionCall, request != .sync {
            self.skipToSync()
        }
        return verdict
    }

    /// Drops what the server throws away after an error: all up to the next Sync, a Query included.
    private mutating func skipToSync() {
        var isFirst = true
        while let request = self.current, request != .sync {
            // The first is the one that failed.
            if !isFirst, self.currentAudience == .refusal { self.refusalsSkipped += 1 }
            isFirst = false
            self.advance(request)
        }
        self.isSkipping = self.current == nil
    }

    // MARK: COPY

    /// The server reads nothing but COPY data from here to the end of the data.
    private mutating func copyInStarted() {
        self.isCopyingIn = true
        self.isServerCopying = true
        self.syncsIntoCopy = 0
        // What was sent behind the COPY's own request is read by the COPY, up to the end of the
        // data.
        var end = 1
        while end < self.entries.count {
            let request = Self.request(self.entries[end])
            if request == .copyEnd {
                self.isCopyingIn = false
                break
            }
            if request == .sync { self.syncsIntoCopy += 1 } else { self.mislead() }
            if let request, Self.isChange(request) { self.changesEnded += 1 }
            end += 1
        }
        if end > 1 { self.entries.removeSubrange(1..<end) }
    }

    private mutating func copyInEnded() {
        guard self.isServerCopying else { return }
        self.isServerCopying = false
        self.isCopyingIn = false
        self.syncsIntoCopy = 0
        // The end of these data must not be taken for the end of the next COPY of the same query.
        if self.entries.count > 1, Self.request(self.entries[1]) == .copyEnd {
            self.entries.removeSubrange(1..<2)
        }
    }

    /// An end of data that no COPY reads is ignored by the server.
    private mutating func skipStrayCopyEnds() {
        while self.entries.first & ~Self.audienceBits == Request.copyEnd.rawValue {
            self.entries.removeFirst()
        }
    }

    // MARK: Entries

    /// The bits of an entry that say whom it is for.
    @usableFromInline static let audienceBits: UInt8 = 0xE0

    @inline(__always)
    private static func request(_ entry: UInt8) -> Request? {
        // The codes are those from zero on.
        Request(rawValue: entry & ~Self.audienceBits)
    }

    private static func endsBatch(_ request: Request?) -> Bool {
        request == .query || request == .functionCall || request == .sync
    }

    private static func isChange(_ request: Request) -> Bool {
        request == .parse || request == .close || request == .describeStatement
            || request == .query
    }
}
