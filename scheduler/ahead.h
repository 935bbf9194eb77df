/* Attempts that an executor is given ahead, while its workers are busy: where tasks take less than
 * a message to the driver and back, workers would else mostly wait for the next one.
 *
 * An executor begins what it was given in order, so attempts wait in a queue as it has them, and
 * the first one takes the worker that is free next. An attempt that is queued occupies no worker.
 * It is as old as its decision until then: one that waits behind tasks which turn out to be slow is
 * copied as they are, and so none is given ahead where slow attempts are not copied, or where a
 * task may have one attempt only. What was queued on an executor that is lost was no loss to its
 * task. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct attempt;
struct executor;
struct lane;
struct scheduler;

/* The attempts that wait, the first one first. */
struct ahead_queue {
    uint32_t head, tail; /* ATTEMPT_NONE: empty */
    uint32_t count;
};
extern const struct ahead_queue ahead_empty;

/* An executor without idle workers may have a task of the lane ahead. O(1), and now and then
 * O(buckets of durations). */
bool ahead_admits(const struct scheduler *scheduler, uint32_t executor, const struct lane *lane);
/* Some stage may be given ahead there, as far as can be told without looking at lanes. */
bool ahead_is_possible(const struct scheduler *scheduler, uint32_t executor);

/* The attempt is the last of its executor's queue; it is not in it any more. */
void ahead_append(struct scheduler *scheduler, uint32_t index);
void ahead_remove(struct scheduler *scheduler, uint32_t index);
/* Those for which its executor has idle workers occupy them, and begin now. */
void ahead_promote(struct scheduler *scheduler, uint32_t executor);

bool ahead_is_sound(const struct scheduler *scheduler, const struct executor *executor);
