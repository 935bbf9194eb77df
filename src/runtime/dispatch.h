/* Jobs at the driver: the scheduler's decisions become messages, the executors' reports become
 * events. */
#pragma once

#include "barks/status.h"
#include "runtime/driver.h"
#include "scheduler/scheduler.h"

#include <stdbool.h>
#include <stdint.h>

struct dispatch;
struct job_history;
struct kept_change;
struct members;
struct net;
struct net_message;
struct pool_settings;

/* What is to be seen of a stage that runs, or has just ended. */
struct stage_view {
    const char *what, *description;     /* the job's; "": none */
    uint32_t stage_number, stage_total; /* of the job, from 1 */
    uint32_t tasks_done, task_count;
    uint64_t rows, bytes; /* read so far */
    uint64_t bytes_total; /* that will be read; 0: not known */
    uint64_t started_ns;
};

struct dispatch_options {
    struct net *net;
    struct members *members;
    struct scheduler_options scheduling;
    const char *scheduler_log; /* see scheduler_log_open; borrowed until dispatch_create returns */
    uint64_t together_wait_ns; /* tasks that run together wait so long for workers; 0: for ever */
    uint64_t deaf_grace_ns;    /* for an attempt that was told to end */
    const struct pool_settings *pools; /* borrowed; that of scheduling, with names */
    uint64_t recovery_deadline_ns;     /* where scheduling.recovers */
    struct job_history *history;
    void *context;
    /* A job has ended: its status and results are set, and it belongs to its owner again. */
    void (*job_ended)(void *context, struct job *job);
    void (*stage_ended)(void *context, const struct stage_view *view);
    /* An executor has kept a partition, or evicted it. */
    void (*kept_changed)(void *context, uint32_t executor, const struct kept_change *change);
    /* It is gone, with all that it has kept. */
    void (*executor_lost)(void *context, uint32_t executor);
    void (*say)(void *context, const char *line); /* to the person */
    /* An executor has a broadcast value, or (status, which is taken) cannot have it. */
    void (*shared_ready)(void *context, uint64_t id, barks_status *status);
};

/* Threads: the driver's thread. options is copied. Errors: BARKS_IO: no scheduler log can be
 * written; BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *dispatch_create(const struct dispatch_options *options,
                                            struct dispatch **out_dispatch);
void dispatch_destroy(struct dispatch *dispatch);

/* The job belongs to the dispatch until it has ended. */
BARKS_CHECKED barks_status *dispatch_submit(struct dispatch *dispatch, struct job *job);

/* A message of an executor, in whole. Errors: what ends the driver (BARKS_INTERNAL,
 * BARKS_NO_MEMORY). */
BARKS_CHECKED barks_status *dispatch_message(struct dispatch *dispatch,
                                             struct net_message *message);

/* Ends the jobs that run and have is_cancelled set with BARKS_CANCELLED. */
BARKS_CHECKED barks_status *dispatch_cancel_marked(struct dispatch *dispatch);

struct job_part {
    enum { PART_ALL, PART_STAGE, PART_TASK } kind;
    uint64_t job;
    uint32_t stage, task;
};
/* Ends the job, also for one of its stages; a task is tried again. *out_was_told: it was there and
 * not over. */
BARKS_CHECKED barks_status *dispatch_stop(struct dispatch *dispatch, const struct job_part *part,
                                          bool *out_was_told);

/* Ends the jobs whose deadline has passed. */
BARKS_CHECKED barks_status *dispatch_end_late(struct dispatch *dispatch, uint64_t now_ns);

/* Jobs whose outcome is known end without attempts that were told to end and do not answer; the
 * workers of these stay occupied. Time is that of pauses->looked_ns. */
struct pause_watch;
BARKS_CHECKED barks_status *dispatch_leave_deaf(struct dispatch *dispatch,
                                                const struct pause_watch *pauses);
/* An executor with an attempt that does not answer, without which the others can go on or without
 * whom they cannot: it is lost from now on. */
struct member_loss;
bool dispatch_find_deaf(struct dispatch *dispatch, const struct pause_watch *pauses,
                        struct member_loss *out_loss);

/* An executor is lost (members.h): the job goes on without it. Errors: BARKS_LOST: it cannot. */
BARKS_CHECKED barks_status *dispatch_lose(struct dispatch *dispatch, const struct member_loss *loss,
                                          uint64_t now_ns);
/* When those that are left must have gone on; 0: nobody was just lost. */
uint64_t dispatch_recovery_until_ns(const struct dispatch *dispatch);
uint32_t dispatch_lost_count(const struct dispatch *dispatch); /* so far */

/* Lets the scheduler do what is due by now. Errors: BARKS_LOST: a recovery takes too long. */
BARKS_CHECKED barks_status *dispatch_tick(struct dispatch *dispatch, uint64_t now_ns);

/* Ends all jobs at once with copies of status: nobody is left who could run them. */
void dispatch_abandon(struct dispatch *dispatch, const barks_status *status);

/* How long tasks may still run; UINT64_MAX: as long as they like. From when a task of a stage
 * would, by those of it that have ended, take longer, none is begun any more. */
void dispatch_set_time_left(struct dispatch *dispatch, uint64_t left_ns);
/* Tasks were held back for want of time, none runs any more, and nothing is being committed. */
bool dispatch_has_run_dry(const struct dispatch *dispatch);

/* An attempt has not ended though it was told to, and never may. */
bool dispatch_has_deaf_attempt(const struct dispatch *dispatch);

bool dispatch_is_busy(const struct dispatch *dispatch); /* a job runs */

/* Stages that run now, those first that began first. Returns how many are filled in, at most
 * view_count_max. */
uint32_t dispatch_view(struct dispatch *dispatch, struct stage_view *out_views,
                       uint32_t view_count_max);
struct driver_totals dispatch_totals(const struct dispatch *dispatch);
