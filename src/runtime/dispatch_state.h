/* The inside of dispatch: what its files (dispatch.c, decisions.c, report_intake.c) share. */
#pragma once

#include "base/pack.h"
#include "runtime/dispatch.h"
#include "runtime/job_recovery.h"
#include "runtime/live_tasks.h"
#include "runtime/members.h"
#include "runtime/report_table.h"
#include "runtime/shuffle_index.h"
#include "runtime/task_batches.h"
#include "runtime/task_pace.h"
#include "scheduler/scheduler.h"

#include <stdbool.h>
#include <stdint.h>

/* What the driver knows of a stage while its job runs. */
struct job_stage {
    struct packer packed; /* its pipeline, once it is shipped */
    uint32_t commit;      /* the scheduler's number of the commit under way; 1: the first */
    uint32_t run_count;
    uint32_t slot_count;  /* of its shuffle: owners, as they were at the beginning */
    uint32_t ready_count; /* slots whose holder has all that it expects there */
    uint32_t *attempts;   /* owned; of each run, by the last commit; NULL: nothing was committed */
    bool is_committing;
    bool was_committed;           /* to its end, once at least */
    bool is_stored;               /* its shuffle is written by those who hold it, by this commit */
    struct store_reports *stored; /* owned: where executors have stored what they have of it */
    uint64_t *output_bytes; /* owned; of each partition of its shuffle, once executors have them */
    struct key_filter filter; /* owned; FILTER_COLLECTS: of the attempts so far that finished */
    bool has_filter;          /* of one at least */
    bool has_told_filter;     /* it is whose it was for: what comes now changes nothing */
    uint64_t started_ns;
    uint64_t bytes_total;  /* that its tasks will read of files; 0: not known */
    uint64_t rows, bytes;  /* of the attempts that finished */
    struct task_pace pace; /* likewise */
    uint64_t reports;      /* list of these attempts, until it is released */
    /* In the list of stages that run, from its first task or commit until it is committed. */
    bool is_running;
    struct job *job;
    uint32_t index;
    struct job_stage *previous_running, *next_running;
    /* Of tasks that run together: one that has ended well, of the last attempt. */
    bool has_ended;
    uint32_t ended_attempt, ended_task;
};

/* Why an attempt has failed. */
struct attempt_error {
    struct attempt_id id;
    barks_status *status; /* owned; NULL once it is told */
    uint64_t next_free;   /* number, of those whose job is over; 0: the last */
};

/* An attempt that was told to end, until its executor says that it has. */
struct cancelled_attempt {
    struct attempt_id id;
    uint64_t since_ns;
    bool is_overrun; /* it had run longer than it may */
};

struct dispatch {
    struct dispatch_options options;
    struct net *net;         /* = options.net */
    struct members *members; /* = options.members */
    struct scheduler *scheduler;
    struct scheduler_log *scheduler_log; /* owned; NULL: none */
    struct decision_list decisions;
    struct job *jobs; /* that run, newest first */
    uint64_t next_job;
    uint64_t last_burst;
    struct job_stage *first_running, *last_running; /* by when they began; borrowed of jobs */
    struct report_table reports;
    struct task_batches batches;  /* that are sent before anything else is */
    bool is_taking_reports;       /* of one message: the tasks that follow go together */
    struct attempt_error *errors; /* owned; number n stands at n - 1 */
    uint64_t error_count, error_capacity, first_free_error;
    struct cancelled_attempt *cancelled; /* owned; few */
    uint32_t cancelled_count, cancelled_capacity;
    bool has_deaf_attempt;
    uint64_t waiting_since_ns; /* tasks, for workers of attempts that do not answer; 0: none do */
    uint64_t *left_jobs;       /* owned; ids: over, but for attempts that do not answer */
    uint32_t left_count, left_capacity;
    struct gathering *gatherings;    /* of tasks that run together; owned */
    struct loan *loans;              /* owned */
    uint64_t loan_count, lent_count; /* ever: loans, and shuffles of theirs */
    struct driver_totals totals;
    uint64_t time_left_ns; /* of the batch system's time; UINT64_MAX: no end is known */
    bool is_out_of_time;   /* tasks that would begin are held back */
    uint64_t held_count;   /* which the scheduler believes to run */
    struct recovery recovery;
};

/* cancelled_attempts.c: an attempt has run too long, which becomes its error; one is told to end;
 * it has ended, which gives the error of one that ran too long (borrowed; NULL: it did not); those
 * of an executor that is lost. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *dispatch_note_overrun(struct dispatch *dispatch, const struct job *job,
                                                  const struct attempt_id *id);
BARKS_CHECKED barks_status *dispatch_note_cancelled(struct dispatch *dispatch,
                                                    const struct attempt_id *id);
const barks_status *dispatch_note_answered(struct dispatch *dispatch, const struct attempt_id *id);
void dispatch_forget_cancelled(struct dispatch *dispatch, uint32_t executor);

/* Takes error. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *dispatch_add_error(struct dispatch *dispatch,
                                               const struct attempt_id *id, barks_status *error,
                                               uint64_t *out_number);

/* What has ended the executor, where that was a crash which has ended another one amid the same
 * task before; borrowed. NULL: it was not. */
const barks_status *dispatch_repeated_crash(const struct dispatch *dispatch, uint32_t executor);

/* The job that runs under the id, or NULL. */
struct job *dispatch_find_job(const struct dispatch *dispatch, uint64_t id);
const struct terminal *job_terminal(const struct job *job, uint32_t stage);

/* What was reported of the attempt that counts for a run of a stage that is being committed. */
BARKS_CHECKED barks_status *dispatch_counted_report(const struct dispatch *dispatch,
                                                    const struct job *job, uint32_t stage,
                                                    uint32_t run, struct counted_run *out_run,
                                                    struct attempt_report **out_report);

/* A stage that finds hot keys has all its runs: the stage that copies is told what they have found,
 * or left out. Where runs that were made again found what it was not told, *out_problem says so. */
BARKS_CHECKED barks_status *dispatch_tell_hot_keys(struct dispatch *dispatch, struct job *job,
                                                   uint32_t stage, uint32_t run_count,
                                                   barks_status **out_problem);

/* key_filters.c: what an attempt of FILTER_COLLECTS has sent, borrowed of its message; NULL: none.
 */
struct packed_keys {
    const uint8_t *bytes;
    size_t size_bytes;
};
/* Adds it to what the stage's attempts have sent before. Errors: BARKS_BAD_INPUT, BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *dispatch_take_keys(struct job *job, struct attempt_report *report,
                                               const struct packed_keys *keys);
/* A stage that collects keys has all its runs: the stage that tests is told. */
BARKS_CHECKED barks_status *dispatch_tell_keys(struct dispatch *dispatch, struct job *job,
                                               uint32_t stage, uint32_t run_count);

/* Gives an event to the scheduler and carries its decisions out, in order; those of an event that
 * comes up meanwhile come after them, in the same list. */
/* The scheduler hears of an executor that may be given tasks. */
BARKS_CHECKED barks_status *dispatch_join(struct dispatch *dispatch, uint32_t rank);
BARKS_CHECKED barks_status *dispatch_handle(struct dispatch *dispatch, const struct event *event);
BARKS_CHECKED barks_status *dispatch_carry_out(struct dispatch *dispatch,
                                               const struct decision *decision);

/* broken_executors.c: an executor has found rows on its disks that are not what it had put there
 * (MESSAGE_DAMAGE). The second time the person is told, and it gets as little more as possible. */
BARKS_CHECKED barks_status *dispatch_take_damage(struct dispatch *dispatch, struct unpacker *in,
                                                 uint32_t executor);
/* An executor cannot go on (MESSAGE_TROUBLE): the others do, where they may. Errors: that it
 * cannot: the job has to end. */
BARKS_CHECKED barks_status *dispatch_take_trouble(struct dispatch *dispatch, struct unpacker *in,
                                                  uint32_t executor);
/* An attempt has failed with error. Where it is the disks of its executor that fail a task which
 * must run there, time and again, and the others may go on, that one is given up (*out_is_lost). */
BARKS_CHECKED barks_status *dispatch_note_failure(struct dispatch *dispatch,
                                                  const struct attempt_id *id,
                                                  const barks_status *error, bool *out_is_lost);

/* Sends an attempt to its executor with those that follow, before anything else is sent
 * (dispatch_send_batches), and what loan tells it (NULL: nothing). */
BARKS_CHECKED barks_status *dispatch_send_task(struct dispatch *dispatch, struct job *job,
                                               const struct decision *start,
                                               const struct loan *loan);

BARKS_CHECKED barks_status *dispatch_send_batches(struct dispatch *dispatch);

/* The scheduler hears that a stage's output is where its readers look for it. */
BARKS_CHECKED barks_status *dispatch_committed(struct dispatch *dispatch, struct job *job,
                                               uint32_t stage);

/* Who owns which partitions of the stage's shuffle now; *out_ranges is the caller's (free). */
BARKS_CHECKED barks_status *dispatch_owners(const struct dispatch *dispatch, const struct job *job,
                                            uint32_t stage, struct owner_range **out_ranges,
                                            uint32_t *out_count);

/* The executors may begin a burst of rounds, if that is the next one. */
BARKS_CHECKED barks_status *dispatch_start_burst(struct dispatch *dispatch, uint64_t burst);

/* What a loss has made of the job's data cannot be mended: the job ends, so that its action is
 * planned again from the beginning. Takes status. */
BARKS_CHECKED barks_status *dispatch_begin_again(struct dispatch *dispatch, struct job *job,
                                                 barks_status *status);

/* It has this outcome, though some of its attempts may never answer. */
BARKS_CHECKED barks_status *dispatch_finish_job(struct dispatch *dispatch, struct job *job,
                                                const struct job_outcome *outcome);
/* The job is over: from now on it belongs to the thread that waits for it. */
void dispatch_let_go(struct dispatch *dispatch, struct job *job);

/* A stage need not run; SCHEDULER_ANY: one that stands not even in the plan. */
void dispatch_note_skipped(struct dispatch *dispatch, const struct job *job, uint32_t stage,
                           const char *reason);

struct stage_view dispatch_view_stage(const struct dispatch *dispatch, const struct job *job,
                                      uint32_t stage);

/* It does not count: what it has read and written is not shown either. */
void dispatch_discard_report(struct dispatch *dispatch, struct job *job,
                             const struct attempt_id *id, uint64_t number);
/* The job is over: its reports and errors are forgotten, whose numbers may be used again. */
void dispatch_forget_job(struct dispatch *dispatch, struct job *job);

/* The stage is among those that run (at their end, where it is new there), or not any more. */
void dispatch_note_running(struct dispatch *dispatch, struct job *job, uint32_t stage);
void dispatch_note_idle(struct dispatch *dispatch, struct job_stage *stage);
