/* An executor lends what it has of shuffles: copies of some partitions are sent to another one, as
 * shuffles of their own, by the thread of its errands (docs/decisions/0024). What it has itself
 * stays where it is. */
#pragma once

#include "runtime/errands.h"

#include <stdint.h>

struct exchange;
struct reduce_side;
struct spill_room;

/* Partitions [first, end) of a shuffle become all that there is of another one. */
struct lent_input {
    uint64_t shuffle, as;
    uint32_t first, end;
    uint64_t frame_count; /* that were sent */
};

/* What is to be sent, then what became of it: errand.status, frame_count. */
struct lend_order {
    struct errand errand;
    struct reduce_side *reduce_side; /* borrowed, as all three */
    const struct spill_room *room;
    struct exchange *exchange;
    uint64_t loan;           /* the driver's number of it */
    uint32_t to;             /* rank of who gets it */
    uint32_t executor_count; /* in all */
    uint32_t input_count;
    struct lent_input inputs[];
};

/* Zeroed but for the counts and what an errand wants. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *lend_order_create(uint32_t input_count, struct lend_order **out_order);
