public import Wire

/// The message loop of PostgreSQL (`PostgresMain`, and `CopyGetData` for COPY), reduced to what it
/// answers and when.
///
/// Written from PostgreSQL's documentation and rules, not from `ReplyLedger`, so that either finds
/// the other's mistakes. It reads a message at once; that replies come late is the tests' business.
public struct BackendModel: Equatable, Sendable {
    /// One message of the backend.
    public struct Reply: Equatable, Sendable {
        public var kind: BackendKind
        /// The tag of the request that it answers.
        public var tag: Int
        /// The body of ReadyForQuery.
        public var status: TransactionStatus = .idle

        /// Creates a reply.
        public init(_ kind: BackendKind, tag: Int, status: TransactionStatus = .idle) {
            self.kind = kind
            self.tag = tag
            self.status = status
        }
    }

    private struct Copy: Equatable, Sendable {
        var request: BackendRequest
        /// What the request's statements still do after the COPY.
        var rest: ArraySlice<BackendRequest.Statement>
        var fate: BackendRequest.CopyFate
        var dataRead = 0
    }

    /// What has been sent since it was last taken.
    public var output: [Reply] = []
    /// Everything up to the next Sync is thrown away.
    public private(set) var isIgnoring = false
    /// A COPY from the client is under way.
    public var isCopying: Bool { self.copy != nil }
    /// The state that ReadyForQuery would tell.
    public private(set) var status: TransactionStatus = .idle
    /// An extended message has been run and no Sync since, so that a transaction may be open that
    /// no status tells of.
    public private(set) var isBatchOpen = false
    /// The backend has gone.
    public private(set) var isClosed = false
    /// Rejects what is no COPY data inside a COPY as versions before 14 do: the session goes on.
    public var isOld = false

    private var copy: Copy?

    /// Creates a backend that has just said ReadyForQuery.
    public init() {}

    /// Whether the session owes nothing and nothing of its last user is open.
    public var isAtRest: Bool {
        !self.isIgnoring && !self.isCopying && self.status == .idle && !self.isBatchOpen
    }

    /// Reads one message.
    public mutating func read(_ request: BackendRequest) {
        guard !self.isClosed else { return }
        if let copy = self.copy { return self.readInCopy(request, copy) }
        switch request.kind {
        case .terminate:
            self.isClosed = true
        case .sync:
            self.sync(request)
        case _ where self.isIgnoring:
            break
        case .query:
            self.isBatchOpen = false
            if request.statements.isEmpty { self.emit(.emptyQuery, request) }
            self.run(request.statements[...], of: request)
        case .functionCall:
            self.isBatchOpen = false
            if request.fails || self.status == .failed { return self.fail(request) }
            self.emit(.functionResult, request)
            self.ready(request)
        case .parse, .bind, .describe, .close, .execute:
            self.isBatchOpen = true
            self.extended(request)
        case .flush, .copyData, .copyDone, .copyFail:
            break
        case .password:
            self.isClosed = true
        }
    }

    private mutating func sync(_ request: BackendRequest) {
        let commits = self.isBatchOpen && !self.isIgnoring && self.status == .idle
        self.isIgnoring = false
        self.isBatchOpen = false
        if commits, request.fails { self.emit(.error, request) }
        self.ready(request)
    }

    private mutating func extended(_ request: BackendRequest) {
        if request.fails { return self.fail(request) }
        switch request.kind {
        case .parse:
            guard self.accepts(request) else { return self.fail(request) }
            self.emit(.parseComplete, request)
        case .bind:
            guard self.accepts(request) else { return self.fail(request) }
            self.emit(.bindComplete, request)
        case .close:
            self.emit(.closeComplete, request)
        case .describe:
            guard self.status != .failed else { return self.fail(request) }
            if !request.describesPortal { self.emit(.parameterDescription, request) }
            self.emit(request.statements.isEmpty ? .noData : .rowDescription, request)
        default:
            self.run(request.statements.prefix(1), of: request)
        }
    }

    /// Whether a failed transaction lets a message of the extended protocol through.
    private func accepts(_ request: BackendRequest) -> Bool {
        guard self.status == .failed else { return true }
        let first = request.statements.first
        return first == .commit || first == .rollback || first == .empty || first == nil
    }

    private mutating func run(
        _ statements: ArraySlice<BackendRequest.Statement>,
        of request: BackendRequest
    ) {
        let isQuery = request.kind == .query
        var rest = statements
        while let statement = rest.popFirst() {
            if self.status == .failed, statement != .commit, statement != .rollback,
                statement != .empty
            {
                return self.fail(request)
            }
            switch statement {
            case .rows(let count):
                if isQuery { self.emit(.rowDescription, request) }
                for _ in 0..<count { self.emit(.dataRow, request) }
                self.emit(.commandComplete, request)
            case .suspended(let count):
                for _ in 0..<count { self.emit(.dataRow, request) }
                self.emit(isQuery ? .commandComplete : .portalSuspended, request)
            case .command: self.emit(.commandComplete, request)
            case .empty: self.emit(.emptyQuery, request)
            case .notice:
                self.emit(.notice, request)
                self.emit(.commandComplete, request)
            case .setting:
                self.emit(.parameterStatus, request)
                self.emit(.commandComplete, request)
            case .begin:
                self.status = .transaction
                self.emit(.commandComplete, request)
            case .commit, .rollback:
                self.status = .idle
                self.emit(.commandComplete, request)
            case .failure:
                return self.fail(request)
            case .copyOut(let count):
                self.emit(.copyOut, request)
                for _ in 0..<count { self.emit(.copyData, request) }
                self.emit(.copyDone, request)
                self.emit(.commandComplete, request)
            case .copyIn(let fate):
                self.emit(.copyIn, request)
                if fate == .failsAfter(0) { return self.fail(request) }
                self.copy = Copy(request: request, rest: rest, fate: fate)
                return
            }
        }
        if isQuery { self.ready(request) }
    }

    private mutating func readInCopy(_ request: BackendRequest, _ copy: Copy) {
        switch request.kind {
        case .copyData:
            self.copy?.dataRead += 1
            if copy.fate == .failsAfter(copy.dataRead + 1) { self.fail(copy.request) }
        case .copyDone:
            if copy.fate != .succeeds { return self.fail(copy.request) }
            self.copy = nil
            self.emit(.commandComplete, copy.request)
            self.run(copy.rest, of: copy.request)
        case .copyFail:
            self.fail(copy.request)
        case .sync, .flush:
            break
        default:
            if self.isOld { return self.fail(copy.request) }
            // "terminating connection because protocol synchronization was lost"
            self.copy = nil
            self.emit(.error, copy.request)
            self.isClosed = true
        }
    }

    /// An error while `request` is run.
    private mutating func fail(_ request: BackendRequest) {
        self.copy = nil
        self.emit(.error, request)
        if self.status == .transaction { self.status = .failed }
        switch request.kind {
        case .query, .functionCall: self.ready(request)
        default: self.isIgnoring = true
        }
    }

    private mutating func ready(_ request: BackendRequest) {
        self.output.append(Reply(.readyForQuery, tag: request.tag, status: self.status))
    }

    private mutating func emit(_ kind: BackendKind, _ request: BackendRequest) {
        self.output.append(Reply(kind, tag: request.tag))
    }
}
