/// What a member of a fleet goes by, about one server.
public struct FleetLimits: Equatable, Sendable {
    /// What becomes of sessions that no member holds.
    public enum Fence: Equatable, Sendable {
        /// Their slots stay taken until PostgreSQL has ended them.
        case wait
        /// They are ended when they have been there for so long.
        case terminate(after: Nanoseconds)
    }

    /// The fleet's sessions, at most; the smallest of all members' budgets counts.
    public var budget: Int
    /// How much of what all want is the member's, compared with others.
    public var weight = 1
    /// Slots that the member gets before others get more than theirs.
    public var minimum = 1
    /// What becomes of sessions that no member holds (`budget_fence`).
    public var fence = Fence.wait

    /// How long a count may be used, from when it was asked for. It need not be longer than what a
    /// busy loop takes to send a few startup messages: all have to wait for it when a holder dies.
    public var permitWindow: Nanoseconds = 300_000_000
    /// The longest time from a startup message to the session in PostgreSQL's list, or to the end
    /// of the attempt. Who logs in gives up after that time, and looks at it before each message of
    /// the login (`FleetMember.mayContinueLogin`), or a process stopped in the middle of a login
    /// would make a session that nobody expects any more.
    public var settleTime: Nanoseconds = 300_000_000
    /// For an engine whose gate is a lease: how long it lives after each renewal. The lease
    /// outlives its holder by more than `settleTime`, so that nobody has to settle. Nil where the
    /// gate is free at the moment its holder's session ends. Who ends a lease by hand must
    /// know that its holder is dead since `settleTime`.
    public var lease: Nanoseconds?
    /// Whether a member settles when a holder may have died. Only tests say no, to see what for.
    var settles = true

    /// From when a pass that does not end is broken: far more than a pass takes.
    public var gateLimit: Nanoseconds = 3_000_000_000
    /// Whether the engine tells the others when somebody publishes with `wakes`.
    public var hasWakeUps = true
    /// Time between two readings of the board by a member that waits, or that others wait for.
    public var readPause: Nanoseconds = 100_000_000
    /// Time between two readings by a member that may have something to give and has not been told
    /// that anybody wants it; ten times that where the engine has wake-ups and nobody waited at the
    /// last look.
    public var pollPause: Nanoseconds = 1_000_000_000
    /// Slots that have been free for so long are anybody's who waits, whatever its share: those
    /// they were meant for do not come.
    public var freePatience: Nanoseconds = 2_000_000_000
    /// Between two tries to reach the engine: the first, and the bound of its doublings.
    public var retryPause: Nanoseconds = 100_000_000
    /// The bound of `retryPause`'s doublings.
    public var longestRetryPause: Nanoseconds = 1_600_000_000

    /// Creates limits with their defaults.
    public init(budget: Int) { self.budget = budget }

    /// How long after a holder's death all that it may have sent is in the list. The holder of a
    /// session's gate may live on and not know that it has lost it, so its permits count too; the
    /// sixteenth is for clocks that do not go alike.
    var settling: Nanoseconds {
        let sum = self.permitWindow + self.settleTime
        return sum + sum / 16
    }
}
