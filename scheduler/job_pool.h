/* Pools: jobs that have the workers in common with other jobs, each pool by its weight. */
#pragma once

#include "barks/status.h"
#include "scheduler/heap.h"
#include "scheduler/scheduler.h"

#include <stdbool.h>
#include <stdint.h>

struct job;
struct job_pool;

/* A claim on workers: the jobs of a FIFO pool all together, or one job of a FAIR pool.
 * Begins with claim_init; ends with claim_drop. */
struct claim {
    /* First, so that a heap's node is its claim. In pool->claims while any_lanes is not empty.
     * Keys: the workers busy with its attempts; its turn and, of equals, the one submitted first.
     */
    struct heap_node node;
    struct job_pool *pool; /* borrowed */
    uint64_t turn;         /* see pool.turn; each worker is a step of 1 */
    struct heap any_lanes; /* of its stages, LANE_ANY and LANE_STEAL */
};
void claim_init(struct claim *claim, struct job_pool *pool);
void claim_drop(struct claim *claim);

struct job_pool {
    /* First. In the table's waiting while claims is not empty. Keys: see need in pool.c; its turn
     * and, of equals, the first by name. */
    struct heap_node node;
    uint32_t index; /* in the table */
    enum pool_policy policy;
    uint32_t weight, workers_min;
    /* Among equals the smallest goes first: each worker that starts moves a pool on from its own
     * or the last turn of all, whichever is later, by a step that is the shorter the more it
     * weighs. So with fewer workers than pools each still gets its part, and who comes late does
     * not make up for what he has not asked for. Source: start-time fair queueing, Goyal, Vin and
     * Cheng, SIGCOMM 1996. */
    uint64_t turn;
    uint64_t turn_of_jobs; /* the last one, of its jobs (FAIR) */
    uint64_t workers_busy; /* with its jobs' attempts, those told to cancel too */
    struct heap claims;    /* with lanes that anybody may take from */
    struct claim all;      /* FIFO: of all its jobs */
};

/* Begins with pool_table_init; ends with pool_table_drop. */
struct pool_table {
    struct job_pool *pools; /* owned; never moves */
    uint32_t count;
    uint64_t turn;       /* the last one */
    struct heap waiting; /* pools that have tasks for anybody */
};

/* One FIFO pool where spec_count is 0. Errors: BARKS_INVALID, BARKS_LIMIT, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *pool_table_init(struct pool_table *table, const struct pool_spec *specs,
                                            uint32_t spec_count);
void pool_table_drop(struct pool_table *table);

/* The job has not begun; its id, sequence and specification are known. */
void pool_admit(struct pool_table *table, struct job *job, uint32_t pool, int32_t priority);
/* An attempt of the job that occupies so many workers has started, or ended.
 * O(log pools and jobs). */
void pool_note_started(struct pool_table *table, struct job *job, uint32_t workers);
void pool_note_ended(struct pool_table *table, struct job *job, uint32_t workers);

/* A lane of LANE_ANY or LANE_STEAL. O(log). Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *claim_insert(struct pool_table *table, struct claim *claim,
                                         struct heap_node *lane);
void claim_remove(struct pool_table *table, struct claim *claim, struct heap_node *lane);

/* Whose tasks go first: pools below their minimum before others and those farthest below it first,
 * then those with fewer attempts for their weight, then those whose turn it is, then by name; in a
 * FAIR pool the job with fewer attempts, then whose turn it is. False for the same claim. O(1). */
bool claim_before(const struct claim *a, const struct claim *b);

bool pool_table_is_sound(const struct pool_table *table);
