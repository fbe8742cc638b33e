public import Wire

/// The messages of the batch under way, from its first use of a shared statement on, kept as long
/// as they could be sent once more without anybody noticing.
///
/// A server may have prepared a statement before its tables changed. PostgreSQL then fails the Bind
/// or the Describe ("cached plan must not change result type"), although the client has asked for
/// nothing that it could not have. The copy is parsed anew, and the batch sent again from there:
/// nothing of it has been run, and what has been answered before is not sent again.
public struct BatchRecord: Sendable {
    private enum State: UInt8, Sendable {
        /// Nothing is recorded.
        case none
        /// A batch has begun outside a transaction, and no shared statement has been used in it.
        case prologue
        /// What comes is recorded; nothing has been bound.
        case preparing
        /// What comes is recorded, up to the Sync.
        case recording
        /// The Sync is in it.
        case whole
    }

    /// Where a message ends that is answered by itself and does not run anything.
    private struct Mark: Sendable {
        /// The ledger's change that it is, or the last one that was sent for it.
        var change: Int
        var end: Int
    }

    private var state = State.none
    /// The messages, as the client sent them.
    private var bytes = ReusedBytes()
    private var marks: [Mark] = []
    /// The batch has been sent twice already.
    private var isRepeated = false

    /// The longest batch that is kept.
    static let bytesMax = 8_192

    /// Creates an empty record.
    public init() {}

    /// Whether a failure at the head could be healed by sending the batch again.
    public var canRepeat: Bool { !self.isRepeated && self.state.rawValue > State.prologue.rawValue }

    /// Whether a Bind or a Describe that goes out next could be sent again.
    ///
    /// - Parameter isFirst: it begins a batch, outside a transaction.
    public func couldRepeat(_ frame: Frame, isFirst: Bool) -> Bool {
        // The rest of a batch is mostly short.
        frame.isComplete && frame.length <= Self.bytesMax / 2
            && (isFirst || self.state == .prologue || self.state == .preparing)
    }

    /// Whether messages are to be told to it.
    @inline(__always)
    public var isActive: Bool {
        mutating get { self.state != .none }
    }

    /// A client's message goes out.
    ///
    /// - Parameters:
    ///   - frame: the message in `bytes`, as the client sent it.
    ///   - isShared: it is a Bind to a shared statement, or a Describe of one.
    ///   - isFirst: it begins a batch, outside a transaction, and nothing is due.
    ///   - change: the last of the ledger's changes, this message included.
    @inline(__always)
    public mutating func sent(
        _ request: ReplyLedger.Request,
        _ bytes: Span<UInt8>,
        _ frame: Frame,
        isShared: Bool,
        isFirst: Bool,
        change: @autoclosure () -> Int
    ) {
        if isFirst {
            self.state = .prologue
            self.bytes.removeAll()
        }
        if self.state == .none { return }
        self.add(request, bytes, frame, isShared, change)
    }

    private mutating func add(
        _ request: ReplyLedger.Request,
        _ bytes: Span<UInt8>,
        _ frame: Frame,
        _ isShared: Bool,
        _ change: () -> Int
    ) {
        var isMarked = false
        switch (self.state, request) {
        case (.prologue, .describeStatement) where isShared:
            self.marks.removeAll(keepingCapacity: true)
            self.state = .preparing
            isMarked = true
        case (.prologue, .parse), (.prologue, .close):
            // A Describe of anything else may fail as one of a shared statement does, and then the
            // batch must not be sent again from the wrong place.
            return
        case (.preparing, .parse), (.preparing, .close):
            isMarked = true
        case (.preparing, .describeStatement) where isShared:
            // One of the server's unnamed statement would only fail once more.
            isMarked = true
        case (.prologue, .bind) where isShared:
            self.marks.removeAll(keepingCapacity: true)
            self.state = .recording
        case (.preparing, .bind):
            self.state = .recording
        case (.recording, .query), (.recording, .functionCall), (.recording, .copyEnd):
            return self.end()
        case (.preparing, .sync), (.recording, .sync):
            self.state = .whole
        case (.recording, _):
            // As long as nothing is bound, nothing of it has been answered.
            break
        default:
            return self.end()
        }
        guard frame.isComplete, self.bytes.count + frame.length <= Self.bytesMax else {
            return self.end()
        }
        self.bytes.append(bytes, in: frame.offset..<frame.end)
        if isMarked { self.marks.append(Mark(change: change(), end: self.bytes.count)) }
    }

    /// A message about the unnamed statement goes out as it is. Behind a Bind to a shared one it
    /// would be sent again; where it comes first, there is nothing to heal.
    public mutating func sentUnnamed(_ bytes: Span<UInt8>, _ frame: Frame) {
        guard self.state == .recording, frame.isComplete,
            self.bytes.count + frame.length <= Self.bytesMax
        else { return self.end() }
        self.bytes.append(bytes, in: frame.offset..<frame.end)
    }

    /// A Flush goes out: its client waits for what comes before it.
    public mutating func flushed(_ bytes: Span<UInt8>, _ frame: Frame) {
        guard self.state == .preparing || self.state == .recording else { return }
        guard frame.isComplete, self.bytes.count + frame.length <= Self.bytesMax else {
            return self.end()
        }
        self.bytes.append(bytes, in: frame.offset..<frame.end)
    }

    /// A message waits, and something of Weir's own has gone out for it: behind a whole batch that
    /// belongs to the next one, which would be answered in the middle of the repetition.
    public mutating func sentAhead() {
        if self.state == .whole { self.end() }
    }

    /// The batch can be sent again no more.
    public mutating func end() { self.state = .none }

    /// The client has gone, maybe in the middle of a repetition: the next batch is another one's.
    public mutating func clientGone() {
        self.end()
        self.isRepeated = false
    }

    /// The batch is sent again, without what has been answered.
    ///
    /// - Parameter ended: the ledger's changes up to this one are answered.
    /// - Returns: the messages from the one on that has failed.
    public mutating func repeated(after ended: Int) -> ArraySlice<UInt8> {
        self.isRepeated = true
        self.state = .none
        let start = self.marks.last { $0.change <= ended }?.end ?? 0
        return self.bytes.bytes[start...]
    }

    /// A batch has been answered in full.
    public mutating func batchEnded() { self.isRepeated = false }
}
