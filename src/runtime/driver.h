/* The driver: its thread owns rank 0's endpoint, feeds the scheduler with events and carries out
 * its decisions. */
#pragma once

#include "barks/status.h"
#include "base/buffer.h"
#include "exec/task_run.h"
#include "plan/stage_cut.h"
#include "runtime/job_labels.h"
#include "runtime/shuffle_index.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct kept_note;
struct packer;
struct driver;
struct net;
struct progress;
struct resume;

/* Of one attempt: packed accumulations (exec/accumulate.h). */
struct job_accumulated {
    uint32_t stage;
    uint32_t run;
    uint8_t *bytes; /* owned */
    size_t size_bytes;
};

/* A job on its way through the driver: the stages of one plan. Filled by an action, which sleeps
 * until it has ended. */
struct job {
    uint64_t id;               /* given by driver_submit */
    struct job_plan plan;      /* owned */
    uint64_t result_bytes_max; /* the job fails when its results are larger */
    const char *what;          /* "count at job.c:12", for progress and errors; borrowed */
    struct job_labels labels;
    uint64_t deadline_ns; /* by monotonic_ns; 0: none. Then the job ends with BARKS_CANCELLED, and
                             is_late; its results are those of the last stage's partitions that
                             were done */
    uint64_t end_ns;      /* by monotonic_ns; 0: none. Then it fails: its action has had its time */
    /* After driver_wait: */
    barks_status *status;   /* owned; NULL: all is well */
    struct buffer *results; /* of each run of the last stage, in order; owned */
    uint32_t result_count;
    uint64_t result_bytes;               /* of all results so far */
    struct job_accumulated *accumulated; /* what bodies of the attempts that count have added, by
                                            stage; owned */
    uint32_t accumulated_count, accumulated_capacity;
    bool is_late;
    bool begins_again;   /* an executor was lost with what cannot be made again in parts: status is
                            BARKS_LOST, and the same plan, made anew, may well succeed */
    bool is_input_gone;  /* a task found nothing of a shuffle: likewise, but not for ever */
    bool has_met_damage; /* rows that were put away could not be read back, and are lost */
    struct resume *resume;  /* borrowed: stages are stored; NULL: they are not */
    uint32_t stages_reused; /* that were stored before */
    /* The driver's own. */
    struct job_stage *stages;
    struct shuffle_index shuffles;
    bool ended;        /* guarded by the driver's lock */
    bool is_cancelled; /* likewise: someone wants it to end */
    struct job *next;
};
void job_drop(struct job *job);
/* Room for one more of job->accumulated. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *job_reserve_accumulated(struct job *job);

/* Starts the thread. In local mode (nets has 1 + executor_count endpoints of this process) it also
 * starts the executors, each with a communication thread; else net_mpi_open is called by the
 * driver's thread and this rank turns out to be the driver or an executor. *out_driver is NULL
 * where this rank is an executor whose work is done: then *out_exit_status is its exit status. */
BARKS_CHECKED barks_status *driver_start(const struct config *config, struct driver **out_driver,
                                         int *out_exit_status);

/* Hands a job to the driver. Threads: any. Errors: BARKS_LOST (the driver has ended). */
BARKS_CHECKED barks_status *driver_submit(struct driver *driver, struct job *job);
/* Sleeps until the job has ended. */
void driver_wait(struct driver *driver, struct job *job);

/* Asks the job to end, with BARKS_CANCELLED; it may end otherwise. Threads: any. */
void driver_cancel(struct driver *driver, struct job *job);

/* Sends a message to an executor, or (MAILBOX_TO_ALL) to all that live, soon, in the order of the
 * calls. Takes what packer holds. Threads: any. Errors: BARKS_NO_MEMORY, BARKS_LOST (the driver has
 * ended). */
BARKS_CHECKED barks_status *driver_post(struct driver *driver, uint32_t to, struct packer *packer);

/* Before a broadcast value or a piece of a file is posted to all, and after: waits until all
 * executors have it. What was expected ends with driver_drop_shared. Errors: those of the
 * executors, BARKS_LOST: the driver has ended, or (*out_is_broken, which may be NULL) an executor
 * was lost, and it may be that others have not got it for that. */
struct shared_wait;
void driver_expect_shared(struct driver *driver, uint64_t id, struct shared_wait *out_wait);
BARKS_CHECKED barks_status *driver_wait_shared(struct driver *driver, struct shared_wait *wait,
                                               bool *out_is_broken);
void driver_drop_shared(struct driver *driver, struct shared_wait *wait);

/* It has given up: no job can run any more. Threads: any. */
bool driver_has_ended(struct driver *driver);

/* What executors have said of kept partitions since the last call, in order; false: nothing. */
bool driver_take_kept(struct driver *driver, struct kept_note *out_note);

/* Of each executor, by rank - 1, as of now; 0: it is lost or spare. Where nobody is left, when the
 * driver ends the job, not all are 0 either. The caller's to free. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *driver_worker_counts(const struct driver *driver,
                                                 uint32_t **out_counts);

/* The index of a pool of --barks-pools; NULL: of the default one. Errors: BARKS_INVALID. */
BARKS_CHECKED barks_status *driver_find_pool(const struct driver *driver, const char *name,
                                             uint32_t *out_index);

/* Of an executor, by its rank. */
uint32_t driver_workers_of(const struct driver *driver, uint32_t rank);
uint64_t driver_node_of(const struct driver *driver, uint32_t rank); /* equal: one machine */

/* Of executors that live, as offers_check. Errors: BARKS_LIMIT. */
BARKS_CHECKED barks_status *driver_check_needs(const struct driver *driver,
                                               const struct pipeline *pipeline);

uint32_t driver_worker_count(const struct driver *driver);
uint32_t driver_executor_count(const struct driver *driver); /* at the start */
uint32_t driver_lost_count(const struct driver *driver);     /* of them, since */
uint64_t driver_memory_bytes(
    const struct driver *driver); /* of one executor; the driver's own pool has as much */

/* What the executors say of themselves, summed up, for the summary. While no
 * action runs, or after driver_end. */
struct driver_totals {
    uint64_t rows_read, bytes_read, bytes_shuffled, rows_written, bytes_written;
    uint64_t peak_bytes;    /* of the pools, added up */
    uint64_t spilled_bytes; /* written to scratch */
    uint32_t stage_count, task_count;
    uint32_t skipped_count; /* of stages that did not have to run; not among stage_count */
    uint32_t again_count;   /* of these tasks: tried again, or copied since they were slow */
    uint32_t hot_key_count; /* of joins, spread */
    uint64_t rows_filtered; /* of joins, that were not sent since they had no partner */
};
struct driver_totals driver_totals(struct driver *driver);

/* For lines to the person; lives as long as the driver. */
struct progress *driver_progress(const struct driver *driver);

/* Ends all ranks and the thread, so that what it knows can be asked by any other. exit_status is
 * what the executors end with. */
void driver_end(struct driver *driver, int exit_status);
/* Has the tap, which is taken, hear of what happens from now on. Errors: BARKS_LIMIT (too many).
 * Threads: any. */
struct history_tap;
BARKS_CHECKED barks_status *driver_add_tap(struct driver *driver, struct history_tap *tap);

/* Ends the event log, if there is one, and says where it is. After driver_end. */
void driver_close_history(struct driver *driver, int exit_code, const char *output);
void driver_destroy(struct driver *driver); /* after driver_end */
