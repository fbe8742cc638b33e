import Pooling
import Synchronization

/// What all workers know of one database entry.
final class SharedDatabase: Sendable {
    /// Its place among the caps.
    let cap: Int
    /// When it was last used by anybody.
    let lastUsed: Atomic<Int64>

    init(cap: Int, now: Instant) {
        self.cap = cap
        self.lastUsed = Atomic(now)
    }
}
