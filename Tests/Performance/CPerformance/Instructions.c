#include "CPerformance.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>

void weir_perf_start_instructions(void) { CALLGRIND_START_INSTRUMENTATION; }

void weir_perf_stop_instructions(void) { CALLGRIND_STOP_INSTRUMENTATION; }

int weir_perf_can_count_instructions(void) { return 1; }
#else
// A build without valgrind's header runs everything and measures no instructions.
void weir_perf_start_instructions(void) {}

void weir_perf_stop_instructions(void) {}

int weir_perf_can_count_instructions(void) { return 0; }
#endif
