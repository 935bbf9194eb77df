/* The pending tasks of a stage that go to one place, largest first. */
#pragma once

#include "scheduler/heap.h"
#include "scheduler/task.h"

#include <stdbool.h>
#include <stdint.h>

struct stage;

#define LANE_NONE UINT32_MAX

/* From best to worst for the executor that asks, and so the order of a stage's lanes. */
enum lane_level {
    LANE_EXECUTOR = 0, /* tasks pinned to an executor, or that prefer it */
    LANE_NODE,         /* prefer an executor of the node, or the node */
    LANE_ANY,          /* prefer nothing; and retries */
    LANE_STEAL,        /* prefer an executor or node, but nobody need wait for that */
};

/* A task that has preferences stands in several lanes of its stage. Whoever takes it from one
 * leaves it in the others, where it is passed over because it is no longer pending: that costs O(1)
 * for each entry in all. A task that must be tried again goes to the list of retries of one lane,
 * which come first.
 *
 * Queued in the heap of its place while it may hold a pending task and the stage may start tasks.
 */
struct lane {
    struct heap_node node; /* first, so that a heap's node is its lane */
    struct stage *stage;   /* borrowed: the stage holds the lane */
    enum lane_level level;
    uint32_t place;       /* executor or node */
    bool is_pinned;       /* its tasks run there, but for those that are lent (speculation.h); if
                             it is lost, with its heir */
    bool is_slow;         /* pinned: an attempt there has taken far longer than others elsewhere */
    uint32_t cursor, end; /* entries [cursor, end) of stage->order have not been looked at */
    uint32_t retry_head, retry_tail;
    uint32_t open_count; /* pinned lanes: tasks that are not done */
};

/* The task that it gives next, TASK_NONE if it is empty; passes over what is not pending. */
uint32_t lane_first(struct lane *lane);
/* Takes what lane_first gave. */
void lane_take(struct lane *lane);
/* Appends a pending task to the retries, unless it stands there still. */
void lane_retry(struct lane *lane, uint32_t task);
