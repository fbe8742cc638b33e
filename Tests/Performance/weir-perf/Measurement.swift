import CPerformance

/// What a measured stretch of work has cost beside its instructions, which callgrind counts from
/// outside.
struct Measurement {
    /// Allocations of the counted threads.
    var allocations: Int

    /// Measures `work`.
    init(of work: () -> Void) {
        let before = weir_perf_allocation_count()
        weir_perf_start_instructions()
        work()
        weir_perf_stop_instructions()
        self.allocations = weir_perf_allocation_count() - before
    }
}
