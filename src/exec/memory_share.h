/* How much of the budget an operator may hold before it puts rows on disk. */
#pragma once

#include <stdint.h>

struct task;

/* Half of the budget is for what operators hold: an equal share for each worker, and of that for
 * each step of the task's pipeline that holds rows. The other half is for all else: buckets, tables
 * of the map side, frames, rounds, batches on their way. A few MiB more than the share do no harm.
 */
uint64_t memory_share_bytes(const struct task *task);
