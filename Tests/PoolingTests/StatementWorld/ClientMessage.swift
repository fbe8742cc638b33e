import Pooling
import TestSupport
import Wire

/// A message of a simulated client.
struct ClientMessage {
    /// No other message of the world has it.
    var tag: Int
    var request: PostgresRequest
    /// As it stands on the wire.
    var bytes: [UInt8]
    /// Its batch began before the one before it was answered, as far as its client knew.
    var isPipelined: Bool

    init(_ request: PostgresRequest, tag: Int, isPipelined: Bool) {
        self.request = request
        self.tag = tag
        self.isPipelined = isPipelined
        self.bytes = request.message.bytes
    }

    var kind: UInt8 { self.bytes[0] }
    /// The first byte of the body.
    var target: UInt8 { self.bytes.count > 5 ? self.bytes[5] : 0 }

    var frame: Frame {
        let count = self.bytes.count
        return Frame(kind: self.kind, offset: 0, length: count, available: count)
    }
}
