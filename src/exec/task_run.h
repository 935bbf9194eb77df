/* Runs one attempt of a task: neighbouring partitions of a stage, in turn, through its pipeline. */
#pragma once

#include "barks/status.h"
#include "base/buffer.h"
#include "exec/accumulate.h"
#include "exec/pipeline.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct exchange_sent;
struct share_member;
struct kept_store;
struct process_guard;
struct reduce_side;
struct pool;
struct shared_rows;
struct shipped;
struct spill_room;
struct resources;
struct key_windows;
struct meetings;

/* Communicators of MPI for bodies. Threads: workers. */
struct communicators {
    void *context;
    /* Errors: BARKS_INVALID: why there are none in this job. */
    barks_status *(*check)(void *context);
    /* Of the executors of these ranks, all of which make it now; stage is the same for them. */
    barks_status *(*make)(void *context, const uint32_t *ranks, uint32_t count, uint64_t stage,
                          void *out_communicator, size_t size_bytes);
    /* The task that has made one has ended; NULL: it stays as it is, since the task has failed. */
    void (*end)(void *context, void *communicator);
};

/* What tasks of an executor share. Borrowed; lives longer than any task. */
struct task_services {
    struct pool *pool;
    const struct spill_room *room; /* of the pool, for rows that do not fit in memory */
    struct exchange *exchange;
    struct reduce_side *reduce_side;
    uint32_t executor_count;
    uint32_t worker_count;
    uint64_t line_bytes_max;
    struct kept_store *kept;
    struct shared_rows *shared;
    struct shipped *shipped;
    struct resources *resources;
    struct process_guard *process_guard;
    struct key_windows *key_windows; /* may be NULL */
    struct meetings *meetings;
    const struct communicators *communicators;
    uint32_t executor; /* its rank */
    const char *host;
    uint64_t seed;        /* of the job */
    uint64_t deadline_ns; /* when the time of the job is over, by monotonic_ns; 0: never */
};

/* Bytes that the driver sends along for a partition of a leaf that a partition of the stage reads:
 * split lists, encoded rows. */
struct task_payload {
    uint32_t partition; /* of the stage */
    struct pipe_place leaf;
    const uint8_t *bytes;
    size_t size_bytes;
};

/* What another executor has lent: a step that reads a shuffle finds its partitions in this one. */
struct task_loan {
    uint32_t node;
    uint64_t shuffle;
};

struct task_spec {
    const struct pipeline *pipeline;
    uint64_t job;
    uint32_t task; /* the run's number in the stage */
    uint32_t attempt;
    uint32_t first; /* partitions [first, end) */
    uint32_t end;
    uint32_t piece, piece_count; /* 0 of 1: whole partitions; else of its only one (PIECE_RANGE) */
    const struct task_payload *payloads; /* ascending by partition, then by leaf */
    uint32_t payload_count;
    const struct task_loan *loans; /* few, if any */
    uint32_t loan_count;
    uint64_t units[NAME_COUNTS_MAX]; /* that it was given of each resource that the pipeline needs,
                                        in that order: a bit for each */
    bool is_alone;                   /* it shares with nobody, though others of its stage do */
    struct share_member *share;      /* by which it may read others' partitions too; or NULL */
};

/* The payload for a leaf of a partition of the stage, or NULL. Cost: O(log payloads). */
const struct task_payload *task_payload_find(const struct task_spec *spec, uint32_t partition,
                                             struct pipe_place leaf);

/* Where the task finds what a step reads of a shuffle: there, or in what was lent. */
uint64_t task_shuffle(const struct task_spec *spec, uint32_t node);

/* Read by others while the task runs; written by its worker, relaxed. */
struct task_progress {
    _Atomic uint64_t rows_read;
    _Atomic uint64_t bytes_read;
    _Atomic bool
        cancelled; /* written by others: the task ends soon with BARKS_CANCELLED (operator_push) */
};

struct task_counters {
    uint64_t rows_read, bytes_read;       /* by sources and shuffle reads */
    uint64_t rows_written, bytes_written; /* part files */
    uint64_t rows_filtered;               /* of FILTER_TESTS: left out */
};

/* What one task may send to the driver. */
#define RESULT_BYTES_MAX ((size_t)1 << 32)

/* Before each run of rows in a result comes one of these, little-endian; then encoded_bytes of one
 * encoded batch. */
struct result_head {
    uint32_t partition;
    uint32_t row_count;      /* in the batch that follows */
    uint64_t partition_rows; /* rows of the whole partition so far */
    uint64_t encoded_bytes;  /* 0: no batch follows */
};

/* A reduce partition that no other task reads. */
struct task_input {
    uint64_t shuffle;
    uint32_t partition;
};

struct task_result {
    struct buffer
        bytes; /* result_head and batch, again and again, in partition order; buffer_drop */
    struct task_counters counters;
    struct exchange_sent
        *sent; /* executor_count entries for TERMINAL_SHUFFLE, owned (free), else NULL */
    struct accumulations accumulated; /* by bodies */
    struct buffer keys;        /* FILTER_COLLECTS: as key_collector_pack packs them; buffer_drop */
    struct task_input *inputs; /* that it has read, and which nobody needs if it counts; owned */
    uint32_t input_count;
};

/* Runs the attempt to its end. On an error nothing of it counts: its frames are dropped, its part
 * files removed. Errors: those of the user's functions (BARKS_USER_ERROR with function, record,
 * file and offset), of sources, sinks and memory, BARKS_CANCELLED. Threads: one thread a task. */
BARKS_CHECKED barks_status *task_run(const struct task_spec *spec,
                                     const struct task_services *services,
                                     struct task_progress *progress,
                                     struct task_result *out_result);
void task_result_drop(struct task_result *result);
