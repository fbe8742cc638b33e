import Pooling
import Telemetry

/// A copy of one worker's state, for the worker that shows them all.
struct WorkerReport: Sendable {
    var snapshot: Snapshot
    /// Counters by database.
    var counters: [String: PoolCounters]
}
