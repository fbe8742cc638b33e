#ifndef WEIR_CPERFORMANCE_H
#define WEIR_CPERFORMANCE_H
// What the performance program needs and Swift cannot say: an allocator that counts, and the
// requests that valgrind finds in the instruction stream.

/// Counts the calling thread's allocations from now on, beside those of other such threads.
void weir_perf_count_allocations_here(void);

/// How many allocations the counted threads have made.
long weir_perf_allocation_count(void);

/// Begins to count instructions, of all threads. Nothing happens outside of callgrind.
void weir_perf_start_instructions(void);

/// Ends what `weir_perf_start_instructions` has begun.
void weir_perf_stop_instructions(void);

/// Whether the header of valgrind was there when this was built.
int weir_perf_can_count_instructions(void);

#endif
