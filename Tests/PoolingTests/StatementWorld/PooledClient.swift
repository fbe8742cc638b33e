import Pooling
import Wire

/// A client as the pooler of the simulation knows it.
final class PooledClient {
    let number: Int
    var session = ClientSession(mode: .transaction)
    var statements = ClientStatements()
    /// What has come and is not decided about; the first is at `head`.
    private var stash: [ClientMessage] = []
    private var head = 0
    /// What has been let through last, for a batch that is sent again.
    private(set) var passed: [ClientMessage] = []
    var server: PooledServer?
    /// How many messages are refused, and with which code.
    var refusals = 0
    var refusalCode = ""
    /// The settings that it has made.
    var settings = 0
    var isClosed = false
    /// The message that it was cut in has been let through.
    var isMidMessage = false

    init(number: Int) { self.number = number }

    var isStashEmpty: Bool { self.head == self.stash.count }
    var first: ClientMessage? { self.isStashEmpty ? nil : self.stash[self.head] }
    var stashCount: Int { self.stash.count - self.head }

    func append(_ message: ClientMessage) { self.stash.append(message) }

    /// The first message is done with.
    func dropFirst() {
        self.head += 1
        guard self.isStashEmpty else { return }
        self.stash.removeAll(keepingCapacity: true)
        self.head = 0
    }

    /// The first message has been let through.
    func passFirst() {
        if self.passed.count > 400 { self.passed.removeFirst(200) }
        self.passed.append(self.stash[self.head])
        self.dropFirst()
    }

    /// The last messages are to be decided about again, but for a Flush behind them.
    func putBack(_ bytes: [[UInt8]]) {
        while let last = self.passed.last, last.bytes != bytes.last,
            last.kind == FrontendKind.flush.rawValue
        {
            self.passed.removeLast()
        }
        let messages = self.passed.suffix(bytes.count)
        self.stash.replaceSubrange(..<self.head, with: messages)
        self.head = 0
        self.passed.removeLast(messages.count)
    }

    /// The first messages as they stand on the wire.
    func stashPrefix(_ count: Int) -> [[UInt8]] {
        self.stash[self.head...].prefix(count).map(\.bytes)
    }
}
