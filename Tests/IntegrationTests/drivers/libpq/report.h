// What a driver's program says: one line a check, `ok NAME` or `not ok NAME: why`.
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/// Whether a check has failed: the program's exit status.
static bool anyFailed;

static void ok(const char *name) {
    printf("ok %s\n", name);
    fflush(stdout);
}

static void notOk(const char *name, const char *why, ...) __attribute__((format(printf, 2, 3)));
static void notOk(const char *name, const char *why, ...) {
    va_list arguments;
    va_start(arguments, why);
    printf("not ok %s: ", name);
    vprintf(why, arguments);
    printf("\n");
    fflush(stdout);
    va_end(arguments);
    anyFailed = true;
}
