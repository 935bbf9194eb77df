/* How much of the budget an operator may hold before it puts rows on disk. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct batch;
struct task;

/* Half of the budget is for what operators hold: an equal share for each worker, and of that for
 * each step of the task's pipeline that holds rows. The other half is for all else: buckets, tables
 * of the map side, frames, rounds, batches on their way. A few MiB more than the share do no harm.
 */
uint64_t memory_share_bytes(const struct task *task);

/* Sets aside what it may take to hold the strings of another batch (pool_claim). False: it is not
 * free, even after what others can put on disk has gone there; who holds rows then puts them on
 * disk, or sends them on. */
bool memory_claim(const struct task *task, const struct batch *batch);
/* What is left of it is free again. */
void memory_unclaim(const struct task *task);

/* For who holds rows that cannot go to disk, before he adds a batch: as much must be free, after
 * others have given what they can and the other workers what they will, so that the steps before
 * him do not fail in his stead. Errors: BARKS_LIMIT. */
BARKS_CHECKED barks_status *memory_check_room(const struct task *task, const struct batch *batch);
