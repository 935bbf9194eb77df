/* Joins neighbouring partitions to runs of about equal bytes: one run is one task. */
#pragma once

#include "scheduler/event.h"

#include <stdint.h>

enum {
    RUNS_PER_WORKER = 8 /* RUNS_SPREAD: the last runs of a stage end within 1/8 of each other */
};

/* How many runs a policy makes of partitions for workers: at least one for any partition, never
 * more than partitions. */
uint32_t runs_wanted(enum run_policy policy, uint32_t partition_count, uint64_t worker_count);

/**
 * Cuts partitions [0, partition_count) into run_count runs, none empty: run i is [out_firsts[i],
 * out_firsts[i + 1]). A run of several partitions has at most its equal share plus the weight of
 * the heaviest partition.
 *
 * Shapes:  partition_bytes has partition_count entries, or is NULL: all are equal; out_firsts has
 *          run_count + 1; 1 <= run_count <= partition_count <= SCHEDULER_PARTITIONS_MAX.
 * Units:   bytes past 1 TiB a partition count as 1 TiB.
 * Threads: any. Cost: O(partition_count).
 */
void split_into_runs(const uint64_t *partition_bytes, uint32_t partition_count, uint32_t run_count,
                     uint32_t *out_firsts);

/* What a partition weighs: its bytes, bounded so that sums cannot overflow, and one for its
 * trouble, so that empty partitions are dealt out evenly too. */
uint64_t partition_weight(const uint64_t *partition_bytes, uint32_t partition);
