public import Pooling

/// What an engine tells its member; `FleetMember` has the same events.
public enum LedgerEvent: Sendable {
    /// There is no connection, or no longer; the gate is lost with it. The text is for people.
    case lost(String)
    /// `reconnect` has worked.
    case back
    /// The gate is no longer the member's, though the connection is there.
    case gateLost
    /// The lease was granted or renewed, as it was asked to be at `sentAt`.
    case leaseRenewed(sentAt: Instant)
    /// The answer to `look`.
    case looked(deaths: Int?)
    /// The gate is the member's.
    case gateEntered(GatePass)
    /// The answer to `count`, asked for at `sentAt`.
    case counted(FleetCount, sentAt: Instant)
    /// `count` has failed, though the gate is still held. The text is for people.
    case countFailed(String)
    /// The answer to `readBoard`.
    case boardRead(Board)
    /// Whether the engine can wake others at present; comes before `back` where it cannot always.
    case wakeUps(Bool)
    /// Somebody says that there is something new on the board.
    case woken
}
