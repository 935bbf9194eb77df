/* What the driver tells the event log and listeners: one call for each thing that happens, each of
 * which returns at once and does nothing where nobody wants to hear it. */
#pragma once

#include "barks/status.h"
#include "runtime/driver.h"

#include <stdint.h>

struct attempt_id;
struct attempt_report;
struct config;
struct decision;
struct job;
struct job_history;
struct kept_change;
struct members;
struct recovery;

/* The beginning: who runs, with which settings. members is borrowed until job_history_close.
 * A log is written where --barks-event-log says so. Errors: those of history_writer_open. */
BARKS_CHECKED barks_status *job_history_open(const struct config *config,
                                             const struct members *members,
                                             struct job_history **out_history);

/* Takes the tap, which hears of what comes, after one record for each executor. Threads: any.
 * Errors: BARKS_LIMIT. */
struct history_tap;
BARKS_CHECKED barks_status *job_history_add_tap(struct job_history *history,
                                                struct history_tap *tap);

void job_history_action_started(struct job_history *history, const struct job *job,
                                const char *pool);
void job_history_action_ended(struct job_history *history, const struct job *job);
void job_history_stage_started(struct job_history *history, const struct job *job, uint32_t stage);
/* stage: SCHEDULER_ANY: one that the plan has left out. */
void job_history_stage_skipped(struct job_history *history, const struct job *job, uint32_t stage,
                               const char *reason);
/* spilled_bytes: of all executors so far. */
void job_history_stage_ended(struct job_history *history, const struct job *job, uint32_t stage,
                             uint32_t task_count, uint64_t spilled_bytes);
void job_history_task_started(struct job_history *history, const struct decision *start);
/* sent has executor_count entries where it is not NULL. */
void job_history_task_done(struct job_history *history, const struct attempt_report *report,
                           uint64_t rows_sent);
void job_history_task_failed(struct job_history *history, const struct attempt_id *id,
                             const barks_status *error);
void job_history_excluded(struct job_history *history, const struct decision *excluded);
/* The executor keeps a partition, or keeps it no more. */
void job_history_block(struct job_history *history, uint32_t executor,
                       const struct kept_change *change);
/* Of a pulse of the executor; at most one a second is kept. */
void job_history_memory(struct job_history *history, uint32_t executor);
/* The job goes on without the executor; and then: it does. */
/* One that was spare. */
void job_history_executor_joined(struct job_history *history, uint32_t executor);
void job_history_executor_lost(struct job_history *history, uint32_t executor, const char *why);
void job_history_recovered(struct job_history *history, const struct recovery *recovery,
                           uint64_t took_ns);
/* What ends the whole job. */
void job_history_trouble(struct job_history *history, const barks_status *error);

/* The end: how it ended, in all. Says where the log is, and what it lacks, through progress. Frees
 * history; NULL is fine. */
struct progress;
void job_history_close(struct job_history *history, int exit_code,
                       const struct driver_totals *totals, const char *output,
                       struct progress *progress);
