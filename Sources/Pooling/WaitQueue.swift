/// Clients that wait for a server, first come, first served.
///
/// A client that leaves from the middle leaves a hole behind, found through the ticket that it got on entering; holes are
/// skipped when they come to the front. So entering, leaving and serving are all O(1), and order never changes.
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
        fileprivate var number: Int

        /// A ticket of nobody.
        public static let none = Ticket(number: -1)
    }

    private var places: [Waiter] = []
    private var front = 0
    /// The ticket number of `places[0]`.
    private var base = 0

    /// How many clients wait.
    public private(set) var count = 0

    /// Creates an empty queue.
    public init() {}

    /// Whether nobody waits.
    public var isEmpty: Bool { self.count == 0 }

    /// Since when the oldest waiter waits.
    public var oldest: Instant? {
        self.count == 0 ? nil : self.places[self.front].since
    }

    /// Enters a client at the end.
    public mutating func append(_ client: ClientID, since: Instant) -> Ticket {
        self.compact()
        self.places.append(Waiter(client: client, since: since, isNotified: false))
        self.count += 1
        return Ticket(number: self.base + self.places.count - 1)
    }

    /// Puts a client in front of all others: it was served, and the server was lost before it could be used.
    public mutating func prepend(_ client: ClientID, since: Instant) -> Ticket {
        let waiter = Waiter(client: client, since: since, isNotified: true)
        if self.front > 0 {
            self.front -= 1
            self.places[self.front] = waiter
        } else {
            self.places.insert(waiter, at: 0)
            self.base -= 1
        }
        self.count += 1
        return Ticket(number: self.base + self.front)
    }

    /// Takes the client at the front.
    public mutating func popFirst() -> Waiter? {
        guard self.count > 0 else { return nil }
        let waiter = self.places[self.front]
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
        let index = ticket.number - self.base
        guard index >= self.front, index < self.places.count, self.places[index].client == client
        else { return false }
        self.leave(at: index)
        return true
    }

    /// Calls `body` with each waiter that waits since `time` or longer and was not notified; they count as notified then.
    public mutating func notify(since time: Instant, _ body: (ClientID) -> Void) {
        for index in self.front..<self.places.count where self.places[index].client != .none {
            guard self.places[index].since <= time else { return }
            if self.places[index].isNotified { continue }
            self.places[index].isNotified = true
            body(self.places[index].client)
        }
    }

    private mutating func leave(at index: Int) {
        self.places[index].client = .none
        self.count -= 1
        while self.front < self.places.count, self.places[self.front].client == .none {
            self.front += 1
        }
    }

    /// Gives the room of those who left at the front back, when it is most of the room.
    private mutating func compact() {
        if self.front == self.places.count {
            self.base += self.front
            self.places.removeAll(keepingCapacity: true)
            self.front = 0
        } else if self.front > 32, self.front * 2 > self.places.count {
            self.base += self.front
            self.places.removeFirst(self.front)
            self.front = 0
        }
    }
}
