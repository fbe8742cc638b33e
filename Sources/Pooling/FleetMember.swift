/// What one process does about the fleet's budget for one PostgreSQL server.
///
/// ## Overview
/// The truth is PostgreSQL's own list of sessions. To open connections a member goes through the
/// fleet's gate, one member at a time, counts what is in the list, opens what is left of the
/// budget, and stays until what it opened is in the list too. Beside the gate there is the board,
/// where members say what they hold and want; who has more than its share while others wait gives
/// back. Losing the engine of gate and board stops opening and nothing else.
///
/// ## Function
/// The shell tells what happens and does the actions that each event returns, in their order. It
/// calls `tick` at `deadline`, asks `takePermit` immediately before each startup message, and says
/// of each attempt what became of it. A connection that has logged in is in PostgreSQL's list:
/// that is how a member knows that it may leave the gate.
///
/// All times are of one boot-time clock that never goes back. The one window that stays: a process
/// that is frozen between `takePermit` and its startup message sends it when it wakes up, however
/// late. PostgreSQL's `CONNECTION LIMIT` is the fence for that.
///
/// ## Implementation
/// Events note facts; `decide` then does all that follows from the facts, and `deadline` is the
/// first moment at which something else will follow from them.
public struct FleetMember: Sendable {
    /// Where the member is on its way through the gate.
    enum Gate: Equatable, Sendable {
        /// It has not asked for it.
        case outside
        /// It has asked for it.
        case entering
        /// It has the gate, and has asked for a count.
        case counting
        /// It has the gate, and what was counted may not be all: it counts again.
        case settling
        /// It has counted, and what it may open it opens.
        case inside
    }

    /// Names the process.
    public let member: UInt64
    /// What it goes by.
    public internal(set) var limits: FleetLimits

    // What it has and what it wants.

    /// Connections from their startup message to their login.
    public internal(set) var opening = 0
    /// Connections that have logged in and are not closed.
    public internal(set) var open = 0
    /// Attempts given up although the server has not refused them: until when each may still become
    /// a session.
    var doubts: [Instant] = []
    /// Connections that it has been told to end and has not.
    public internal(set) var ending = 0
    /// Of those, the ones that it was told to take from their clients, at least. Nobody says which
    /// kind has been closed: what is withdrawn too soon is asked for again, and what stayed owed
    /// for too long would keep the member from giving anything else.
    var endingInUse = 0
    var used = 0
    var usedPeak = RecentPeak()
    var waiting = 0
    var waitingSince: Instant = 0
    var isDraining = false
    var hasLeft = false

    // The engine.

    var isConnected = true
    var isReconnecting = false
    var reconnectAt: Instant = .min
    var failures = 0

    // The gate.

    var gate = Gate.outside
    var pass: GatePass
    var enteredAt: Instant = 0
    /// When the lease was last asked to be renewed, of those times that it was.
    var leaseRenewedAt: Instant = .min
    var calm = Calm()
    var hasAskedForDeaths = false
    /// What may be opened yet, and until when.
    var permits = 0
    var permitsUntil: Instant = .min
    /// What the last count leaves of the budget, less what has been opened since.
    var room = 0
    /// Own connections that may not have been in the list when it was read.
    var unlisted = 0
    /// Whether anything was opened in this pass.
    var hasOpened = false
    /// Passes one after another that opened nothing although they could have.
    var idlePasses = 0
    var enterAt: Instant = .min
    var othersPass: GatePass?
    var othersPassSince: Instant = 0

    // The board.

    var pace = PublishPace()
    /// Whether the next entry comes with a wake-up.
    var mustWake = false
    var wakeAt: Instant = .min
    var isReading = false
    var lastRead: Instant = .min
    var wasWoken = false
    /// Whether the last look has shown that there is nothing to have.
    var isShort = false
    /// How often in a row; readings of the board become rarer.
    var shortReads = 0
    var rolls: UInt64 = 0
    /// Readings in a row after which there was nothing to give.
    var vainReads = 0
    /// Whether others wait for what the member has above its share.
    var isPressed = false
    /// Since when there have been free slots at every look.
    var freeSince: Instant?
    /// The board as it was last read: own share, slots that are free, members that wait.
    var part = Sharing.Part(share: 0, bounds: 0...0)
    var free = 0
    var othersWait = false
    /// Slots that are kept for others who have less than their minimum.
    var othersSure = 0
    /// Whether others have been silent for too long.
    var othersSilent = false
    /// Since when there have been orphans at every look, and the last of these.
    var orphansSeen: (first: Instant, last: Instant)?
    /// The fleet's sessions in PostgreSQL's list, at the last count; nil before the first.
    public internal(set) var counted: Int?
    /// Of those, the ones that no member has.
    public internal(set) var orphans: Int?

    /// When `tick` is to be called, if nothing happens before.
    public internal(set) var deadline: Instant = .min

    /// Creates a member that is connected to its engine and has nothing.
    public init(member: UInt64, limits: FleetLimits) {
        self.member = member
        self.limits = limits
        self.pass = GatePass(member: member, number: 0)
    }

    /// What the process may do, and what it owes.
    public var standing: FleetStanding {
        var standing = FleetStanding()
        if self.isConnected { standing.state = self.isShort ? .short : .open }
        if self.isConnected, self.gate == .inside {
            standing.permits = max(0, min(self.permits, self.room))
        }
        standing.owed = self.ending
        return standing
    }

    // MARK: Events of the process

    /// The member begins without its engine.
    public mutating func begin(now: Instant) -> [FleetAction] {
        self.isConnected = false
        return self.decide(now: now)
    }

    /// What the process goes by has changed.
    public mutating func limitsChanged(
        budget: Int,
        weight: Int,
        minimum: Int,
        now: Instant
    ) -> [FleetAction] {
        (self.limits.budget, self.limits.weight, self.limits.minimum) = (budget, weight, minimum)
        self.isShort = false
        self.pace.forget()
        return self.decide(now: now)
    }

    /// Time has passed.
    public mutating func tick(now: Instant) -> [FleetAction] { self.decide(now: now) }

    /// Clients use `used` connections now, and `waiting` wait for one and could be given one, the
    /// oldest since `oldestSince`. Connections that a pool has for its minimum count as used, and
    /// those that it wants for it as waiting.
    public mutating func demandChanged(
        used: Int,
        waiting: Int,
        oldestSince: Instant,
        now: Instant
    ) -> [FleetAction] {
        self.used = used
        self.usedPeak.note(used, now: now)
        self.waiting = waiting
        self.waitingSince = oldestSince
        return self.decide(now: now)
    }

    /// Whether a connection may be opened now; asked, and obeyed, immediately before each startup
    /// message.
    public mutating func takePermit(now: Instant) -> Bool {
        guard self.gate == .inside, self.isConnected, self.permits > 0, self.room > 0,
            now < self.permitsUntil
        else { return false }
        self.permits -= 1
        self.room -= 1
        self.opening += 1
        self.hasOpened = true
        return true
    }

    /// Whether a login may go on whose startup message was sent at `startedAt`; asked before each
    /// of its messages. One that may not is closed, and `openingGivenUp`.
    public func mayContinueLogin(startedAt: Instant, now: Instant) -> Bool {
        now < startedAt + self.limits.settleTime
    }

    /// A connection has logged in (ReadyForQuery): its session is in the list.
    public mutating func loggedIn(now: Instant) -> [FleetAction] {
        self.opening -= 1
        self.open += 1
        return self.decide(now: now)
    }

    /// The process has a connection from before it was a member: its session is in the list.
    public mutating func found(now: Instant) -> [FleetAction] {
        self.open += 1
        return self.decide(now: now)
    }

    /// The server has refused a connection or was never reached: there is no session.
    public mutating func openingRefused(now: Instant) -> [FleetAction] {
        self.opening -= 1
        return self.decide(now: now)
    }

    /// An attempt was given up, and nobody knows whether the server has heard of that.
    public mutating func openingGivenUp(now: Instant) -> [FleetAction] {
        self.opening -= 1
        self.doubts.append(now + self.limits.settleTime)
        return self.decide(now: now)
    }

    /// The server has closed a connection that had logged in. Whichever it was: it counts towards
    /// what the member was told to end.
    public mutating func closed(now: Instant) -> [FleetAction] {
        self.open -= 1
        if self.ending > 0 {
            self.ending -= 1
            self.endingInUse = max(0, self.endingInUse - 1)
            if self.ending == 0 { self.mustWake = true }
        } else {
            // Nobody has asked for this slot: there is one to be had.
            self.isShort = false
        }
        return self.decide(now: now)
    }

    /// The process opens nothing more, and takes leave when it has nothing.
    public mutating func drain(now: Instant) -> [FleetAction] {
        self.isDraining = true
        return self.decide(now: now)
    }

    // MARK: Queries

    /// Its share of the slots, as the board was last read.
    public var share: Int { self.part.share }

    /// Connections that the member has, or may have.
    public var held: Int { self.opening + self.open + self.doubts.count }

    /// What the member says of itself.
    func entry(now: Instant) -> BoardEntry {
        var entry = BoardEntry(
            member: self.member,
            weight: self.limits.weight,
            minimum: self.limits.minimum
        )
        entry.held = self.held
        entry.ending = min(self.ending, self.held)
        entry.used = self.isDraining ? 0 : max(self.used, min(self.usedPeak.value, self.held))
        entry.waiting = self.isDraining ? 0 : self.waiting
        entry.settledDeaths = self.calm.settledDeaths
        entry.oldestWait = self.waiting > 0 ? max(0, now - self.waitingSince) : 0
        return entry
    }

    /// Connections that it has and keeps.
    var living: Int { max(0, self.held - self.ending) }

    /// Connections that it would open if it could.
    var need: Int { self.isDraining ? 0 : max(0, self.waiting - self.opening) }

    // MARK: Deciding

    /// Does what follows from the facts.
    mutating func decide(now: Instant) -> [FleetAction] {
        var actions: [FleetAction] = []
        self.deadline = .max
        guard !self.hasLeft else { return actions }
        self.usedPeak.note(self.used, now: now)
        self.doubts.removeAll { $0 <= now }
        for doubt in self.doubts { self.call(at: doubt) }
        if self.isDraining, self.held == 0 {
            if self.gate != .outside { actions.append(.leaveGate) }
            self.hasLeft = true
            self.gate = .outside
            actions.append(.goodbye)
            return actions
        }
        guard self.isConnected else {
            self.decideReconnecting(now: now, &actions)
            return actions
        }
        if !self.hasAskedForDeaths, self.limits.lease == nil {
            self.hasAskedForDeaths = true
            actions.append(.look)
        }
        self.decideGate(now: now, &actions)
        self.decidePublishing(now: now, &actions)
        self.decideReading(now: now, &actions)
        return actions
    }

    /// Something else is to be decided at `moment`.
    mutating func call(at moment: Instant) { self.deadline = min(self.deadline, moment) }

    private mutating func decideReconnecting(now: Instant, _ actions: inout [FleetAction]) {
        guard !self.isReconnecting else { return }
        guard now >= self.reconnectAt else { return self.call(at: self.reconnectAt) }
        self.isReconnecting = true
        actions.append(.reconnect)
    }
}
