import TestSupport

/// A server that trusts everybody and answers every Query and every Sync at once with the same
/// bytes, or, where something has been parsed under a name, with what a preparation is answered.
struct FakePostgreSQL: Sendable {
    private let listener: Int32
    private let reply: [UInt8]

    /// Listens on a port of this machine.
    init(port: UInt16, reply: [UInt8]) {
        self.listener = Stream.listen(on: port)
        self.reply = reply
    }

    /// What a login is answered with.
    private static let greeting: [UInt8] =
        [
            RawMessage("R", "\0\0\0\0"),
            RawMessage("S", "server_version\015.0\0"),
            RawMessage("S", "server_encoding\0UTF8\0"),
            RawMessage("S", "client_encoding\0UTF8\0"),
            RawMessage("S", "application_name\0\0"),
            RawMessage("S", "DateStyle\0ISO, MDY\0"),
            RawMessage("S", "TimeZone\0UTC\0"),
            RawMessage("S", "standard_conforming_strings\0on\0"),
            RawMessage("K", "\0\0\0\u{1}\0\0\0\u{2}"),
            RawMessage("Z", "I"),
        ].flatMap(\.bytes)

    /// A Parse and the Describe that goes with it, with a Sync.
    private static let prepared: [UInt8] =
        [
            RawMessage("1"), RawMessage("t", "\0\u{1}\0\0\0\u{17}"), RawMessage("n"),
            RawMessage("Z", "I"),
        ].flatMap(\.bytes)

    /// Serves one connection until its end.
    func serve() {
        let stream = Stream.accept(from: self.listener)
        var input: [UInt8] = []
        while input.count < 8 || input.count < Self.startupLength(input) {
            guard stream.receive(into: &input) else { return }
        }
        input.removeFirst(Self.startupLength(input))
        stream.send(Self.greeting)
        var output: [UInt8] = []
        var isPreparing = false
        while stream.receive(into: &input) {
            output.removeAll(keepingCapacity: true)
            for message in RawMessage.take(from: &input) {
                switch message.kind {
                case UInt8(ascii: "P") where message.body.first != 0: isPreparing = true
                case UInt8(ascii: "S") where isPreparing:
                    output += Self.prepared
                    isPreparing = false
                case UInt8(ascii: "Q"), UInt8(ascii: "S"): output += self.reply
                default: break
                }
            }
            if !output.isEmpty { stream.send(output) }
        }
    }

    private static func startupLength(_ bytes: [UInt8]) -> Int {
        bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
    }
}
