import Pooling
import TestSupport

/// `WaitQueue` beside an array that does the same in the plainest way; every step compares the two.
struct QueueModel {
    private struct Waiter: Equatable {
        var client: ClientID
        var since: Instant
        var ticket: WaitQueue.Ticket
        var isNotified = false
    }

    private(set) var queue = WaitQueue()
    private var waiters: [Waiter] = []
    private var left: [Waiter] = []
    private var served: [Waiter] = []
    private var nextClient: UInt32 = 0
    private var now: Instant = 0

    /// What can be done to a queue.
    static let operations = 7

    /// Does one thing; returns what the two disagree about.
    mutating func perform(_ operation: Int, _ choice: Int) -> String? {
        switch operation {
        case 0: self.append()
        case 1: return self.compare(self.queue.popFirst(), self.waiters.isEmpty ? nil : 0)
        case 2: return self.leave(choice)
        case 3: return self.leaveAgain(choice)
        case 4:
            let time = self.now - Instant(choice % 4)
            let isDue = self.waiters.first.map { $0.since <= time } ?? false
            return self.compare(self.queue.popFirst(since: time), isDue ? 0 : nil)
        case 5: return self.notify(self.now - Instant(choice % 4))
        default: self.waitAgain(choice)
        }
        return nil
    }

    /// What must hold between any two steps.
    func check() -> String? {
        if self.queue.count != self.waiters.count { return "count \(self.queue.count)" }
        if self.queue.isEmpty != self.waiters.isEmpty { return "isEmpty" }
        if self.queue.oldest != self.waiters.first?.since { return "oldest" }
        return nil
    }

    private mutating func append() {
        self.now += Instant(self.nextClient % 2)
        let client = ClientID(index: self.nextClient, generation: 0)
        self.nextClient += 1
        let ticket = self.queue.append(client, since: self.now)
        self.waiters.append(Waiter(client: client, since: self.now, ticket: ticket))
    }

    private mutating func compare(_ popped: WaitQueue.Waiter?, _ index: Int?) -> String? {
        guard let index else { return popped == nil ? nil : "served \(popped!.client) too soon" }
        let expected = self.waiters.remove(at: index)
        self.served.append(expected)
        self.left.append(expected)
        guard let popped, popped.client == expected.client, popped.since == expected.since,
            popped.isNotified == expected.isNotified
        else { return "served \(String(describing: popped)) instead of \(expected)" }
        return nil
    }

    private mutating func leave(_ choice: Int) -> String? {
        guard !self.waiters.isEmpty else { return nil }
        let waiter = self.waiters.remove(at: choice % self.waiters.count)
        self.left.append(waiter)
        return self.queue.remove(waiter.ticket, client: waiter.client)
            ? nil : "\(waiter.client) could not leave"
    }

    /// Nobody leaves twice, or with a ticket that is another's, or with none.
    private mutating func leaveAgain(_ choice: Int) -> String? {
        if !self.left.isEmpty {
            let waiter = self.left[choice % self.left.count]
            if self.queue.remove(waiter.ticket, client: waiter.client) { return "left twice" }
        }
        guard let first = self.waiters.first, let last = self.waiters.last else { return nil }
        if self.queue.remove(.none, client: first.client) { return "left without a ticket" }
        if first != last, self.queue.remove(first.ticket, client: last.client) {
            return "left with another's ticket"
        }
        return nil
    }

    private mutating func notify(_ time: Instant) -> String? {
        var told: [ClientID] = []
        self.queue.notify(since: time) { told.append($0) }
        var expected: [ClientID] = []
        for index in self.waiters.indices {
            guard self.waiters[index].since <= time, !self.waiters[index].isNotified else {
                continue
            }
            self.waiters[index].isNotified = true
            expected.append(self.waiters[index].client)
        }
        return told == expected ? nil : "notified \(told) instead of \(expected)"
    }

    /// Somebody who was served lost the server, and waits where it waited before.
    private mutating func waitAgain(_ choice: Int) {
        guard !self.served.isEmpty else { return }
        var waiter = self.served.remove(at: choice % self.served.count)
        self.left.removeAll { $0.client == waiter.client }
        waiter.ticket = self.queue.prepend(waiter.client, since: waiter.since)
        waiter.isNotified = true
        let place = self.waiters.firstIndex { $0.since >= waiter.since } ?? self.waiters.count
        self.waiters.insert(waiter, at: place)
    }
}
