/* Tasks of one stage on one executor take over partitions that others of them have not begun, so
 * that all of its workers are done at the same time. For stages whose rows are combined, where a
 * task is a long run of partitions and it does not matter which task reads which. */
#pragma once

#include "base/lock.h"
#include "exec/task_run.h"

#include <stdbool.h>
#include <stdint.h>

/* What a task will not read: the end of its run, [first, end). */
struct run_rest {
    const struct task_spec *spec; /* of the task, borrowed */
    uint32_t first, end;
};

/* One task's part. Threads: guarded by the share's lock once it has joined. */
struct share_member {
    struct partition_share *share;
    struct share_member *next;
    const struct task_spec *spec; /* borrowed; payloads too, until every member has ended */
    uint32_t first, end;          /* not begun yet */
};

struct partition_share {
    struct lock lock;
    struct {
        struct share_member *members;
        bool has_moved; /* a task has read a partition of another one */
        bool closed;
    } locked;
};

void partition_share_init(struct partition_share *share);
void partition_share_drop(struct partition_share *share);

void partition_share_join(struct partition_share *share, struct share_member *member,
                          const struct task_spec *spec);
void partition_share_leave(struct share_member *member);

/* The next partition for the task: its own, or that of the task that has most left; so what a task
 * has left is always the end of its run. *out_spec is the one that has its payloads. False when
 * there is none. */
bool partition_share_take(struct share_member *member, uint32_t *out_partition,
                          const struct task_spec **out_spec);

/* From now on tasks read their own partitions only, since one of them failed. True when partitions
 * have moved: then the others read rows that will be read again, and must fail too. */
bool partition_share_close(struct partition_share *share);

/* Where less than percent of the tasks' partitions have been begun, they read no more than those,
 * and at least one each: what is left is filled into out_rests, of which there must be room for one
 * for each task. From then on tasks read their own partitions only. *out_is_apart: none had moved,
 * so that each counts or fails by itself. Returns their number; 0: nothing has changed. */
uint32_t partition_share_cut(struct partition_share *share, uint32_t percent,
                             struct run_rest *out_rests, bool *out_is_apart);

/* Nothing has moved, and nothing will: each task counts or fails by itself. */
bool partition_share_is_apart(struct partition_share *share);

/* Whether tasks of the pipeline may share. */
bool partition_share_fits(const struct pipeline *pipeline);
