/// The receive buffers of a loop, with a count of who still reads each.
///
/// A buffer is with the engine (free, or lent to the kernel), or it is out: the completion of
/// the current turn holds one reference, each range of it that waits to be sent another. When
/// the last reference goes, the buffer is in `returned` until the engine takes it back.
@safe
final class BufferPool {
    let size: Int
    let count: Int
    /// Buffers that are out.
    private(set) var inUse = 0
    private let base: UnsafeMutableRawPointer
    private let references: UnsafeMutablePointer<UInt32>
    private let returned: UnsafeMutablePointer<UInt16>
    private(set) var returnedCount = 0

    init?(size: Int, count: Int) {
        guard let pages = unsafe Syscalls.mapPages(max(size * count, 1)) else {
            return nil
        }
        self.size = size
        self.count = count
        unsafe self.base = pages
        unsafe self.references = .allocate(capacity: count)
        unsafe self.references.initialize(repeating: 0, count: count)
        unsafe self.returned = .allocate(capacity: count)
        for index in 0..<count {
            // The lowest is taken first.
            unsafe self.returned[index] = UInt16(count - 1 - index)
        }
        self.returnedCount = count
    }

    /// Gives the memory back. Neither the kernel nor a send may still use it.
    func deallocate() {
        unsafe Syscalls.unmapPages(self.base, max(self.size * self.count, 1))
        unsafe self.references.deallocate()
        unsafe self.returned.deallocate()
    }

    /// Where a buffer begins.
    @inline(__always)
    func bytes(_ index: Int) -> UnsafeMutableRawPointer {
        precondition(index >= 0 && index < self.count, "no such buffer")
        return unsafe self.base + index * self.size
    }

    /// Takes back a buffer that nobody reads any more, or `nil` when there is none.
    func takeReturned() -> Int? {
        if self.returnedCount == 0 {
            return nil
        }
        self.returnedCount -= 1
        return Int(unsafe self.returned[self.returnedCount])
    }

    /// A buffer came back from the kernel with bytes: one reference.
    func lend(_ index: Int) {
        precondition(index >= 0 && index < self.count, "no such buffer")
        unsafe self.references[index] = 1
        self.inUse += 1
    }

    /// A buffer came back without bytes to read: it is free at once.
    func giveBack(_ index: Int) {
        precondition(index >= 0 && index < self.count, "no such buffer")
        unsafe self.returned[self.returnedCount] = UInt16(truncatingIfNeeded: index)
        self.returnedCount += 1
    }

    /// Gives the memory of all buffers that are not out back to the system; they read as zeros
    /// until they are written to again, which the kernel may do at any time.
    func trim() {
        var start = 0
        for index in 0...self.count {
            if index < self.count, unsafe self.references[index] == 0 {
                continue
            }
            if index > start {
                let run = (index - start) * self.size
                unsafe Syscalls.discardPages(self.base + start * self.size, run)
            }
            start = index + 1
        }
    }

    func retain(_ index: Int) {
        precondition(index >= 0 && index < self.count, "no such buffer")
        unsafe self.references[index] += 1
    }

    func release(_ index: Int) {
        precondition(index >= 0 && index < self.count, "no such buffer")
        let left = unsafe self.references[index] - 1
        unsafe self.references[index] = left
        if left == 0 {
            self.inUse -= 1
            self.giveBack(index)
        }
    }
}
