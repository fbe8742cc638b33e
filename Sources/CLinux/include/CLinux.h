#ifndef WEIR_CLINUX_H
#define WEIR_CLINUX_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <liburing.h>
#endif
