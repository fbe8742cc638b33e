/// Clients that wait for a server, first come, first served.
///
/// A client that leaves from the middle leaves a hole behind; holes are skipped when they come to
/// the front, and swept out when they are most of the room. Places are in the order of their
/// tickets, so a ticket finds its place by bisection wherever that has moved to. Entering and
/// serving are O(1), leaving is O(log n), and order never changes.
public struct WaitQueue: Equatable, Sendable {
    /// A place in the queue.
    public struct Waiter: Equatable, Sendable {
        /// Who waits; `.none` for a hole.
        public var client: ClientID
        /// Since when.
        public var since: Instant
        /// Whether it has been told that it waits (`query_wait_notify`).
        public var isNotified: Bool
    }

    /// Finds a waiter that wants to leave.
    public struct Ticket: Equatable, Sendable {
        fileprivate var since: Instant
        /// Tells apart those who wait since the same moment; above 0 for who entered at the end,
        /// below for who came back.
        fileprivate var number: Int

        /// A ticket of nobody.
        public static let none = Ticket(since: .min, number: 0)

        fileprivate func isBefore(_ other: Ticket) -> Bool {
            self.since == other.since ? self.number < other.number : self.since < other.since
        }
    }

    private struct Place: Equatable, Sendable {
        var waiter: Waiter
        var ticket: Ticket
    }

    private var places: [Place] = []
    private var front = 0
    private var lastNumber = 0
    private var firstNumber = 0

    /// How many clients wait.
    public private(set) var count = 0

    /// Creates an empty queue.
    public init() {}

    /// Whether nobody waits.
    public var isEmpty: Bool { self.count == 0 }

    /// Since when the oldest waiter waits.
    public var oldest: Instant? {
        self.count == 0 ? nil : self.places[self.front].waiter.since
    }

    /// Enters a client at the end.
    public mutating func append(_ client: ClientID, since: Instant) -> Ticket {
        self.compact()
        self.lastNumber += 1
        // A clock that went backwards must not change the order.
        let order = max(since, self.places.last?.ticket.since ?? since)
        let ticket = Ticket(since: order, number: self.lastNumber)
        let waiter = Waiter(client: client, since: since, isNotified: false)
        self.places.append(Place(waiter: waiter, ticket: ticket))
        self.count += 1
        return ticket
    }

    /// Puts a client back where it waited before: it was served, and the server was lost before it
    /// could be used.
    public mutating func prepend(_ client: ClientID, since: Instant) -> Ticket {
        self.compact()
        self.firstNumber -= 1
        let ticket = Ticket(since: since, number: self.firstNumber)
        let waiter = Waiter(client: client, since: since, isNotified: true)
        let index = self.index(of: ticket)
        self.places.insert(Place(waiter: waiter, ticket: ticket), at: index)
        self.count += 1
        return ticket
    }

    /// Takes the client at the front.
    public mutating func popFirst() -> Waiter? {
        guard self.count > 0 else { return nil }
        let waiter = self.places[self.front].waiter
        self.leave(at: self.front)
        return waiter
    }

    /// Takes the client at the front when it waits since `time` or longer.
    public mutating func popFirst(since time: Instant) -> Waiter? {
        guard let oldest = self.oldest, oldest <= time else { return nil }
        return self.popFirst()
    }

    /// Lets a client leave; false when it is not in the queue.
    public mutating func remove(_ ticket: Ticket, client: ClientID) -> Bool {
        let index = self.index(of: ticket)
        guard index < self.places.count, self.places[index].ticket == ticket,
            client != .none, self.places[index].waiter.client == client
        else { return false }
        self.leave(at: index)
        return true
    }

    /// Calls `body` with each waiter that waits since `time` or longer and was not notified; they
    /// count as notified then.
    public mutating func notify(since time: Instant, _ body: (ClientID) -> Void) {
        for index in self.front..<self.places.count where self.isTaken(index) {
            guard self.places[index].waiter.since <= time else { return }
            if self.places[index].waiter.isNotified { continue }
            self.places[index].waiter.isNotified = true
            body(self.places[index].waiter.client)
        }
    }

    private func isTaken(_ index: Int) -> Bool { self.places[index].waiter.client != .none }

    /// The first place, from the front on, that is not before `ticket`.
    private func index(of ticket: Ticket) -> Int {
        var low = self.front
        var high = self.places.count
        while low < high {
            let middle = low + (high - low) / 2
            if self.places[middle].ticket.isBefore(ticket) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    private mutating func leave(at index: Int) {
        self.places[index].waiter.client = .none
        self.count -= 1
        while self.front < self.places.count, !self.isTaken(self.front) { self.front += 1 }
    }

    /// Gives the room of those who left back, when it is most of the room.
    private mutating func compact() {
        if self.front == self.places.count {
            self.places.removeAll(keepingCapacity: true)
            self.front = 0
        } else if self.places.count > 64, self.count * 2 < self.places.count {
            self.places.removeAll { $0.waiter.client == .none }
            self.front = 0
        }
    }
}
