/* What executors have said of attempts that finished, by number: each stands in the list of its
 * stage, and goes with it. */
#pragma once

#include "barks/status.h"
#include "base/buffer.h"
#include "exec/task_run.h"
#include "runtime/frame_counts.h"
#include "scheduler/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The scheduler hands its number back. */
struct attempt_report {
    struct attempt_id id;
    struct task_counters counters;
    struct frame_counts frames; /* that it sent; owned */
    uint64_t bytes_sent;        /* to others, in all */
    uint8_t *result;            /* owned */
    size_t result_bytes;
    uint8_t *accumulated; /* packed accumulations, or NULL; owned */
    size_t accumulated_bytes;
    bool has_keys; /* of FILTER_COLLECTS: the stage's filter has them */
    uint64_t next; /* number, in the list of its stage, or of those that are free; 0: the last */
};
/* Frees what it holds; its number stays. */
void report_drop(struct attempt_report *report);
/* The report's result, which is the caller's (free). */
struct buffer report_take_result(struct attempt_report *report);

/* Begins zeroed, ends with report_table_drop. Numbers begin at 1 and are used again once they are
 * free. Threads: one owner at a time. */
struct report_table {
    struct attempt_report *all; /* owned; number n stands at n - 1; moves when it grows */
    uint64_t limit;             /* the greatest number ever used, since it was empty */
    uint64_t capacity;
    uint64_t first_free; /* 0: none below the limit */
    uint64_t count;      /* in lists */
};
void report_table_drop(struct report_table *table);

/* A report at the head of a list (0: an empty one), zeroed but for its id.
 * Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *report_table_add(struct report_table *table, uint64_t *list,
                                             const struct attempt_id *id, uint64_t *out_number);
/* NULL: it is of another attempt, or of none. Valid until the next report_table_add. */
struct attempt_report *report_table_find(const struct report_table *table, uint64_t number,
                                         const struct attempt_id *id);
/* One that stands in a list. */
struct attempt_report *report_table_at(const struct report_table *table, uint64_t number);
/* The reports of a list are dropped, and their numbers free. */
void report_table_forget(struct report_table *table, uint64_t *list);
