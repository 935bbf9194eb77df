/* Whose jobs go first, and which are ended together.
 *
 * Jobs that run at the same time (of several threads, or asynchronous ones) share the workers. They
 * do so by pools, which --barks-pools defines:
 *
 *     --barks-pools "reports:fair,weight=3,min=4 batch"
 *
 * makes a pool `reports`, whose jobs share evenly, and a pool `batch`, whose jobs go one after the
 * other (fifo); the pool `default` is always there. A worker that is free takes a task of the pool
 * that has fewer workers than its `min` (the one farthest below it first), else of the one with
 * fewest workers for its `weight`; equals take turns, which is what counts when there are fewer
 * workers than pools. In a fifo pool the job of the greatest priority goes first, then the one that
 * was started first; others take what it leaves. Tasks that run are never ended for it.
 *
 * Rows on their way to an executor share the rounds in which they travel by bytes, each job in
 * proportion to the `weight` of its pool: a job with few rows does not wait for all of one with
 * many. Answers do not depend on any of this.
 *
 * What is said here holds for the actions that the calling thread starts from then on.
 * Asynchronous actions take along what held where they were started.
 *
 * Threads: any. Actions may be called from several threads; datasets are made by the thread that
 *          called barks_init. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/context.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Puts the jobs of this thread into a pool; NULL: `default`.
 *
 * Errors: BARKS_INVALID (false, and told): there is no such pool. The thread stays in its pool.
 */
#define barks_set_pool(context, name) barks_set_pool_at((context), (name), BARKS_HERE)
BARKS_API bool barks_set_pool_at(barks_context *context, const char *name, const char *where);

/* Among the jobs of a fifo pool; 0 is usual, a greater one goes first.
 * Errors: BARKS_INVALID (false, and told): not within -32767 and 32767. */
#define barks_set_priority(context, priority)                                                      \
    barks_set_priority_at((context), (priority), BARKS_HERE)
BARKS_API bool barks_set_priority_at(barks_context *context, int priority, const char *where);

/**
 * How long each action of this thread may take, in seconds, with all jobs that it runs, from when
 * it is called; 0: as long as it takes, which is usual. One that takes longer fails with
 * BARKS_LIMIT (exit status 4), as if it were cancelled at that moment: functions that take long
 * ask barks_cancelled(), or the action ends when they do. An answer by then, whatever is done, is
 * what barks_count_within and its like give; the time of the whole program is --barks-time-limit.
 *
 * Errors: BARKS_INVALID (false, and told): below 0, or no number. Nothing has changed.
 */
#define barks_set_deadline(context, seconds) barks_set_deadline_at((context), (seconds), BARKS_HERE)
BARKS_API bool barks_set_deadline_at(barks_context *context, double seconds, const char *where);

/**
 * Names the jobs of this thread: group is for barks_cancel_group and the event log, description for
 * people: it stands in the progress line, in errors and in the event log. NULL: none.
 *
 * Ownership: both are copied.
 * Errors:    BARKS_LIMIT (false, and told): a group of more than 127 bytes, a description of more
 *            than 255. Nothing has changed.
 */
#define barks_set_job_group(context, group, description)                                           \
    barks_set_job_group_at((context), (group), (description), BARKS_HERE)
BARKS_API bool barks_set_job_group_at(barks_context *context, const char *group,
                                      const char *description, const char *where);

/* Tags the jobs of this thread, beside the tags that they have; takes a tag away again (none that
 * is there: nothing); all with NULL.
 * Errors: BARKS_INVALID (false, and told): empty, or with a comma, or more than 511 bytes in all.
 */
#define barks_add_job_tag(context, tag) barks_add_job_tag_at((context), (tag), BARKS_HERE)
BARKS_API bool barks_add_job_tag_at(barks_context *context, const char *tag, const char *where);
BARKS_API void barks_remove_job_tag(barks_context *context, const char *tag);

/* End the actions of a group, with a tag, or all that run, of whichever thread, as barks_cancel
 * does: they fail with BARKS_CANCELLED unless they end well before. Bodies that take long ask
 * barks_cancelled(). Actions that begin later are not touched. They return how many were told. */
BARKS_API int barks_cancel_group(barks_context *context, const char *group);
BARKS_API int barks_cancel_tag(barks_context *context, const char *tag);
BARKS_API int barks_cancel_all(barks_context *context);

/**
 * End one job, or a part of it, by the numbers that listeners (barks_add_listener) and the event
 * log give: jobs count from 1, stages and tasks from 0. An action may run several jobs one after
 * the other, each with a number of its own.
 *
 * barks_cancel_job ends the job: its action fails with BARKS_CANCELLED. barks_cancel_stage does so,
 * too, unless the stage is over, since what comes after it cannot be had without it.
 * barks_cancel_task ends the attempts at a task that run, and the task is tried again: that is no
 * failure, and is not counted by --barks-attempts, but who ends the attempts of one task the 256th
 * time ends its job. An attempt that ends well before it hears of that counts. Tasks that run
 * together (barks_map_partitions_together) are all begun anew.
 *
 * All of them reach functions that take long only where these ask barks_cancelled().
 *
 * They return true where there was something to end and it was told, false where there is no such
 * job, stage or task, where it does not run (any more), and while barks_finalize ends all.
 * Threads: any, also that of a listener. They wait until the driver's thread has told, not until
 *          what was told has ended.
 */
BARKS_API bool barks_cancel_job(barks_context *context, uint64_t job);
BARKS_API bool barks_cancel_stage(barks_context *context, uint64_t job, uint32_t stage);
BARKS_API bool barks_cancel_task(barks_context *context, uint64_t job, uint32_t stage,
                                 uint32_t task);

#ifdef __cplusplus
}
#endif
