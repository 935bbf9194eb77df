/* What tasks need beside one worker: more of its executor's workers, memory, named things such as
 * GPUs; and what an executor has of these, and has free. */
#pragma once

#include "barks/status.h"
#include "scheduler/event.h"

#include <stdbool.h>
#include <stdint.h>

struct executor;

/* Of an executor. Invariant: what is free is of what is offered, and the rest is just what its live
 * attempts were given. */
struct room {
    struct executor_offer offered, free;
};

/* The units of each kind that an attempt was given: a bit for each. */
struct units {
    uint64_t of[SCHEDULER_RESOURCES_MAX];
};

/* What is lacking, as bits; those of kinds follow the two. */
enum { LACKS_WORKERS = 1, LACKS_MEMORY = 2, LACKS_UNITS_SHIFT = 2 };

/* needs may be NULL in all of these: one worker, nothing else. */

bool needs_are_plain(const struct task_needs *needs);
static inline uint32_t needs_threads(const struct task_needs *needs)
{
    return needs == NULL || needs->threads == 0 ? 1 : needs->threads;
}
/* Makes sum what meets both. */
void needs_add(struct task_needs *sum, const struct task_needs *more);

/* NULL where it offers nothing. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *room_create(const struct executor_offer *offer, struct room **out_room);

/* Would it have all that a task needs if nothing ran there? */
bool room_could_hold(const struct executor *executor, const struct task_needs *needs);
/* What is not free there now in the amount that a task needs; 0: it may start. */
uint32_t room_lacks(const struct executor *executor, const struct task_needs *needs);
/* How many such tasks have room at once, in what is free, or in the whole. */
uint32_t room_count(const struct executor *executor, const struct task_needs *needs, bool whole);
/* Of those things that lacked names: would a task leave less than another one needs? */
bool room_would_take(const struct executor *executor, const struct task_needs *needs,
                     const struct task_needs *other, uint32_t lacked);

/* Takes memory and units, the lowest ones, which are free; workers are the executor table's.
 * *out_units: which; owned (free), NULL where none are needed. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *room_take(struct executor *executor, const struct task_needs *needs,
                                      struct units **out_units);
/* Gives back what room_take took; frees units. */
void room_give_back(struct executor *executor, const struct task_needs *needs, struct units *units);
