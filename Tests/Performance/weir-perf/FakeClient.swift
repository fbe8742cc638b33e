import Pooling
import TestSupport

/// A client that sends the same requests over and over, the next when the last are answered.
struct FakeClient {
    private let stream: Stream
    private let request: [UInt8]
    private let replyLength: Int
    private var input: [UInt8] = []
    /// The place of the worker that it came to, as its cancel key says.
    let worker: UInt32

    /// Logs in.
    init(port: UInt16, exchange: Exchange, batch: Int) {
        self.stream = Stream(connectingTo: port)
        self.request = Array(repeating: exchange.requestBytes, count: batch).flatMap { $0 }
        self.replyLength = exchange.replyBytes.count * batch
        let body =
            RawMessage.int32(196_608) + Array("user\0perf\0database\0perf\0\0".utf8)
        self.stream.send(RawMessage.int32(body.count + 4) + body)
        var messages: [RawMessage] = []
        while messages.last?.kind != UInt8(ascii: "Z") {
            guard self.stream.receive(into: &self.input) else {
                WeirPerf.fail("no login: \(messages.map(\.text))")
            }
            messages += RawMessage.take(from: &self.input)
        }
        let key = messages.first { $0.kind == UInt8(ascii: "K") }?.bytes.dropFirst(5).prefix(4)
        let processID = (key ?? []).reduce(0) { $0 << 8 | UInt32($1) }
        self.worker = processID % UInt32(CancelKeys.workersMax)
        guard let preparation = exchange.preparation else { return }
        self.stream.send(RawMessage("P", preparation).bytes + RawMessage("S").bytes)
        let answer = [RawMessage("1"), RawMessage("Z", "I")].flatMap(\.bytes).count
        self.stream.receive(answer, into: &self.input)
    }

    /// Sends one batch and waits for its answers.
    mutating func exchange() {
        self.stream.send(self.request)
        self.input.removeAll(keepingCapacity: true)
        self.stream.receive(self.replyLength, into: &self.input)
        precondition(self.input.count == self.replyLength, "got \(self.input.count) bytes")
    }
}
