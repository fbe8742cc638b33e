// Defined in the main program, these take the place of the C library's functions for everything that
// is linked to it, the Swift runtime included. What must not be counted twice goes to the C library
// directly.
#include "CPerformance.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static _Thread_local bool is_counted;
static atomic_long allocations;

static void note(void) {
    if (is_counted) {
        atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    }
}

void weir_perf_count_allocations_here(void) { is_counted = true; }

long weir_perf_allocation_count(void) { return atomic_load(&allocations); }

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    note();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    note();
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) {
        return EINVAL;
    }
    void *fresh = memalign(alignment, size);
    if (fresh == NULL) {
        return ENOMEM;
    }
    *memory = fresh;
    return 0;
}

void free(void *memory) { __libc_free(memory); }
