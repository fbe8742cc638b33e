/// What a fleet lets one process do at one PostgreSQL server now.
public struct FleetStanding: Equatable, Sendable {
    /// Where the process stands with what it lacks.
    public enum State: Equatable, Sendable {
        /// It can ask for more.
        case open
        /// The last count has shown that there is no slot to have.
        case short
        /// The ledger cannot be reached: what there is stays, and nothing is opened.
        case lost
    }

    /// Startup messages that may be sent.
    public var permits = 0
    /// Where it stands.
    public var state = State.lost
    /// Connections that are to end so that others get their slots, those that are being closed
    /// included.
    public var owed = 0

    /// Why a process that wants more has no permit, for people.
    public var situation: String {
        switch self.state {
        case .open: "The fleet has not given a permit yet"
        case .short: "The fleet has all connections that it may have"
        case .lost: "The fleet's ledger cannot be reached, so nothing is opened"
        }
    }

    /// Creates the standing of a process that has not reached the ledger yet.
    public init() {}
}
