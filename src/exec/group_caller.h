/* Calls of a BARKS_GROUP or BARKS_COGROUP, and the rows that it emits. Part of operators that hand
 * groups of rows to one. */
#pragma once

#include "exec/emitting.h"
#include "exec/operator.h"

#include <stdint.h>

struct group_rows;

/* What gives the rows of one side of a group piece by piece, where they do not fit in memory. */
struct group_feed {
    /* The next rows, which group_caller_lend has been told of; none: first is end, and those before
     * stay as they are. */
    barks_status *(*more)(struct group_feed *feed, struct group_rows *out_rows);
    /* The first ones again, likewise. */
    barks_status *(*rewind)(struct group_feed *feed, struct group_rows *out_rows);
};

/* The rows of one side of a group: places [first, end) of order (NULL: 0, 1, ...). */
struct group_rows {
    const struct batch *rows; /* as group_caller_lend was given them */
    const uint32_t *order;
    uint32_t first, end;
    struct group_feed *feed; /* borrowed; NULL: these are all */
};

/* Begins zeroed, ends with group_caller_drop. Threads: the task's only. */
struct group_caller {
    struct operator* op; /* borrowed: whose next gets what is emitted */
    const struct pipe_node *node;
    uint32_t side_count;
    uint32_t *bind[STEP_INPUTS_MAX];             /* owned: columns of the function's records */
    const barks_column **bound[STEP_INPUTS_MAX]; /* owned: in the rows that are lent */
    struct emitting emitting;
};

/* For the function of node->step, on rows of the schemas of each side. Errors: as bind_columns,
 * batch_create. */
BARKS_CHECKED barks_status *group_caller_init(struct group_caller *caller, struct operator* op,
                                              const struct pipe_node *node,
                                              const barks_schema *const *schemas,
                                              uint32_t side_count);
void group_caller_drop(struct group_caller *caller);

/* The rows that groups of a side are of from now on. They stay as they are until
 * group_caller_flush, or until group_caller_keep of them. */
void group_caller_lend(struct group_caller *caller, uint32_t side, const struct batch *rows);

/* What emitted rows and the body that runs see of rows' strings is kept, though rows are not. */
BARKS_CHECKED barks_status *group_caller_keep(struct group_caller *caller,
                                              const struct batch *rows);

/* How much memory that takes by now. */
uint64_t group_caller_kept_bytes(const struct group_caller *caller);

/* Calls the function for one group: sides has side_count entries. Errors: what it reports, and
 * those of the operators behind. */
BARKS_CHECKED barks_status *group_caller_call(struct group_caller *caller,
                                              const struct group_rows *sides);
/* Hands on what was emitted. */
BARKS_CHECKED barks_status *group_caller_flush(struct group_caller *caller);
