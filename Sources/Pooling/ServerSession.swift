public import Wire

/// What is known of one server connection after its login: what it owes, where its transaction
/// stands, what its last user left.
///
/// ## Function
/// Every request sent and every reply received passes here. `nextRecovery` says what stands between
/// this server and its next client; a server goes back to its pool only when the answer is
/// `.ready`.
public struct ServerSession: Equatable, Sendable {
    /// What must be done before somebody else may use this server.
    public enum Recovery: Equatable, Sendable {
        /// Nothing: it owes nothing, is outside a transaction, and its state is known.
        case ready
        /// Replies are due; look again when they are in.
        case wait
        /// End a COPY whose data will not come any more. `sync` when only a Sync ends the error
        /// that follows.
        case failCopy(sync: Bool)
        /// End an extended batch that its client did not end.
        case sync
        /// End a transaction that its client left open.
        case rollback
        /// Forget the statements that the client has prepared, which no other client may meet.
        case deallocate
        /// Run `server_reset_query`.
        case reset
        /// It cannot be made usable.
        case close
    }

    /// What the server owes.
    public private(set) var ledger = ReplyLedger()

    /// Where the transaction stood at the last ReadyForQuery.
    public private(set) var status: TransactionStatus = .idle

    /// Cancel requests on their way to this server. One that arrives late must not meet the next
    /// client's query.
    public private(set) var cancelsUnderWay = 0

    private(set) var unnamedHistory = UnnamedHistory() {
        didSet { self.unnamed = self.unnamedHistory.name }
    }

    /// The unnamed statement that the server holds, if all goes well with what was sent.
    // Stored: a computed one would be asked of a copy of the session.
    public private(set) var unnamed = UnnamedStatement.none

    /// The ledger's change that made it so.
    var unnamedChange: Int { self.unnamedHistory.change }

    /// Statements with names have been prepared since the last reset.
    public private(set) var hasNamedStatements = false

    /// `server_reset_query` must run before the next client.
    public var needsReset = false

    /// The last cleaning step failed, or a reply came that nothing explains.
    public private(set) var isBroken = false

    /// Whether a batch of the extended protocol has been begun and not been ended by a Sync.
    public private(set) var isBatchOpen = false

    /// Creates the session of a server whose login has just ended.
    public init() {}

    /// Whether the server owes nothing and is outside a transaction. One that may answer what no
    /// entry stands for is never so: its client must keep it, and hear of it, or else would wait
    /// for those answers elsewhere.
    // Inlinable: a call from another module copies the session first.
    @inlinable
    public var isAtRest: Bool {
        self.ledger.isSettled && self.status == .idle && !self.isBatchOpen && !self.ledger.isMisled
    }

    /// `isAtRest`, asked in place.
    public mutating func rests() -> Bool { self.isAtRest }

    // MARK: Requests

    /// A request has been sent for the client that has this server checked out, or for Weir itself.
    public mutating func sent(
        _ request: ReplyLedger.Request,
        for audience: ReplyLedger.Audience = .client
    ) {
        let isReadByCopy = self.ledger.isCopyingIn
        if request == .query, !self.unnamedHistory.isAbsent, !isReadByCopy, !self.ledger.isSkipping
        {
            // PostgreSQL drops the unnamed statement before it runs a simple query.
            self.changeUnnamed(to: .none)
        }
        self.ledger.sent(request, for: audience)
        switch request {
        case .query, .functionCall: self.isBatchOpen = false
        case .sync: if !isReadByCopy { self.isBatchOpen = false }
        case .copyEnd: break  // The end of a COPY is not the end of the batch that it belongs to.
        default: self.isBatchOpen = true
        }
    }

    /// A Parse of a statement goes out under the name that its client has given it, so that it must
    /// go before the next client. Called before `sent`.
    public mutating func namedParseSent() { self.hasNamedStatements = true }

    /// None of those is left.
    public mutating func namedForgotten() { self.hasNamedStatements = false }

    /// Takes what Weir answers by itself, as `ReplyLedger.takeMadeUp`.
    public mutating func takeMadeUp() -> ReplyLedger.Request? { self.ledger.takeMadeUp() }

    /// As `ReplyLedger.swallowEnd`.
    public mutating func swallowEnd() -> Bool { self.ledger.swallowEnd() }

    /// As `ReplyLedger.takeSkippedRefusals`.
    public mutating func takeSkippedRefusals() -> Int { self.ledger.takeSkippedRefusals() }

    /// A Parse of the unnamed statement goes out. Called before `sent`.
    public mutating func parseSent(_ statement: UnnamedStatement) {
        if !self.ledger.isSkipping {
            // PostgreSQL drops the old statement before it looks at the new one, so even a failure
            // changes it.
            self.changeUnnamed(to: statement)
        }
    }

    /// The client goes, and nothing is due: a statement that nobody could name until now is `name`.
    public mutating func nameUnnamed(_ name: @autoclosure () -> UnnamedStatement) {
        if self.unnamed == .unknown { self.unnamedHistory.named(name()) }
    }

    /// Whether that depends on an earlier batch than the one that is being sent.
    // Mutating, so that it is asked in place; as those of the exchange and the record.
    public var isUnnamedPendingBefore: Bool {
        mutating get {
            self.unnamedChange > self.ledger.changesEnded
                && self.unnamedChange <= self.ledger.batchStart
        }
    }

    /// Whether nothing that was sent before can fail and have the next request thrown away.
    private var isRunForCertain: Bool { self.ledger.isSettled && !self.isBatchOpen }

    /// Whether Weir must close the unnamed statement in front of `request`, which a client whose
    /// unnamed statement is `own` is about to send.
    ///
    /// Asked of every request, `parseSent` after it. The statement of another client goes before
    /// the first extended request of this one, while nothing can fail yet: in the middle of a
    /// pipeline the server could throw the Close away, and the Parse of this client's own as well,
    /// and run the other's statement for a Bind behind the next Sync.
    public func mustCloseUnnamed(
        before request: ReplyLedger.Request,
        named: Bool,
        own: UnnamedStatement
    ) -> Bool {
        switch request {
        case .query, .functionCall, .sync, .copyEnd: false
        case .parse where !named && self.isRunForCertain: false
        default: self.holdsForeignUnnamed(own: own)
        }
    }

    /// Whether a Bind or Describe of the unnamed statement by a client whose own is `own` would
    /// meet another statement.
    public func holdsForeignUnnamed(own: UnnamedStatement) -> Bool {
        // What is unknown is one of the client's own, since it has become so under its eyes.
        self.unnamed != .none && self.unnamed != own && self.unnamed != .unknown
    }

    /// A client's Close of the unnamed statement goes out. Called before `sent`.
    mutating func unnamedDropped() {
        guard !self.unnamedHistory.isAbsent, !self.ledger.isSkipping else { return }
        self.changeUnnamed(to: .none)
    }

    /// Weir has parsed a client's unnamed statement again, in front of what uses it. That may fail,
    /// and the statement before it is gone then. Called after `sent`.
    mutating func unnamedRestored(_ statement: UnnamedStatement) {
        self.unnamedHistory.becomes(
            statement,
            change: self.ledger.changesSent,
            ended: self.ledger.changesEnded
        )
    }

    /// What Weir has parsed again turns out not to be what its client knows. It has been answered.
    mutating func unnamedOutdated() {
        self.unnamedHistory.becomes(.outdated, change: 0, ended: self.ledger.changesEnded)
    }

    /// Weir has closed the unnamed statement in front of what a client sends. Called after `sent`.
    public mutating func unnamedClosed() {
        guard !self.ledger.isSkipping else { return }
        self.unnamedHistory.becomes(
            .none,
            change: self.ledger.changesSent,
            ended: self.ledger.changesEnded
        )
    }

    /// By the change that is entered next; where nothing can have it thrown away, at once.
    private mutating func changeUnnamed(to statement: UnnamedStatement) {
        let ended = self.ledger.changesEnded
        let change = self.isRunForCertain ? ended : self.ledger.changesSent + 1
        self.unnamedHistory.becomes(statement, change: change, ended: ended)
    }

    // MARK: Replies

    /// Judges a reply by its code, as `received(_:status:)` by its kind.
    public mutating func received(_ code: UInt8, status: UInt8 = 0) -> ReplyLedger.Verdict {
        self.received(BackendKind(rawValue: code), status: status)
    }

    /// Judges a reply, nil being of no kind that there is; `status` is the body of a ReadyForQuery
    /// and is ignored otherwise.
    public mutating func received(
        _ kind: BackendKind?,
        status: UInt8 = 0
    ) -> ReplyLedger.Verdict {
        let changesEnded = self.ledger.changesEnded
        let isOfParse = kind == .error && self.ledger.current == .parse
        let verdict = self.ledger.received(kind)
        switch verdict {
        case .forwardError, .swallowError, .replaceError:
            _ = self.unnamedHistory.skipped(
                before: changesEnded,
                after: self.ledger.changesEnded,
                failed: isOfParse ? changesEnded + 1 : nil
            )
        case .forwardEnd, .swallowEnd:
            guard let status = TransactionStatus(rawValue: status) else {
                self.isBroken = true
                return .unexpected
            }
            self.status = status
            // A Sync that was counted as read by a COPY may have ended its batch after all.
            if self.ledger.isDoubtful, self.ledger.count == 0 { self.isBatchOpen = false }
        case .unexpected, .asynchronousError:
            self.isBroken = true
        case .forward, .swallow:
            if kind == .copyIn { self.copyInStarted() }
        default:
            break
        }
        return verdict
    }

    /// A Sync that was sent before the COPY could be seen is read by the COPY and has ended
    /// nothing.
    private mutating func copyInStarted() {
        if self.ledger.isExtended, !self.ledger.owesReady { self.isBatchOpen = true }
    }

    // MARK: Recovery

    /// How near a server is to its next client.
    public enum Standing: Equatable, Sendable {
        /// It owes something, or is in a transaction.
        case busy
        /// `isAtRest`, but something stands between it and its next client.
        case atRest
        /// `nextRecovery` is `.ready`, as long as no message was sent in part.
        case ready
    }

    /// Where the server stands, for the end of every batch.
    ///
    /// Mutating although it changes nothing: so it is called in place, where any other call from
    /// another module copies the session and counts its memory.
    public mutating func standing() -> Standing {
        guard self.isAtRest else { return .busy }
        let isClean =
            !self.isBroken && !self.needsReset && !self.hasNamedStatements
            && self.cancelsUnderWay == 0 && !self.ledger.isDoubtful && !self.ledger.isCopyingIn
        return isClean ? .ready : .atRest
    }

    /// What stands between this server and its next client, now that the last one is gone or has
    /// ended its work.
    ///
    /// - Parameter midMessage: a message was sent in part, so the server takes whatever comes next
    ///   for the rest of it.
    public func nextRecovery(midMessage: Bool = false) -> Recovery {
        if self.isBroken || self.ledger.isDoubtful || midMessage { return .close }
        if self.cancelsUnderWay > 0 { return .wait }
        if self.ledger.isCopyingIn { return .failCopy(sync: self.ledger.isExtended) }
        if self.isBatchOpen || self.ledger.isSkipping { return .sync }
        if !self.ledger.isSettled { return .wait }
        if self.status != .idle { return .rollback }
        if self.needsReset { return .reset }
        if self.hasNamedStatements { return .deallocate }
        return .ready
    }

    /// A cleaning step has been confirmed by its ReadyForQuery.
    public mutating func recovered(_ step: Recovery) {
        switch step {
        case .reset:
            self.needsReset = false
            self.hasNamedStatements = false
            self.unnamedHistory = UnnamedHistory()
        case .deallocate:
            self.hasNamedStatements = false
            self.unnamedHistory = UnnamedHistory()
        default:
            break
        }
    }

    /// A cleaning step has failed, so what the server holds is not known.
    public mutating func recoveryFailed() { self.isBroken = true }

    // MARK: Cancel

    /// A cancel request for this server's query sets out.
    public mutating func cancelStarted() { self.cancelsUnderWay += 1 }

    /// A cancel request has been delivered: PostgreSQL has closed its connection, so the signal has
    /// been sent.
    public mutating func cancelEnded() {
        precondition(self.cancelsUnderWay > 0, "a cancel ended that had not started")
        self.cancelsUnderWay -= 1
    }

    /// A cancel request may still arrive at any time.
    public mutating func cancelLost() {
        self.cancelEnded()
        self.isBroken = true
    }
}
