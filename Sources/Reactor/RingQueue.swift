/// A first-in first-out queue that grows by doubling and never shrinks.
///
/// Bounded by its users: those of socket IDs have a flag in the socket's entry that says that it
/// is in the queue, so each socket is there at most once (plus stale IDs of closed ones).
///
/// A class, so that its users keep it in a `let`: as a struct in a `var` of another class each
/// use would be a dynamic exclusivity check, about 100 instructions.
@safe
final class RingQueue<Element: BitwiseCopyable> {
    private var storage: UnsafeMutablePointer<Element>
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

    var first: Element? {
        self.count == 0 ? nil : unsafe self.storage[self.head]
    }

    func append(_ element: Element) {
        if self.count == self.capacity {
            self.grow()
        }
        unsafe self.storage[(self.head + self.count) & (self.capacity - 1)] = element
        self.count += 1
    }

    func prepend(_ element: Element) {
        if self.count == self.capacity {
            self.grow()
        }
        self.head = (self.head - 1) & (self.capacity - 1)
        unsafe self.storage[self.head] = element
        self.count += 1
    }

    func popFirst() -> Element? {
        if self.count == 0 {
            return nil
        }
        let element = unsafe self.storage[self.head]
        self.head = (self.head + 1) & (self.capacity - 1)
        self.count -= 1
        return element
    }

    private func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: self.capacity * 2)
        for offset in 0..<self.count {
            unsafe larger[offset] = self.storage[(self.head + offset) & (self.capacity - 1)]
        }
        unsafe self.storage.deallocate()
        unsafe self.storage = larger
        self.capacity *= 2
        self.head = 0
    }
}
