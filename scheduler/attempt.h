/* One attempt at one task, from its decision until it is known how it ended. */
#pragma once

#include "barks/status.h"
#include "scheduler/event.h"
#include "scheduler/transition.h"

#include <stdbool.h>
#include <stdint.h>

struct job;
struct stage;
struct units;

#define ATTEMPT_NONE UINT32_MAX

enum attempt_state {
    ATTEMPT_SENT = 0,
    ATTEMPT_RUNNING,  /* the executor said that a worker has begun */
    ATTEMPT_FINISHED, /* the rest are ends */
    ATTEMPT_FAILED,
    ATTEMPT_LOST,
    ATTEMPT_CANCELLED,
};

/* Live: sent or running. An attempt that has ended is gone: what must be remembered of it stands in
 * its task. Linked into the lists of its task, its job and its executor. */
struct attempt {
    struct job *job; /* borrowed; NULL: the entry is free, next_of_task links free entries */
    struct stage *stage;
    uint32_t task;
    uint32_t number;
    uint32_t executor;
    uint64_t start_ns;   /* when it was sent, had a worker, or said to have begun */
    uint8_t state;       /* enum attempt_state */
    bool is_cancel_sent; /* it will not count, however it ends */
    bool is_stop_sent;   /* it counts where it ends well before it hears of that */
    bool is_away;        /* its task wished for another node */
    bool is_loan;        /* what it reads another one has lent */
    bool is_timed;       /* it stands in the list by start (overrun.h) */
    bool is_ahead;       /* it waits for a worker of its executor (ahead.h) */
    uint32_t next_of_task;
    uint32_t previous_of_job, next_of_job;
    uint32_t previous_of_executor, next_of_executor;
    uint32_t previous_by_start, next_by_start;
    uint32_t previous_ahead, next_ahead;
    struct units *units; /* that it was given; owned; NULL: it needs none (room.h) */
};

/* All live attempts, named by index. Begins with attempt_pool_init; ends with attempt_pool_drop. */
struct attempt_pool {
    struct attempt *items; /* owned; moves when it grows */
    uint32_t capacity;
    uint32_t free_head;
    uint32_t live_count;
};
void attempt_pool_init(struct attempt_pool *pool);
void attempt_pool_drop(struct attempt_pool *pool);

/* A zeroed attempt in no list. Errors: BARKS_NO_MEMORY, nothing has changed. */
BARKS_CHECKED barks_status *attempt_pool_take(struct attempt_pool *pool, uint32_t *out_index);
void attempt_pool_give_back(struct attempt_pool *pool, uint32_t index);

/* Asserts that the table has the move. */
void attempt_move(struct attempt *attempt, enum attempt_state to, struct transition_counts *counts);
bool attempt_may_move(enum attempt_state from, enum attempt_state to);
bool attempt_is_sound(const struct attempt *attempt);
