/* Functions of the job's own that hear what happens while it runs: jobs, stages, attempts at tasks,
 * kept partitions and executors, the same that --barks-event-log writes.
 *
 *     static void note(const barks_event *event, void *user)
 *     {
 *         if (event->kind == BARKS_EVENT_TASK_ENDED && event->exit_code != 0)
 *             fprintf(user, "task %u failed: %s\n", event->task, event->error);
 *     }
 *     barks_add_listener(ctx, note, stderr);
 */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/context.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum barks_event_kind {
    BARKS_EVENT_EXECUTOR = 1,  /* it is there: executor, host, worker_count, memory_bytes */
    BARKS_EVENT_JOB_STARTED,   /* job, what, count of stages, pool, priority, group, description,
                                  tags */
    BARKS_EVENT_STAGE_STARTED, /* job, stage, what (its steps), count of partitions */
    BARKS_EVENT_TASK_STARTED,  /* job, stage, task, attempt, executor, first and end_partition */
    BARKS_EVENT_TASK_ENDED,    /* the same, exit_code, error, what it read, wrote and sent */
    BARKS_EVENT_STAGE_ENDED,   /* job, stage, count of tasks, rows_read, bytes_read */
    BARKS_EVENT_JOB_ENDED,     /* job, exit_code, error */
    BARKS_EVENT_MEMORY,  /* of an executor, once a second: memory_bytes in use, spilled_bytes */
    BARKS_EVENT_TROUBLE, /* exit_code, error: what ends everything */
    BARKS_EVENT_LOST,    /* count of events that this listener was too slow for, here */
    BARKS_EVENT_END,     /* the last one; exit_code, count of tasks */
    BARKS_EVENT_EXECUTOR_LOST, /* executor, error: why; the others go on, if they can */
    BARKS_EVENT_RECOVERED,     /* they do: count of tasks that run again, bytes_sent: sent again */
    BARKS_EVENT_KEPT,     /* executor keeps the partition first_partition of dataset: count of rows,
                             memory_bytes, spilled_bytes: those on disk */
    BARKS_EVENT_EVICTED,  /* it does no more: executor, dataset, first_partition */
    BARKS_EVENT_EXCLUDED, /* executor gets no more tasks of job and stage (UINT32_MAX: of all its
                             stages) before until_ns; error: why */
    BARKS_EVENT_STAGE_SKIPPED /* job and stage (UINT32_MAX: one that was not even planned), which
                                 need not run; what (its steps), error: why */
} barks_event_kind;

/* What is not of an event's kind is 0 or NULL. Stages and tasks count from 0, executors from 1. An
 * action is one job or several. exit_code is that of barks_exit_code: 0 for what went well, 8 for
 * what was cancelled. */
typedef struct barks_event {
    barks_event_kind kind;
    uint64_t time_ns; /* since the start */
    uint64_t job;
    uint32_t stage, task, attempt, executor;
    uint32_t lender; /* of a task: the executor that has lent it what it reads; 0: nobody had to */
    uint32_t first_partition, end_partition; /* of a task: [first, end) */
    uint64_t count;
    int exit_code;
    int priority;
    const char *what, *error, *host;
    const char *pool, *group, *description, *tags; /* tags: "one,two" */
    uint64_t rows_read, bytes_read, rows_written, bytes_written, rows_sent, bytes_sent;
    uint64_t rows_filtered; /* of a join, not sent since the other side lacks their keys */
    uint64_t worker_count, memory_bytes, spilled_bytes;
    uint64_t dataset;  /* the same number in all events of one that is kept */
    uint64_t until_ns; /* since the start, as time_ns */
} barks_event;

typedef void barks_listener(const barks_event *event, void *user);

/**
 * Has listener called with each event from now on, in order, after one for each executor.
 *
 * Each listener has a thread of its own, and a queue of a mebibyte in which events wait for it. Who
 * is slower than they come loses some, never makes the job wait, and is told by an event of the
 * kind BARKS_EVENT_LOST; the summary says how many. barks_finalize waits up to 5 s for listeners to
 * hear the rest; whoever has not returned then is left to itself, and may still be called.
 *
 * Ownership: the event and its texts are the engine's, until the listener returns. user must live
 *            until barks_finalize has returned.
 * Errors:    false, and told: BARKS_NO_MEMORY, BARKS_LIMIT (no thread; more than 64 listeners).
 * Threads:   any. The listener runs in its own thread, never twice at the same time, and may call
 *            those calls of barks/schedule.h that begin with barks_cancel_, and nothing else of
 *            barks.
 */
BARKS_API bool barks_add_listener(barks_context *context, barks_listener *listener, void *user);

#ifdef __cplusplus
}
#endif
