import Pooling

/// What is going to happen, the first first; of things at one moment the one that was added first.
struct EventHeap<Event> {
    private struct Entry {
        var time: Instant
        var number: Int
        var event: Event

        func isBefore(_ other: Entry) -> Bool {
            (self.time, self.number) < (other.time, other.number)
        }
    }

    private var entries: [Entry] = []
    private var number = 0

    /// Adds what happens at `time`.
    mutating func add(_ event: Event, at time: Instant) {
        self.number += 1
        self.entries.append(Entry(time: time, number: self.number, event: event))
        var child = self.entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.entries[child].isBefore(self.entries[parent]) else { return }
            self.entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the first, if there is one not after `end`.
    mutating func next(until end: Instant) -> (time: Instant, event: Event)? {
        guard let first = self.entries.first, first.time <= end else { return nil }
        self.entries.swapAt(0, self.entries.count - 1)
        self.entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < self.entries.count {
                if self.entries[child].isBefore(self.entries[least]) { least = child }
            }
            if least == parent { break }
            self.entries.swapAt(parent, least)
            parent = least
        }
        return (first.time, first.event)
    }
}
