/// The sockets of a loop: entries that never move, found by index and generation.
final class SocketTable {
    let states: Slab<SocketState>
    private(set) var count = 0
    private var freeHead: UInt32 = 0
    private var used = 0

    init?(capacity: Int) {
        guard let states = Slab<SocketState>(capacity: capacity) else {
            return nil
        }
        self.states = states
    }

    /// Entries that have ever been used: the ones worth a look in a sweep.
    var highest: Int { self.used }

    /// Takes a free entry, or `nil` when the table is full.
    func take(descriptor: Int32, context: UInt64) -> Int? {
        let index: Int
        if self.freeHead != 0 {
            index = Int(self.freeHead) - 1
            self.freeHead = self.states[index].nextFree
        } else if self.used < self.states.capacity {
            index = self.used
            self.used += 1
            self.states[index] = SocketState()
        } else {
            return nil
        }
        self.states[index].descriptor = descriptor
        self.states[index].context = context
        self.states[index].isLive = true
        self.count += 1
        return index
    }

    /// Frees an entry. From here on its ID is stale.
    func free(_ index: Int) {
        precondition(self.states[index].isLive, "socket \(index) is freed twice")
        precondition(self.states[index].output.isEmpty, "socket \(index) is freed with output")
        var fresh = SocketState()
        fresh.generation = self.states[index].generation &+ 1
        if fresh.generation == 0 {
            fresh.generation = 1
        }
        fresh.nextFree = self.freeHead
        self.states[index] = fresh
        self.freeHead = UInt32(truncatingIfNeeded: index + 1)
        self.count -= 1
    }

    /// The ID of a live entry.
    @inline(__always)
    func id(_ index: Int) -> SocketID {
        SocketID(
            index: UInt32(truncatingIfNeeded: index),
            generation: self.states[index].generation
        )
    }

    /// The index of a live socket, or -1 for a stale ID.
    @inline(__always)
    func find(_ id: SocketID) -> Int {
        let index = Int(id.index)
        if index < self.used && self.states[index].generation == id.generation
            && self.states[index].isLive
        {
            return index
        }
        return -1
    }

    /// The index of a socket that the owner may still use: live and not closing; else -1.
    @inline(__always)
    func findOpen(_ id: SocketID) -> Int {
        let index = self.find(id)
        return index >= 0 && !self.states[index].has(.closing) ? index : -1
    }
}
