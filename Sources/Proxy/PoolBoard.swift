import Pooling
import Synchronization

/// What the workers tell each other about one pool, without a lock: who waits, who has idle
/// servers.
///
/// Each worker writes its own notice and reads the others'. The memory is never given back, like
/// the pool itself, so that the data path can hold the address and count no reference.
@safe
struct PoolBoard: Sendable {
    /// One worker's notice; two never share a cache line.
    struct Notice: ~Copyable {
        /// Since when its oldest client waits that it has nothing under way for; 0 for nobody.
        let oldest = Atomic<Int64>(0)
        /// Servers that its clients wait for and that it has nothing under way for.
        let wanting = Atomic<Int>(0)
        /// Idle servers that it could give away.
        let idle = Atomic<Int>(0)
        /// Servers on their way to it; counted by who sends them and by itself.
        let inbound = Atomic<Int>(0)
        /// Since when its oldest transaction is open; 0 for none.
        let transaction = Atomic<Int64>(0)
        private let padding: (Int64, Int64, Int64) = (0, 0, 0)
    }

    private struct Totals: ~Copyable {
        let living = Atomic<Int>(0)
        let movedAt = Atomic<Int64>(0)
    }

    private nonisolated(unsafe) let notices: UnsafeMutablePointer<Notice>
    private nonisolated(unsafe) let totals: UnsafeMutablePointer<Totals>

    init(workers: Int) {
        unsafe self.notices = UnsafeMutablePointer.allocate(capacity: workers)
        for index in 0..<workers { unsafe (self.notices + index).initialize(to: Notice()) }
        unsafe self.totals = UnsafeMutablePointer.allocate(capacity: 1)
        unsafe self.totals.initialize(to: Totals())
    }

    /// Connections of the pool that are not being closed, and those that must get a slot, as last
    /// counted.
    var living: Int {
        get { unsafe self.totals.pointee.living.load(ordering: .relaxed) }
        nonmutating set {
            unsafe self.totals.pointee.living.store(newValue, ordering: .relaxed)
        }
    }

    /// Publishes what a worker has and lacks. Sequentially consistent: what is read afterwards is
    /// read later (`HandOver`).
    func publish(_ worker: Int, _ notice: PoolNotice) {
        unsafe self.notices[worker].oldest.store(notice.oldest, ordering: .relaxed)
        unsafe self.notices[worker].wanting.store(
            notice.wanting,
            ordering: .sequentiallyConsistent
        )
        unsafe self.notices[worker].idle.store(notice.spare, ordering: .sequentiallyConsistent)
    }

    /// Since when a worker's oldest client waits; 0 for nobody.
    func oldest(_ worker: Int) -> Instant {
        unsafe self.notices[worker].oldest.load(ordering: .relaxed)
    }

    /// How many more servers a worker wants than are on their way to it.
    func missing(_ worker: Int) -> Int {
        HandOver.missing(
            wanting: unsafe self.notices[worker].wanting.load(ordering: .sequentiallyConsistent),
            inbound: self.inbound(worker)
        )
    }

    /// Servers that a worker's clients wait for, for people.
    func wanting(_ worker: Int) -> Int {
        unsafe self.notices[worker].wanting.load(ordering: .relaxed)
    }

    /// Publishes since when a worker's oldest transaction is open; 0 for none.
    func noteTransaction(_ start: Instant, of worker: Int) {
        unsafe self.notices[worker].transaction.store(start, ordering: .relaxed)
    }

    /// Since when a worker's oldest transaction is open, as of its last tick; 0 for none.
    func transaction(_ worker: Int) -> Instant {
        unsafe self.notices[worker].transaction.load(ordering: .relaxed)
    }

    /// Idle servers that a worker could give away.
    func idle(_ worker: Int) -> Int {
        unsafe self.notices[worker].idle.load(ordering: .sequentiallyConsistent)
    }

    /// Servers on their way to a worker.
    func inbound(_ worker: Int) -> Int {
        unsafe self.notices[worker].inbound.load(ordering: .sequentiallyConsistent)
    }

    /// A server sets out for a worker, or (by -1) has arrived or does not come after all.
    func countInbound(_ change: Int, to worker: Int) {
        unsafe self.notices[worker].inbound.wrappingAdd(
            change,
            ordering: .sequentiallyConsistent
        )
    }

    /// Whether a server may be moved for fairness' sake now; it counts as moved then.
    func mayMove(now: Instant) -> Bool {
        let last = unsafe self.totals.pointee.movedAt.load(ordering: .relaxed)
        guard now - last >= HandOver.pace else { return false }
        return unsafe self.totals.pointee.movedAt.compareExchange(
            expected: last,
            desired: now,
            ordering: .relaxed
        ).exchanged
    }
}
