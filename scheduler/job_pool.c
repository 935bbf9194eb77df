#include "scheduler/job_pool.h"

#include "base/assertion.h"
#include "scheduler/job.h"

#include <stdlib.h>

enum {
    RANK_PRIORITY_SHIFT = 48,   /* jobs are fewer than 2^48 */
    STEP_OF_WEIGHT_1 = 1 << 20, /* of a turn: 2^34 attempts fit above INDEX_BITS */
    INDEX_BITS = 10,            /* of a pool, below its turn in a key */
    SEQUENCE_BITS = 24,         /* of a job, likewise: then the order of equals begins anew */
};
_Static_assert(SCHEDULER_POOLS_MAX <= 1 << INDEX_BITS, "pools are told apart");

void claim_init(struct claim *claim, struct job_pool *pool)
{
    *claim = (struct claim){.node = {.position = HEAP_OUTSIDE}, .pool = pool};
}

void claim_drop(struct claim *claim) { heap_drop(&claim->any_lanes); }

/* Smaller goes first. Ratios are fixed-point numbers with 32 bits behind the point: those of
 * divisors of 16 bits that differ do so by more than 2^-32, so their order is exact. */
static uint64_t need(const struct job_pool *pool)
{
    _Static_assert(SCHEDULER_SHARE_MAX <= UINT16_MAX, "divisors are of 16 bits");
    const uint64_t has_minimum = UINT64_C(1) << 63, workers_max = (UINT64_C(1) << 30) - 1;
    if (pool->workers_busy < pool->workers_min)
        return (pool->workers_busy << 32) / pool->workers_min;
    uint64_t workers = pool->workers_busy < workers_max ? pool->workers_busy : workers_max;
    return has_minimum | (workers << 32) / pool->weight;
}

/* Turns come first, then a number of so many bits. */
static uint64_t key_of_turn(uint64_t turn, uint64_t number, int bits)
{
    return turn << bits | (number & ((UINT64_C(1) << bits) - 1));
}

BARKS_CHECKED static barks_status *check(uint32_t index, const struct pool_spec *spec)
{
    if (spec->policy != POOL_FIFO && spec->policy != POOL_FAIR)
        BARKS_FAIL(BARKS_INVALID, "pool %u has the unknown policy %d", index, (int)spec->policy);
    if (spec->weight == 0 || spec->weight > SCHEDULER_SHARE_MAX ||
        spec->workers_min > SCHEDULER_SHARE_MAX)
        BARKS_FAIL(BARKS_LIMIT,
                   "pool %u has the weight %u and a minimum of %u workers; the weight must be 1 to "
                   "%d, the minimum at most %d",
                   index, spec->weight, spec->workers_min, SCHEDULER_SHARE_MAX,
                   SCHEDULER_SHARE_MAX);
    return NULL;
}

barks_status *pool_table_init(struct pool_table *table, const struct pool_spec *specs,
                              uint32_t spec_count)
{
    static const struct pool_spec only = {.policy = POOL_FIFO, .weight = 1};
    if (spec_count == 0) {
        specs = &only;
        spec_count = 1;
    }
    if (spec_count > SCHEDULER_POOLS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%u pools; the limit is %d", spec_count, SCHEDULER_POOLS_MAX);
    for (uint32_t index = 0; index < spec_count; index++)
        BARKS_TRY(check(index, &specs[index]));
    struct job_pool *pools = calloc(spec_count, sizeof *pools);
    if (pools == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u pools", spec_count);
    for (uint32_t index = 0; index < spec_count; index++) {
        struct job_pool *pool = &pools[index];
        *pool = (struct job_pool){.policy = specs[index].policy,
                                  .weight = specs[index].weight,
                                  .workers_min = specs[index].workers_min};
        pool->index = index;
        pool->node = (struct heap_node){.key = {need(pool), index}, .position = HEAP_OUTSIDE};
        claim_init(&pool->all, pool);
    }
    *table = (struct pool_table){.pools = pools, .count = spec_count};
    return NULL;
}

void pool_table_drop(struct pool_table *table)
{
    for (uint32_t index = 0; index < table->count; index++) {
        claim_drop(&table->pools[index].all);
        heap_drop(&table->pools[index].claims);
    }
    heap_drop(&table->waiting);
    free(table->pools);
    *table = (struct pool_table){0};
}

void pool_admit(struct pool_table *table, struct job *job, uint32_t index, int32_t priority)
{
    BARKS_ASSERT(index < table->count && priority >= -SCHEDULER_PRIORITY_MAX &&
                 priority <= SCHEDULER_PRIORITY_MAX);
    struct job_pool *pool = &table->pools[index];
    job->rank =
        (uint64_t)(SCHEDULER_PRIORITY_MAX - priority) << RANK_PRIORITY_SHIFT | job->sequence;
    claim_init(&job->own_claim, pool);
    job->own_claim.node.key[1] = key_of_turn(0, job->sequence, SEQUENCE_BITS);
    job->claim = pool->policy == POOL_FAIR ? &job->own_claim : &pool->all;
}

static void rekey(struct heap *heap, struct heap_node *node)
{
    if (node->position != HEAP_OUTSIDE)
        heap_settle(heap, node);
}

static void note_count(struct pool_table *table, struct job *job)
{
    struct job_pool *pool = job->claim->pool;
    pool->node.key[0] = need(pool);
    rekey(&table->waiting, &pool->node);
    if (pool->policy == POOL_FIFO)
        return;
    job->own_claim.node.key[0] = job->workers_busy;
    rekey(&pool->claims, &job->own_claim.node);
}

/* The later of one's own turn and the last one is now; the next of one's own comes a step later. */
static void take_turn(uint64_t *own, uint64_t *last, uint64_t step)
{
    if (*own > *last)
        *last = *own;
    *own = *last + step;
}

void pool_note_started(struct pool_table *table, struct job *job, uint32_t workers)
{
    struct job_pool *pool = job->claim->pool;
    struct claim *claim = &job->own_claim;
    pool->workers_busy += workers;
    job->workers_busy += workers;
    take_turn(&pool->turn, &table->turn, STEP_OF_WEIGHT_1 / pool->weight * (uint64_t)workers);
    pool->node.key[1] = key_of_turn(pool->turn, pool->index, INDEX_BITS);
    if (pool->policy == POOL_FAIR) {
        take_turn(&claim->turn, &pool->turn_of_jobs, workers);
        claim->node.key[1] = key_of_turn(claim->turn, job->sequence, SEQUENCE_BITS);
    }
    note_count(table, job);
}

void pool_note_ended(struct pool_table *table, struct job *job, uint32_t workers)
{
    job->claim->pool->workers_busy -= workers;
    job->workers_busy -= workers;
    note_count(table, job);
}

barks_status *claim_insert(struct pool_table *table, struct claim *claim, struct heap_node *lane)
{
    struct job_pool *pool = claim->pool;
    BARKS_TRY(heap_insert(&claim->any_lanes, lane));
    if (claim->node.position == HEAP_OUTSIDE)
        BARKS_TRY(heap_insert(&pool->claims, &claim->node));
    return pool->node.position == HEAP_OUTSIDE ? heap_insert(&table->waiting, &pool->node) : NULL;
}

void claim_remove(struct pool_table *table, struct claim *claim, struct heap_node *lane)
{
    struct job_pool *pool = claim->pool;
    heap_remove(&claim->any_lanes, lane);
    if (claim->any_lanes.count > 0)
        return;
    /* Where there was no memory for all three, the lane may be in the first alone. */
    if (claim->node.position != HEAP_OUTSIDE)
        heap_remove(&pool->claims, &claim->node);
    if (pool->claims.count == 0 && pool->node.position != HEAP_OUTSIDE)
        heap_remove(&table->waiting, &pool->node);
}

bool claim_before(const struct claim *a, const struct claim *b)
{
    if (a->pool != b->pool)
        return heap_node_before(&a->pool->node, &b->pool->node);
    return heap_node_before(&a->node, &b->node);
}

bool pool_table_is_sound(const struct pool_table *table)
{
    uint32_t waiting = 0;
    for (uint32_t index = 0; index < table->count; index++) {
        const struct job_pool *pool = &table->pools[index];
        waiting += pool->claims.count > 0;
        if (!heap_is_sound(&pool->claims) || pool->node.key[0] != need(pool) ||
            (pool->claims.count > 0) != (pool->node.position != HEAP_OUTSIDE))
            return false;
        for (uint32_t i = 0; i < pool->claims.count; i++) {
            const struct claim *claim = (const struct claim *)pool->claims.nodes[i];
            bool is_right_kind = (claim == &pool->all) == (pool->policy == POOL_FIFO);
            if (claim->pool != pool || !is_right_kind || claim->any_lanes.count == 0 ||
                !heap_is_sound(&claim->any_lanes))
                return false;
        }
    }
    return heap_is_sound(&table->waiting) && waiting == table->waiting.count;
}
