/// Bytes that a connection keeps beyond the turn in which they came: a message's first part, or
/// requests that wait.
///
/// Empty for nearly every connection nearly always, and then without memory.
@safe
struct Stash: ~Copyable {
    private var memory: UnsafeMutableRawBufferPointer?
    private var start = 0
    private(set) var count = 0

    /// Memory up to this size is kept when the stash runs empty, since the connection is likely to
    /// need it again.
    private static let keptCapacity = 4_096

    var isEmpty: Bool { self.count == 0 }

    /// The bytes; valid until the next change.
    var bytes: UnsafeRawBufferPointer {
        guard let memory = unsafe self.memory else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(rebasing: memory[self.start..<self.start + self.count])
    }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        guard more.count > 0 else { return }
        self.reserve(more.count)
        guard let memory = unsafe self.memory else { return }
        let end = self.start + self.count
        unsafe UnsafeMutableRawBufferPointer(rebasing: memory[end...]).copyMemory(from: more)
        self.count += more.count
    }

    /// Puts bytes in front of those that are there.
    mutating func prepend(_ more: UnsafeRawBufferPointer) {
        let rest = unsafe Array(self.bytes)
        self.removeFirst(self.count)
        unsafe self.append(more)
        unsafe rest.withUnsafeBytes { unsafe self.append($0) }
    }

    mutating func removeFirst(_ count: Int) {
        precondition(count <= self.count, "more taken than there is")
        self.start += count
        self.count -= count
        guard self.count == 0 else { return }
        self.start = 0
        if let memory = unsafe self.memory, memory.count > Self.keptCapacity { self.free() }
    }

    /// Gives all memory back; for a connection that turns idle.
    mutating func free() {
        precondition(self.count == 0, "bytes thrown away")
        unsafe self.memory?.deallocate()
        unsafe self.memory = nil
    }

    /// Makes room for `more` bytes at the end.
    private mutating func reserve(_ more: Int) {
        let capacity = unsafe self.memory?.count ?? 0
        if self.start + self.count + more <= capacity { return }
        let needed = self.count + more
        var grown = max(512, capacity)
        while grown < needed { grown *= 2 }
        let fresh = UnsafeMutableRawBufferPointer.allocate(byteCount: grown, alignment: 16)
        if self.count > 0 { unsafe fresh.copyMemory(from: self.bytes) }
        unsafe self.memory?.deallocate()
        unsafe self.memory = fresh
        self.start = 0
    }

    deinit { unsafe self.memory?.deallocate() }
}
