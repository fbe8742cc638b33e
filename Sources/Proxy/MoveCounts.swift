/// What has been moved between this worker and others.
struct MoveCounts: Sendable {
    /// Servers that have come from other workers.
    var arrived: UInt64 = 0
    /// Servers that have gone to other workers.
    var departed: UInt64 = 0
    /// Times that a tick found a client waiting while another worker had an idle server of its
    /// pool, and nothing under way: a wake-up was lost. Always 0, or something is wrong.
    var missed: UInt64 = 0
}
