import TestSupport
import Wire

/// A model of PostgreSQL at the other end of a connection: what was sent is read later, and what it
/// says leaves when PostgreSQL flushes.
final class PostgresSession {
    struct Sent {
        var message: RawMessage
        /// The client's message that this is, or was sent for; -1 for one of the pooler's own.
        var tag: Int
    }

    private(set) var model: PostgresModel
    private var inbox: [Sent] = []
    private var read = 0
    private var outbox: [PostgresReply] = []
    private var taken = 0
    /// How much of the outbox has been flushed.
    private var flushed = 0
    /// A cancel request has come in the middle of something.
    private var isCanceled = false

    init(catalog: StatementCatalog) { self.model = PostgresModel(catalog: catalog) }

    var unread: Int { self.inbox.count - self.read }
    var deliverable: Int { self.flushed - self.taken }
    /// Whether nothing is on its way in either direction but what has no answer.
    var isQuiet: Bool {
        self.taken == self.outbox.count
            && self.inbox[self.read...].allSatisfy { $0.message.kind == UInt8(ascii: "H") }
    }
    /// The message that is read next.
    var next: Sent? { self.unread > 0 ? self.inbox[self.read] : nil }

    func set(parsing: Int) { self.model.parsing = parsing }
    /// Its statements have been taken away behind the pooler's back.
    private(set) var hasLost = false

    func loseStatements() {
        self.model.loseStatements()
        self.hasLost = true
    }

    /// A cancel request arrives; true when it meets something.
    func cancel() -> Bool {
        guard self.unread > 0, !self.model.isSkipping else { return false }
        self.isCanceled = true
        return true
    }

    func send(_ message: RawMessage, tag: Int) {
        self.inbox.append(Sent(message: message, tag: tag))
    }

    /// Reads one message.
    func readOne(at epoch: Int) {
        let sent = self.inbox[self.read]
        self.read += 1
        if self.read == self.inbox.count {
            self.inbox.removeAll(keepingCapacity: true)
            self.read = 0
        }
        let request = PostgresRequest(sent.message)
        let isInterruptible = Self.isInterruptible(request)
        let order: PostgresModel.Order =
            self.isCanceled && isInterruptible ? .fail("57014") : .none
        self.isCanceled = false
        var stage = 0
        while !self.model.step(request, stage: stage, at: epoch, order: order) { stage += 1 }
        var flushes = false
        for var reply in self.model.output {
            reply.tag = sent.tag
            reply.epoch = epoch
            if reply.isOfCopy { reply.isOfCopy = Self.isOfCopy(request) }
            if reply.kind == .error || reply.kind == .readyForQuery { flushes = true }
            self.outbox.append(reply)
        }
        self.model.output.removeAll(keepingCapacity: true)
        if case .flush = request { flushes = true }
        if flushes { self.flushed = self.outbox.count }
    }

    /// Whether PostgreSQL looks for cancel requests while it does what a message says.
    private static func isInterruptible(_ request: PostgresRequest) -> Bool {
        switch request {
        case .closeStatement, .closePortal, .sync, .flush, .terminate: false
        default: true
        }
    }

    /// Whether a message is about a statement of the pooler's.
    private static func isOfCopy(_ request: PostgresRequest) -> Bool {
        switch request {
        case .bind(_, let name, _, _), .describeStatement(let name): name.hasPrefix("weir_")
        default: false
        }
    }

    /// Takes the next reply that has been flushed.
    func take() -> PostgresReply? {
        guard self.deliverable > 0 else { return nil }
        let reply = self.outbox[self.taken]
        self.taken += 1
        if self.taken == self.outbox.count {
            self.outbox.removeAll(keepingCapacity: true)
            self.taken = 0
            self.flushed = 0
        }
        return reply
    }
}
