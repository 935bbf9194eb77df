/* Tasks of one stage on one executor take over partitions that others of them have not begun, so
 * that all of its workers are done at the same time. For stages whose rows are combined, where a
 * task is a long run of partitions and it does not matter which task reads which. */
#pragma once

#include "base/lock.h"
#include "exec/task_run.h"

#include <stdbool.h>
#include <stdint.h>

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

/* The next partition for the task: its own first one, or the last one of the task that has most
 * left; *out_spec is the one that has its payloads. False when there is none. */
bool partition_share_take(struct share_member *member, uint32_t *out_partition,
                          const struct task_spec **out_spec);

/* From now on tasks read their own partitions only, since one of them failed. True when partitions
 * have moved: then the others read rows that will be read again, and must fail too. */
bool partition_share_close(struct partition_share *share);

/* Whether tasks of the pipeline may share. */
bool partition_share_fits(const struct pipeline *pipeline);
