#include "scheduler/attempt.h"

#include "base/assertion.h"

#include <stdlib.h>
#include <string.h>

/* A report may overtake "started", which may also be left out: so every end follows from both. */
static const bool moves[ATTEMPT_STATE_COUNT][ATTEMPT_STATE_COUNT] = {
    [ATTEMPT_SENT] = {[ATTEMPT_RUNNING] = true,
                      [ATTEMPT_FINISHED] = true,
                      [ATTEMPT_FAILED] = true,
                      [ATTEMPT_LOST] = true,
                      [ATTEMPT_CANCELLED] = true},
    [ATTEMPT_RUNNING] = {[ATTEMPT_FINISHED] = true,
                         [ATTEMPT_FAILED] = true,
                         [ATTEMPT_LOST] = true,
                         [ATTEMPT_CANCELLED] = true},
};

bool attempt_may_move(enum attempt_state from, enum attempt_state to) { return moves[from][to]; }

void attempt_move(struct attempt *attempt, enum attempt_state to, struct transition_counts *counts)
{
    BARKS_ASSERT(attempt_may_move(attempt->state, to));
    counts->attempt[attempt->state][to]++;
    attempt->state = (uint8_t)to;
}

void attempt_pool_init(struct attempt_pool *pool)
{
    *pool = (struct attempt_pool){.free_head = ATTEMPT_NONE};
}

void attempt_pool_drop(struct attempt_pool *pool)
{
    for (uint32_t index = 0; index < pool->capacity; index++)
        if (pool->items[index].job != NULL)
            free(pool->items[index].units);
    free(pool->items);
    attempt_pool_init(pool);
}

barks_status *attempt_pool_take(struct attempt_pool *pool, uint32_t *out_index)
{
    if (pool->free_head == ATTEMPT_NONE) {
        uint32_t capacity = pool->capacity == 0 ? 64 : 2 * pool->capacity;
        struct attempt *items = reallocarray(pool->items, capacity, sizeof *items);
        if (items == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u running attempts", capacity);
        memset(items + pool->capacity, 0, (capacity - pool->capacity) * sizeof *items);
        for (uint32_t index = pool->capacity; index < capacity; index++)
            items[index].next_of_task = index + 1 < capacity ? index + 1 : ATTEMPT_NONE;
        pool->free_head = pool->capacity;
        pool->items = items;
        pool->capacity = capacity;
    }
    *out_index = pool->free_head;
    struct attempt *attempt = &pool->items[pool->free_head];
    pool->free_head = attempt->next_of_task;
    *attempt = (struct attempt){.next_of_task = ATTEMPT_NONE,
                                .previous_of_job = ATTEMPT_NONE,
                                .next_of_job = ATTEMPT_NONE,
                                .previous_of_executor = ATTEMPT_NONE,
                                .next_of_executor = ATTEMPT_NONE};
    pool->live_count++;
    return NULL;
}

void attempt_pool_give_back(struct attempt_pool *pool, uint32_t index)
{
    BARKS_ASSERT(index < pool->capacity && pool->items[index].job != NULL);
    pool->items[index] = (struct attempt){.next_of_task = pool->free_head};
    pool->free_head = index;
    pool->live_count--;
}

bool attempt_is_sound(const struct attempt *attempt)
{
    if (attempt->job == NULL)
        return attempt->stage == NULL;
    return attempt->stage != NULL &&
           (attempt->state == ATTEMPT_SENT || attempt->state == ATTEMPT_RUNNING);
}
