import Pooling
import Reactor
import Wire

/// A server connection on its way from one worker to another: its descriptor, its slot, and all
/// that is known of it.
struct ServerTransfer: Sendable {
    var descriptor: Int32
    var pool: PoolID
    /// The PostgreSQL server that counts it, by its place among the caps.
    var host: Int?
    /// Where its slot is one of a fleet's.
    var seat: (any FleetSeat)?
    var number: Int64
    /// Wall-clock microseconds.
    var connectTime: Int64
    /// Wall-clock microseconds of the last request.
    var requestTime: Int64
    /// When the login ended, for its lifetime.
    var connectedAt: Instant
    var address: SocketAddress
    var session: ServerSession
    /// Where it stands in a message that it sends by itself, and what has come of its next one.
    var reader: FrameReader
    var stash: [UInt8]
    /// Values of the followed parameters, by their place.
    var parameters: [String?]
    /// What is set beside those.
    var wishes: [SettingValue]
    /// The shared statements that it has prepared.
    var statements: [StatementCopy]
    var processID: UInt32
    var secret: [UInt8]
    /// The number of the last RECONNECT that it has heard of.
    var epoch: Int
    /// It has been idle for so long that it is checked before its next use.
    var needsCheck: Bool
}
