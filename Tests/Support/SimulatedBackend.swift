import Pooling
import Wire

/// A session of the simulated PostgreSQL: bytes in, bytes out, with a nose for what must never
/// reach it.
struct SimulatedBackend {
    let pool: Int
    private var model = BackendModel()
    private var buffer: [UInt8] = []
    private var name = "weir"
    /// Whose unnamed statement this session holds.
    private var statementOwner: Int?
    private(set) var hasEnded = false

    init(pool: Int) { self.pool = pool }

    /// What `application_name` must be when a client's request runs, by client.
    typealias Names = [Int: String]

    /// Reads bytes; returns the reply's bytes or what is wrong.
    mutating func read(
        _ bytes: [UInt8],
        _ book: RequestBook,
        _ names: inout Names,
        padding: Int
    ) -> (reply: [UInt8], fault: String?) {
        self.buffer += bytes
        var reply: [UInt8] = []
        for message in RawMessage.take(from: &self.buffer) where !self.hasEnded {
            guard let kind = FrontendKind(rawValue: message.kind) else {
                return (reply, "a message of kind \(message.kind) reached a server")
            }
            if kind == .copyData {
                // Data carry no questions; those of a client that vanished inside of them are
                // filled up with anything.
                self.model.read(BackendRequest(.copyData, tag: -1))
            } else if let tag = RequestBook.tag(in: message.body) {
                if let fault = self.readOfClient(kind, tag, book, &names) { return (reply, fault) }
            } else {
                reply += self.readOfWeir(kind, message)
            }
            for answer in self.model.output {
                if answer.tag >= 0 || answer.kind != .parameterStatus {
                    reply += RequestBook.bytes(answer, padding: padding)
                }
            }
            self.model.output.removeAll(keepingCapacity: true)
            self.hasEnded = self.model.isClosed
        }
        return (reply, nil)
    }

    private mutating func readOfClient(
        _ kind: FrontendKind,
        _ tag: Int,
        _ book: RequestBook,
        _ names: inout Names
    ) -> String? {
        let request = book.requests[tag]
        let asker = book.askers[tag]
        guard request.kind == kind else { return "request \(tag) reached a server as \(kind)" }
        self.forgetUnnamed(at: kind)
        self.model.read(request)
        let answers = self.model.output.map(\.kind)
        if kind == .parse, answers == [.parseComplete] { self.statementOwner = asker }
        if kind == .bind, answers == [.bindComplete], let owner = self.statementOwner,
            owner != asker
        {
            return "client \(asker) met the statement of client \(owner)"
        }
        if kind == .query || kind == .parse || kind == .execute, !answers.isEmpty,
            names[asker] != self.name
        {
            return "client \(asker) ran as \(self.name), not as \(names[asker] ?? "")"
        }
        for answer in self.model.output where answer.kind == .parameterStatus {
            self.name = "v\(answer.tag)"
            names[asker] = self.name
        }
        return nil
    }

    /// PostgreSQL drops the unnamed statement before it runs a simple query, and before it parses
    /// another one.
    private mutating func forgetUnnamed(at kind: FrontendKind) {
        if kind == .query || kind == .parse, !self.model.isIgnoring, !self.model.isCopying {
            self.statementOwner = nil
        }
    }

    /// Weir's own: settings, ROLLBACK, Sync, Close, CopyFail.
    private mutating func readOfWeir(_ kind: FrontendKind, _ message: RawMessage) -> [UInt8] {
        var reply: [UInt8] = []
        self.forgetUnnamed(at: kind)
        var statements: [BackendRequest.Statement] = []
        if kind == .query {
            let prefix = "SELECT pg_catalog.set_config('application_name','"
            if message.text.hasPrefix(prefix) {
                self.name = String(message.text.dropFirst(prefix.count).prefix { $0 != "'" })
                reply = RawMessage("S", "application_name\0\(self.name)\0").bytes
            }
            statements = [message.text.hasPrefix("ROLLBACK") ? .rollback : .command]
        }
        self.model.read(BackendRequest(kind, statements, tag: -1))
        if kind == .close, self.model.output.map(\.kind) == [.closeComplete] {
            self.statementOwner = nil
        }
        return reply
    }
}
