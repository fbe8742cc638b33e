/// What a member sees that counts inside the gate: PostgreSQL's list of sessions and the board,
/// read in one query.
///
/// The list is read first and `deaths` after it: a session that ends leaves the list only after it
/// has been counted as dead, so that a holder killed just now is seen in one of the two.
public struct FleetCount: Sendable {
    /// The fleet's sessions in the list, the member's own included.
    public var sessions: Int
    /// Of the connections that the member has now, the ones whose sessions are in the list.
    public var ownListed: Int
    /// Grows whenever a session that could have held the gate ends otherwise than by its own wish;
    /// nil where the engine cannot tell.
    public var deaths: Int?
    /// Whether the board shows another member in the gate, which it cannot be.
    public var isOtherInGate: Bool
    /// The board.
    public var board: Board
    /// The last moment at which the gate is known to have been the member's, by its own clock:
    /// before the last question of the count was sent.
    public var heldAt: Instant

    /// Creates a count.
    public init(
        sessions: Int,
        ownListed: Int,
        deaths: Int?,
        isOtherInGate: Bool,
        board: Board,
        heldAt: Instant
    ) {
        self.sessions = sessions
        self.ownListed = ownListed
        self.deaths = deaths
        self.isOtherInGate = isOtherInGate
        self.board = board
        self.heldAt = heldAt
    }
}
