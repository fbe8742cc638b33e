/// What PostgreSQL's list of sessions says about the fleet.
public struct SessionCount: Equatable, Sendable {
    /// The fleet's sessions.
    public var sessions: Int
    /// Of those that were asked for by name, the ones that are in the list.
    public var ownListed: Int
    /// The server that has been asked.
    public var server: ServerIdentity
    /// What it says of itself, if it was asked.
    public var facts: ServerFacts?

    /// Creates a count.
    public init(
        sessions: Int,
        ownListed: Int,
        server: ServerIdentity,
        facts: ServerFacts? = nil
    ) {
        self.server = server
        self.facts = facts
        self.sessions = sessions
        self.ownListed = ownListed
    }
}
