/* Calls of a BARKS_GROUP or BARKS_COGROUP, and the rows that it emits. Part of operators that hand
 * groups of rows to one. */
#pragma once

#include "exec/emitting.h"
#include "exec/operator.h"

#include <stdint.h>

/* The rows of one side of a group: places [first, end) of order (NULL: 0, 1, ...). */
struct group_rows {
    const struct batch *rows; /* as group_caller_lend was given them */
    const uint32_t *order;
    uint32_t first, end;
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
 * group_caller_flush. */
void group_caller_lend(struct group_caller *caller, uint32_t side, const struct batch *rows);

/* Calls the function for one group: sides has side_count entries. Errors: what it reports, and
 * those of the operators behind. */
BARKS_CHECKED barks_status *group_caller_call(struct group_caller *caller,
                                              const struct group_rows *sides);
/* Hands on what was emitted. */
BARKS_CHECKED barks_status *group_caller_flush(struct group_caller *caller);
