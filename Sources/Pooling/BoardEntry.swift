/// What a process of the fleet says of itself, about one PostgreSQL server, on the fleet's board.
public struct BoardEntry: Equatable, Sendable {
    /// Names the process for as long as it lives; no two of a fleet have the same.
    public var member: UInt64
    /// How much of what all want is its, compared with others; at least 1.
    public var weight: Int
    /// Slots that it gets before others get more than theirs, if it wants them.
    public var minimum: Int

    /// Connections that it has, is opening, or has told to end.
    public var held = 0
    /// Of those, the ones that it has been told to end so that others get them.
    public var ending = 0
    /// Of those that it has, the ones that clients use or that fill a pool's minimum.
    public var used = 0
    /// Clients that wait for one and could be given one, as far as its own limits go.
    public var waiting = 0
    /// How long the oldest of them has waited.
    public var oldestWait: Nanoseconds = 0

    /// How many deaths the engine had counted when the member waited until all that the dead had
    /// sent was in PostgreSQL's list. It is true for everybody, so one alone has to wait.
    public var settledDeaths: Int?

    /// Creates the entry of a process that has nothing.
    public init(member: UInt64, weight: Int, minimum: Int) {
        self.member = member
        self.weight = max(1, weight)
        self.minimum = minimum
    }

    /// Connections that it has work for.
    public var wanted: Int { self.used + self.waiting }
    /// Whether the member neither has nor wants anything.
    public var isAtRest: Bool { self.held == 0 && self.wanted == 0 }
    /// Connections that it has and keeps.
    public var living: Int { max(0, self.held - self.ending) }
    /// Connections that nobody uses.
    public var idle: Int { max(0, self.living - self.used) }
}
