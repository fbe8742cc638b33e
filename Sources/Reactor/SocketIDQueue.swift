/// A first-in first-out queue of socket IDs that grows by doubling and never shrinks.
///
/// Bounded by its users: a flag in the socket's entry says that it is in the queue, so each
/// socket is there at most once (plus stale IDs of closed ones).
///
/// A class, so that its users keep it in a `let`: as a struct in a `var` of another class each
/// use would be a dynamic exclusivity check, about 100 instructions.
@safe
final class SocketIDQueue {
    private var storage: UnsafeMutablePointer<SocketID>
    private var capacity: Int
    private var head = 0
    private(set) var count = 0

    init() {
        self.capacity = 64
        unsafe self.storage = .allocate(capacity: 64)
    }

    deinit {
        unsafe self.storage.deallocate()
    }

    var isEmpty: Bool { self.count == 0 }

    var first: SocketID? {
        self.count == 0 ? nil : unsafe self.storage[self.head]
    }

    func append(_ id: SocketID) {
        if self.count == self.capacity {
            self.grow()
        }
        unsafe self.storage[(self.head + self.count) & (self.capacity - 1)] = id
        self.count += 1
    }

    func prepend(_ id: SocketID) {
        if self.count == self.capacity {
            self.grow()
        }
        self.head = (self.head - 1) & (self.capacity - 1)
        unsafe self.storage[self.head] = id
        self.count += 1
    }

    func popFirst() -> SocketID? {
        if self.count == 0 {
            return nil
        }
        let id = unsafe self.storage[self.head]
        self.head = (self.head + 1) & (self.capacity - 1)
        self.count -= 1
        return id
    }

    private func grow() {
        let larger = UnsafeMutablePointer<SocketID>.allocate(capacity: self.capacity * 2)
        for offset in 0..<self.count {
            unsafe larger[offset] = self.storage[(self.head + offset) & (self.capacity - 1)]
        }
        unsafe self.storage.deallocate()
        unsafe self.storage = larger
        self.capacity *= 2
        self.head = 0
    }
}
