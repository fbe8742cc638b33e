/// Whether most of a loop's work is bulk data, and what follows from it for the loop's thread.
///
/// Overview: the kernel lets a thread that wakes up interrupt those that run. For short messages
/// that is right. But when PostgreSQL runs on the same processors, a loop that interrupts it after
/// each 8 KB of a result makes five small receives of what would have been one, and a switch
/// of threads each: twice the work for the loop, and no earlier end for the result.
///
/// Function: while at least a third of the receives are large, the thread is in the class
/// `SCHED_BATCH`: it runs at once when a processor is free, has its full share when none is, but
/// waits for a pause of the others first. Looked at once a window, so that a system call is made
/// only when the kind of work changes. Where an operator has given the process another class
/// than the normal one, nothing is changed.
@safe
struct BulkPhase {
    private let window: Int64
    /// Whether it is so now.
    private(set) var isActive = false
    private var isPossible: Bool
    private var windowEnd: Int64 = 0
    private var receivesBefore = 0
    private var bulkBefore = 0

    /// Fewer receives in a window than these say nothing.
    private static let fewest = 16

    /// - Parameter window: How often in nanoseconds to decide; 0: never.
    init(window: Int64) {
        self.window = window
        self.isPossible = window > 0 && Syscalls.schedulingClass() == Syscalls.normalClass
    }

    /// Looks at what came since the last window, if this one is over.
    @inline(__always)
    mutating func look(now: Int64, _ counters: inout ReactorCounters) {
        if now >= self.windowEnd && self.isPossible {
            self.decide(now, &counters)
        }
    }

    private mutating func decide(_ now: Int64, _ counters: inout ReactorCounters) {
        let receives = counters.receives - self.receivesBefore
        let bulk = counters.bulkReceives - self.bulkBefore
        self.receivesBefore = counters.receives
        self.bulkBefore = counters.bulkReceives
        self.windowEnd = now + self.window
        // What has begun goes on until it is clearly over.
        let isBulk = receives >= Self.fewest && bulk * (self.isActive ? 4 : 3) >= receives
        if isBulk == self.isActive {
            return
        }
        let outcome = Syscalls.setSchedulingClass(
            isBulk ? Syscalls.batchClass : Syscalls.normalClass
        )
        if outcome < 0 {
            // Forbidden: it will be so the next time.
            self.isPossible = false
            return
        }
        self.isActive = isBulk
        if isBulk {
            counters.bulkPhases += 1
        }
    }

    /// Gives the thread its old class back.
    mutating func end() {
        if self.isActive {
            Syscalls.setSchedulingClass(Syscalls.normalClass)
            self.isActive = false
        }
    }
}
