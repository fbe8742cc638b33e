/// The corks of a loop, oldest first, with the time at which each ends.
///
/// A cork that ended early stays here until it is the oldest; so there are at most as many as were
/// set within one `corkTime`.
@safe
final class CorkQueue {
    struct Entry: BitwiseCopyable {
        var socket: SocketID
        var deadline: Int64
    }

    private var storage: UnsafeMutablePointer<Entry>
    private var capacity = 64
    private var head = 0
    private var count = 0

    init() {
        unsafe self.storage = .allocate(capacity: 64)
    }

    deinit {
        unsafe self.storage.deallocate()
    }

    var first: Entry? {
        self.count == 0 ? nil : unsafe self.storage[self.head]
    }

    func append(_ socket: SocketID, until deadline: Int64) {
        if self.count == self.capacity {
            self.grow()
        }
        let place = (self.head + self.count) & (self.capacity - 1)
        unsafe self.storage[place] = Entry(socket: socket, deadline: deadline)
        self.count += 1
    }

    func removeFirst() {
        precondition(self.count > 0, "no cork is left")
        self.head = (self.head + 1) & (self.capacity - 1)
        self.count -= 1
    }

    private func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: self.capacity * 2)
        for offset in 0..<self.count {
            unsafe larger[offset] = self.storage[(self.head + offset) & (self.capacity - 1)]
        }
        unsafe self.storage.deallocate()
        unsafe self.storage = larger
        self.capacity *= 2
        self.head = 0
    }
}
