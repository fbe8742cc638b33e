/// Completions in two halves: what the owner reads now, and what has come since.
@safe
final class CompletionQueue {
    private var current: UnsafeMutablePointer<Completion>
    private var currentCapacity = 64
    private(set) var currentCount = 0
    private var coming: UnsafeMutablePointer<Completion>
    private var comingCapacity = 64
    private(set) var comingCount = 0

    init() {
        unsafe self.current = .allocate(capacity: 64)
        unsafe self.coming = .allocate(capacity: 64)
    }

    func deallocate() {
        unsafe self.current.deallocate()
        unsafe self.coming.deallocate()
    }

    @inline(__always)
    subscript(index: Int) -> Completion {
        precondition(index >= 0 && index < self.currentCount, "no such completion")
        return unsafe self.current[index]
    }

    func append(_ completion: Completion) {
        if self.comingCount == self.comingCapacity {
            let capacity = self.comingCapacity * 2
            let larger = UnsafeMutablePointer<Completion>.allocate(capacity: capacity)
            unsafe larger.initialize(from: self.coming, count: self.comingCount)
            unsafe self.coming.deallocate()
            unsafe self.coming = larger
            self.comingCapacity = capacity
        }
        unsafe self.coming[self.comingCount] = completion
        self.comingCount += 1
    }

    /// Makes what has come the owner's, and returns how many there are.
    func publish() -> Int {
        unsafe swap(&self.current, &self.coming)
        swap(&self.currentCapacity, &self.comingCapacity)
        self.currentCount = self.comingCount
        self.comingCount = 0
        return self.currentCount
    }

    func removeCurrent() {
        self.currentCount = 0
    }
}
