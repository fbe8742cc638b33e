import Pooling
import Wire

/// A client that has asked for the console, on its way to the worker that keeps it.
struct ConsoleTransfer: Sendable {
    var descriptor: Int32
    var number: Int64
    /// Wall-clock microseconds.
    var connectTime: Int64
    /// When it connected, for the login's time limit.
    var acceptedAt: Instant
    var startup: StartupParameters
    /// What it has sent behind its startup packet.
    var rest: [UInt8]
}
