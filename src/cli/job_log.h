/* A job as its event log tells of it: what belongs together is put together. */
#pragma once

#include "barks/status.h"
#include "history/history_record.h"

#include <stdbool.h>
#include <stdint.h>

#define TIME_OPEN UINT64_MAX /* of an end that the log does not have */

/* One attempt at one task. */
struct logged_attempt {
    uint64_t action, stage, task, attempt, executor;
    uint64_t first_partition, end_partition;
    uint64_t begin_ns;
    uint64_t end_ns;    /* TIME_OPEN: it still ran, or was told to stop */
    uint64_t exit_code; /* 0: it ended well, where it ended */
    char *error;        /* owned */
    uint64_t rows_read, bytes_read, rows_written, bytes_written, rows_sent, bytes_sent;
    uint32_t lane; /* of its executor: attempts of one lane do not overlap */
};

struct logged_stage {
    struct history_stage_started began; /* texts owned */
    uint64_t end_ns;                    /* TIME_OPEN: it did not end */
    uint64_t rows, bytes, task_count;   /* once it has ended */
};

struct logged_action {
    struct history_action_started began; /* texts owned */
    uint64_t end_ns;
    uint64_t exit_code;
    char *error; /* owned */
};

struct logged_executor {
    struct history_executor is; /* texts owned */
    uint64_t peak_bytes, spilled_bytes;
    uint32_t lane_count;
    uint64_t node_index; /* of its machine, among those of the job */
};

/* Texts are owned. Begins with job_log_read, ends with job_log_drop. Immutable once read. */
struct job_log {
    struct history_job job;
    struct history_job_ended ended;
    bool has_ended; /* the job said so itself, well or not */
    struct history_setting *settings;
    struct logged_executor *executors; /* executor i + 1 stands at i; is.executor 0: not told of */
    struct logged_action *actions;
    struct logged_stage *stages;
    struct logged_attempt *attempts; /* by the time of their beginning */
    struct history_memory *memory_samples;
    struct history_trouble *troubles;
    struct history_executor_lost *departures; /* executors that the job went on without */
    struct history_recovery *recoveries;
    struct history_excluded *exclusions;
    struct history_stage_skipped *skips;
    uint64_t setting_count, executor_count, action_count, stage_count, attempt_count,
        memory_sample_count, trouble_count, departure_count, recovery_count, exclusion_count,
        skip_count;
    uint64_t node_count; /* distinct machines */
    uint64_t end_ns;     /* of the last event */
    uint64_t dropped_count, damaged_count, unknown_count;
    bool is_cut; /* it ends within an event */
};

/* Errors: those of history_open and history_next; BARKS_BAD_INPUT: an executor of an impossible
 * number. */
BARKS_CHECKED barks_status *job_log_read(const char *path, struct job_log *out_log);
/* The same of bytes in memory. */
BARKS_CHECKED barks_status *job_log_read_bytes(const char *name, const void *bytes,
                                               size_t size_bytes, struct job_log *out_log);
void job_log_drop(struct job_log *log);

enum attempt_state {
    ATTEMPT_OPEN = 0, /* the log does not tell its end */
    ATTEMPT_DONE,
    ATTEMPT_FAILED,
    ATTEMPT_CANCELLED, /* others had failed, or were faster */
};
enum attempt_state logged_attempt_state(const struct logged_attempt *attempt);
const char *attempt_state_name(enum attempt_state state); /* "no end", "done", ... */

/* When an attempt ended, or was last known to run. */
uint64_t logged_attempt_end(const struct job_log *log, const struct logged_attempt *attempt);

uint64_t job_log_worker_count(const struct job_log *log); /* of all executors */

/* "done", "failed", "cancelled", "out of time", "unfinished". */
const char *job_log_outcome(const struct job_log *log);
