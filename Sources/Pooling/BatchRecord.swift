public import Wire

/// The messages of the batch under way, from its first Bind on, kept as long as they could be sent
/// once more without anybody noticing.
///
/// A server may have prepared a statement before its tables changed. PostgreSQL then fails the Bind
/// ("cached plan must not change result type"), although the client has asked for nothing that it
/// could not have. The copy is parsed anew, and the batch sent again: nothing of it has been run,
/// and nothing of it has been answered but what came before that Bind.
public struct BatchRecord: Sendable {
    private enum State: UInt8, Sendable {
        /// Nothing is recorded.
        case none
        /// A batch has begun outside a transaction, and nothing has been bound or run in it.
        case prologue
        /// What comes is recorded, up to the Sync.
        case recording
        /// The Sync is in it.
        case whole
    }

    private var state = State.none
    /// The messages, as the client sent them.
    public private(set) var bytes: [UInt8] = []
    /// The batch has been sent twice already.
    private var isRepeated = false

    /// The longest batch that is kept.
    static let bytesMax = 8_192

    /// Creates an empty record.
    public init() {}

    /// Whether a failure of the Bind at the head could be healed by sending the batch again.
    public var canRepeat: Bool {
        !self.isRepeated && (self.state == .recording || self.state == .whole)
    }

    /// A client's message goes out.
    ///
    /// - Parameters:
    ///   - frame: the message in `bytes`, as the client sent it.
    ///   - isShared: it is a Bind to a shared statement.
    ///   - isFirst: it begins a batch, outside a transaction, and nothing is due.
    @inline(__always)
    public mutating func sent(
        _ request: ReplyLedger.Request,
        _ bytes: Span<UInt8>,
        _ frame: Frame,
        isShared: Bool,
        isFirst: Bool
    ) {
        if isFirst {
            self.state = .prologue
            self.bytes.removeAll(keepingCapacity: true)
        }
        if self.state == .none { return }
        self.add(request, bytes, frame, isShared)
    }

    private mutating func add(
        _ request: ReplyLedger.Request,
        _ bytes: Span<UInt8>,
        _ frame: Frame,
        _ isShared: Bool
    ) {
        switch (self.state, request) {
        case (.prologue, .parse), (.prologue, .close), (.prologue, .describeStatement):
            return
        case (.prologue, .bind) where isShared:
            self.state = .recording
        case (.recording, .bind), (.recording, .describePortal), (.recording, .execute):
            break
        case (.recording, .sync):
            self.state = .whole
        default:
            return self.end()
        }
        guard frame.isComplete, self.bytes.count + frame.length <= Self.bytesMax else {
            return self.end()
        }
        bytes.append(frame.offset..<frame.end, to: &self.bytes)
    }

    /// A Flush goes out: its client waits for what comes before it.
    public mutating func flushed(_ bytes: Span<UInt8>, _ frame: Frame) {
        guard self.state == .recording else { return }
        guard frame.isComplete, self.bytes.count + frame.length <= Self.bytesMax else {
            return self.end()
        }
        bytes.append(frame.offset..<frame.end, to: &self.bytes)
    }

    /// The batch can be sent again no more.
    public mutating func end() { self.state = .none }

    /// The batch is sent again.
    public mutating func repeated() {
        self.isRepeated = true
        self.state = .none
    }

    /// A batch has been answered in full.
    public mutating func batchEnded() { self.isRepeated = false }
}
