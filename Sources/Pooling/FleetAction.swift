/// What a fleet member wants done, in this order.
public enum FleetAction: Equatable, Sendable {
    /// Put this on the board in place of what is there; with `wakes`, tell the others that there is
    /// something new (`FleetMember.woken`).
    case publish(BoardEntry, wakes: Bool)
    /// Read the board and answer with `boardRead`.
    case readBoard
    /// Read the deaths alone, outside the gate, and answer with `looked`.
    case look
    /// Ask for the gate; `gateEntered` follows, sometime. While the pass lasts the board shows it.
    case enterGate(GatePass)
    /// Read list and board, on the session that holds the gate if the gate is a session's, and
    /// answer with `counted`.
    case count
    /// So many connections may be opened now: `takePermit` before each startup message.
    case permits(Int)
    /// Take the pass off the board and leave the gate.
    case leaveGate
    /// Take the gate from this pass, if it has it still.
    case breakGate(GatePass)
    /// End connections: so many that nobody uses, and so many of those in use as they come back.
    /// `FleetMember.ending` says how many are still owed.
    case end(idle: Int, used: Int)
    /// End the sessions that belong to no member of the board, or to one that has been silent for
    /// too long. Comes inside the gate, and only there.
    case terminateOrphans
    /// Connect to the engine; `ledgerBack` or `ledgerLost` follows.
    case reconnect
    /// Nothing is held any more and nothing will be: take the entry off the board.
    case goodbye
}
