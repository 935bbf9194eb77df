/* A join in one partition whose held side does not fit its share of memory, by way of the disk. The
 * rows are those that it would give in memory, in the same order. */
#pragma once

#include "exec/operator.h"
#include "exec/pair.h"

/* Threads: the task's only.
 *
 *     rows of the right, numbered ---> piles by key --+--> matches: rows of the right under the
 *     keys of the left, numbered ----> piles by key --+    numbers of the left, merged by these
 *                                                                   |
 *     rows of the left --------------> a run in their order --------+--> pairs
 *
 * So a pile has of the left no more than its keys, and pairs are made, and functions called, in the
 * order of the left. */
struct spilled_join;

/* pairs is borrowed, as task and node. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *spilled_join_create(struct task *task, const struct pipe_node *node,
                                                struct pair_output *pairs,
                                                struct spilled_join **out);
void spilled_join_destroy(struct spilled_join *join); /* NULL is fine */

/* First all rows of the right, then those of the left. Errors: those of memory and disk. */
BARKS_CHECKED barks_status *spilled_join_add_right(struct spilled_join *join,
                                                   const struct batch *batch);
BARKS_CHECKED barks_status *spilled_join_add_left(struct spilled_join *join,
                                                  const struct batch *batch);

/* Then once: gives the pairs on. Errors: the same, those of operators further on. */
BARKS_CHECKED barks_status *spilled_join_give(struct spilled_join *join);
