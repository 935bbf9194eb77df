/* Lines for people: "[barks 2 node7] warn net: waiting for sizes of rank 3 since 12 s".
 *
 * Library code returns statuses; only the driver, the worker loop and the communication thread log.
 */
#pragma once

#include "barks/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum log_level {
    LEVEL_ERROR = 1,
    LEVEL_WARN,
    LEVEL_INFO,
    LEVEL_DEBUG,
    LEVEL_TRACE,
};

/* Where whole lines go, without their line end. Called without any lock held, by any thread; it
 * must not log. */
typedef void log_sink(void *self, enum log_level level, const char *line, size_t length);

/* What is logged: "info", or with other levels for some areas, "net=debug,exec=trace,info". Until
 * the first call it is "warn". Errors: BARKS_INVALID (and nothing changes). Threads: any. */
BARKS_CHECKED barks_status *log_set_levels(const char *levels);

/* The same check without the effect. */
BARKS_CHECKED barks_status *log_check_levels(const char *levels);

/* What stands before each line: "[barks 2 node7] "; a negative rank leaves "[barks] ". Threads:
 * any. */
void log_set_origin(int rank, const char *host);

/* NULL: the standard error, by one write for each line. self is borrowed until the next call. The
 * caller makes sure that no other thread logs meanwhile. */
void log_set_sink(log_sink *sink, void *self);

/* Hands a line that was formed elsewhere to the sink as it is: what executors have sent. */
void log_forward(enum log_level level, const char *line, size_t length);

/* Logs, where the area's level lets it: LOG(LEVEL_INFO, "net", "%d peers", count). The area is the
 * layer's name. The arguments are evaluated only where some area logs this level. */
#define LOG(level, area, ...)                                                                      \
    do {                                                                                           \
        if ((int)(level) <= atomic_load_explicit(&log_level_max, memory_order_relaxed))            \
            log_write((level), (area), __VA_ARGS__);                                               \
    } while (0)

/* The whole chain of a status; at debug level with the place of each part. Borrows status. */
void log_status(enum log_level level, const char *area, const barks_status *status);

/* Says how often the last line was repeated, if it was. Call it before the process ends. */
void log_flush(void);

bool log_is_on(enum log_level level, const char *area);
void log_write(enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* The highest level of any area. Written with the levels under their lock; a line more or less
 * while it changes is all the same, hence relaxed. */
extern _Atomic int log_level_max;
