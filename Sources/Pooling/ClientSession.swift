public import Wire

/// What one client is doing after its login, and what becomes of each message that it sends.
///
/// The session knows nothing of sockets and of which server it has: it says what to do, and is told
/// what came of it.
public struct ClientSession: Equatable, Sendable {
    /// Where the client stands.
    public enum State: Equatable, Sendable {
        /// Has no server and wants none. Becomes: waiting, linked.
        case idle
        /// Stands in its pool's queue. Becomes: linking, linked, skipping, idle.
        case waiting
        /// Has a server, which Weir sets up for it or asks something; nothing of the client's is
        /// sent meanwhile. Becomes: linked, idle.
        case linking
        /// Has a server. Becomes: linking (questioned), idle (released).
        case linked
    }

    /// What becomes of a message.
    public enum Action: Equatable, Sendable {
        /// Pass it on; `request` is entered into the server's ledger, nil for what is never
        /// answered.
        case forward(ReplyLedger.Request?)
        /// Get a server first, then offer the same message again.
        case acquire
        /// Keep it; the client waits.
        case hold
        /// Throw it away.
        case discard
        /// Answer with ReadyForQuery, idle, without a server.
        case answerReady
        /// The client says good-bye.
        case terminate
        /// The message is none that a client may send here.
        case refuse(Refusal)
    }

    /// Why a message is refused; the client is disconnected.
    public enum Refusal: Equatable, Sendable {
        /// No message of the protocol has this kind.
        case unknownKind(UInt8)
        /// A password message after login.
        case outOfPlace(UInt8)
        /// `disable_pqexec`.
        case simpleQueryDisabled
    }

    /// Where the client stands.
    public private(set) var state: State = .idle

    /// After an error in place of a reply: messages are thrown away up to the Sync that ends their
    /// batch.
    public private(set) var isSkipping = false

    /// When the server is given back.
    public var mode: PoolMode

    /// Whether Query messages are refused.
    public var isSimpleQueryDisabled = false

    /// Creates the session of a client that has just logged in.
    public init(mode: PoolMode) {
        self.mode = mode
    }

    // MARK: What the client sends

    /// Decides about a message by its code, as `received(_:target:)` by its kind.
    public mutating func received(_ code: UInt8, target: UInt8 = 0) -> Action {
        guard let kind = FrontendKind(rawValue: code) else { return .refuse(.unknownKind(code)) }
        return self.received(kind, target: target)
    }

    /// Decides about a message by its kind and, for Describe, by `target` (`S` or `P`).
    public mutating func received(_ kind: FrontendKind, target: UInt8 = 0) -> Action {
        switch kind {
        case .password: return .refuse(.outOfPlace(kind.rawValue))
        case .query where self.isSimpleQueryDisabled: return .refuse(.simpleQueryDisabled)
        default: break
        }
        switch self.state {
        case .waiting, .linking: return .hold
        case .linked: return self.receivedWhileLinked(kind, target: target)
        case .idle: return self.receivedWhileIdle(kind)
        }
    }

    private func receivedWhileLinked(_ kind: FrontendKind, target: UInt8) -> Action {
        switch kind {
        case .query: .forward(.query)
        case .functionCall: .forward(.functionCall)
        case .parse: .forward(.parse)
        case .bind: .forward(.bind)
        case .describe:
            .forward(target == UInt8(ascii: "P") ? .describePortal : .describeStatement)
        case .execute: .forward(.execute)
        case .close: .forward(.close)
        case .sync: .forward(.sync)
        case .copyDone, .copyFail: .forward(.copyEnd)
        case .copyData, .flush: .forward(nil)
        case .terminate: .terminate
        case .password: .refuse(.outOfPlace(kind.rawValue))
        }
    }

    private mutating func receivedWhileIdle(_ kind: FrontendKind) -> Action {
        switch kind {
        case .terminate:
            return .terminate
        case .copyData, .copyDone, .copyFail:
            // The tail of a COPY that has failed; PostgreSQL ignores these outside a COPY, too.
            return .discard
        case .sync:
            self.isSkipping = false
            return .answerReady
        case .flush:
            return .discard
        default:
            return self.isSkipping ? .discard : .acquire
        }
    }

    // MARK: What came of it

    /// The client stands in the queue.
    public mutating func queued() {
        precondition(self.state == .idle, "queued in state \(self.state)")
        self.state = .waiting
    }

    /// The client has a server, whose parameters are being set.
    public mutating func linkStarted() {
        precondition(self.state == .idle || self.state == .waiting, "linking in \(self.state)")
        self.state = .linking
    }

    /// The client's work is done, and its server is asked what that has left behind; what the
    /// client sends meanwhile is kept.
    public mutating func questioned() {
        precondition(self.state == .linked, "questioned in state \(self.state)")
        self.state = .linking
    }

    /// The client keeps its server, and its messages wait until Weir has put something right there.
    public mutating func linkPaused() {
        precondition(self.state == .linked, "paused in \(self.state)")
        self.state = .linking
    }

    /// The client has a server that is ready for its messages.
    public mutating func linked() {
        precondition(self.state != .linked, "linked twice")
        self.state = .linked
    }

    /// The client has no server any more.
    public mutating func unlinked() {
        self.state = .idle
    }

    /// The client left the queue with an error in place of its replies; its batch is thrown away.
    ///
    /// - Parameter extended: whether the batch was begun by an extended message, so that only a
    ///   Sync ends it.
    public mutating func refused(extended: Bool) {
        self.state = .idle
        self.isSkipping = extended
    }

    // MARK: What the server says

    /// What a ReadyForQuery for this client leads to.
    public enum BatchEnd: Equatable, Sendable {
        /// The client keeps its server.
        case keep
        /// The server is given back.
        case release
        /// Statement pooling allows no transaction over several statements.
        case refuseTransaction
    }

    /// A batch has ended; the server's session says how it stands.
    public func batchEnded(_ server: ServerSession) -> BatchEnd {
        self.batchEnded(status: server.status, isAtRest: server.isAtRest)
    }

    /// The same, by what matters of the server's session.
    public func batchEnded(status: TransactionStatus, isAtRest: Bool) -> BatchEnd {
        switch self.mode {
        case .session: .keep
        case .transaction: isAtRest ? .release : .keep
        case .statement: status != .idle ? .refuseTransaction : isAtRest ? .release : .keep
        }
    }
}
