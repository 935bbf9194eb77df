/* One event of a job, as the event log has it.
 *
 * A log is a sequence of records, each of three msgpack objects: the number of its kind, xxh3 (64
 * bits, seeded by that number) of its body, and the body, a bin that holds the kind's fields in
 * their order below, numbers as integers, texts as str or nil. The first record is a JOB, which
 * says the version of the format. A later barks may add kinds, which are passed over, and fields
 * behind those below, likewise; what it lacks reads as 0 or NULL. Whatever else changes raises
 * HISTORY_FORMAT, and readers refuse what is above theirs. */
#pragma once

#include "barks/status.h"
#include "base/pack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTORY_FORMAT = 1 };
#define HISTORY_MAGIC "barks event log"

/* Fields: N(name) is a number, T(name) a text that may be NULL. time_ns counts from the beginning
 * of the log, whose date is start_wall_ns (since 1970). Stages and tasks count from 0, executors
 * from 1, as the rank. An action is one computation that main asked for. */
/* clang-format off */ /* which takes these lists for sums */
#define HISTORY_JOB(N, T)                                                                          \
    T(magic) N(format) T(version) T(name) N(start_wall_ns) N(pid) T(host) N(binary_hash)           \
    T(slurm_job)
#define HISTORY_SETTING(N, T) T(key) T(value) T(origin)
#define HISTORY_EXECUTOR(N, T)                                                                     \
    N(executor) T(host) N(pid) N(node) N(core_count) N(worker_count) N(memory_bytes)
/* priority: a number below zero as its two's complement; tags: "one,two". */
#define HISTORY_ACTION_STARTED(N, T)                                                               \
    N(time_ns) N(action) T(what) N(stage_count) T(pool) N(priority) T(group) T(description) T(tags)
/* reads: files, shuffles or rows; steps: "files, flat_map split_words". */
#define HISTORY_STAGE_STARTED(N, T)                                                                \
    N(time_ns) N(action) N(stage) T(reads) T(output) N(partition_count) N(output_partition_count)  \
    N(bytes_total) T(steps)
/* lender: the executor that has lent it what it reads; 0: nobody had to. */
#define HISTORY_TASK_STARTED(N, T)                                                                 \
    N(time_ns) N(action) N(stage) N(task) N(attempt) N(executor) N(first_partition)                \
    N(end_partition) N(lender)
/* exit_code: 0 done, 8 cancelled, else failed; of its error, as in barks(7). rows_filtered: of a
 * join, that were not sent since the other side lacks their keys. */
#define HISTORY_TASK_ENDED(N, T)                                                                   \
    N(time_ns) N(action) N(stage) N(task) N(attempt) N(executor) N(exit_code) T(error)             \
    N(rows_read) N(bytes_read) N(rows_written) N(bytes_written) N(rows_sent) N(bytes_sent)         \
    N(result_bytes) N(rows_filtered)
/* spilled_bytes: of all executors since the start. */
#define HISTORY_STAGE_ENDED(N, T)                                                                  \
    N(time_ns) N(action) N(stage) N(task_count) N(rows) N(bytes) N(spilled_bytes)
#define HISTORY_ACTION_ENDED(N, T) N(time_ns) N(action) N(exit_code) T(error)
#define HISTORY_MEMORY(N, T) N(time_ns) N(executor) N(used_bytes) N(peak_bytes) N(spilled_bytes)
#define HISTORY_TROUBLE(N, T) N(time_ns) N(exit_code) T(error)
#define HISTORY_DROPPED(N, T) N(record_count)
#define HISTORY_JOB_ENDED(N, T)                                                                    \
    N(time_ns) N(exit_code) N(stage_count) N(task_count) N(rows_read) N(bytes_read)                \
    N(bytes_shuffled) N(rows_written) N(bytes_written) N(peak_bytes) N(spilled_bytes)              \
    N(hot_key_count) N(dropped_count) T(output) N(rows_filtered) N(skipped_count)
/* The job goes on without it. */
#define HISTORY_EXECUTOR_LOST(N, T) N(time_ns) N(executor) T(error)
/* After lost_count executors were lost, took_ns ago: task_count tasks run again, and sent_bytes are
 * sent again to those who took their place. */
#define HISTORY_RECOVERY(N, T)                                                                     \
    N(time_ns) N(lost_count) N(took_ns) N(task_count) N(sent_bytes)
/* An executor keeps a partition of a dataset (is_kept 1), in memory or on disk, or no more (0). */
#define HISTORY_BLOCK(N, T)                                                                        \
    N(time_ns) N(executor) N(dataset) N(partition) N(is_kept) N(row_count) N(memory_bytes)         \
    N(disk_bytes)
/* It gets no more tasks of the stage, or (whole_action 1) of any stage of the action, until then. */
#define HISTORY_EXCLUDED(N, T)                                                                     \
    N(time_ns) N(executor) N(action) N(stage) N(whole_action) N(until_ns) T(error)
/* It does not run, for the reason. stage: 2^32 - 1 for one that the plan has left out, since what is
 * read of it is kept or is not asked for. */
#define HISTORY_STAGE_SKIPPED(N, T) N(time_ns) N(action) N(stage) T(steps) T(reason)
/* clang-format on */

/* KIND(number, NAME, name): numbers are never used again for something else. */
#define HISTORY_KINDS(KIND)                                                                        \
    KIND(1, JOB, job)                                                                              \
    KIND(2, SETTING, setting)                                                                      \
    KIND(3, EXECUTOR, executor)                                                                    \
    KIND(4, ACTION_STARTED, action_started)                                                        \
    KIND(5, STAGE_STARTED, stage_started)                                                          \
    KIND(6, TASK_STARTED, task_started)                                                            \
    KIND(7, TASK_ENDED, task_ended)                                                                \
    KIND(8, STAGE_ENDED, stage_ended)                                                              \
    KIND(9, ACTION_ENDED, action_ended)                                                            \
    KIND(10, MEMORY, memory)                                                                       \
    KIND(11, TROUBLE, trouble)                                                                     \
    KIND(12, DROPPED, dropped)                                                                     \
    KIND(13, JOB_ENDED, job_ended)                                                                 \
    KIND(14, EXECUTOR_LOST, executor_lost)                                                         \
    KIND(15, RECOVERY, recovery)                                                                   \
    KIND(16, BLOCK, block)                                                                         \
    KIND(17, EXCLUDED, excluded)                                                                   \
    KIND(18, STAGE_SKIPPED, stage_skipped)

#define HISTORY_ENUMERATOR_(number, NAME, name) KIND_##NAME = (number),
enum history_kind { HISTORY_KINDS(HISTORY_ENUMERATOR_) };

#define HISTORY_NUMBER_(name) uint64_t name;
#define HISTORY_TEXT_(name) const char *name;
#define HISTORY_STRUCT_(number, NAME, name)                                                        \
    struct history_##name {                                                                        \
        HISTORY_##NAME(HISTORY_NUMBER_, HISTORY_TEXT_)                                             \
    };
HISTORY_KINDS(HISTORY_STRUCT_)

/* Texts are the record's own where a reader made it, borrowed where it is to be written. */
struct history_record {
    enum history_kind kind;
    union {
#define HISTORY_MEMBER_(number, NAME, name) struct history_##name name;
        HISTORY_KINDS(HISTORY_MEMBER_)
#undef HISTORY_MEMBER_
    };
};

/* Appends the record in whole; body is room for work, whose content goes. */
void history_record_pack(const struct history_record *record, struct packer *body,
                         struct packer *out);

/* Reads a body. *out_known is false for a kind of a later barks, and the record then empty.
 * Errors: BARKS_BAD_INPUT, BARKS_NO_MEMORY; BARKS_INVALID for a JOB of a later format. */
BARKS_CHECKED barks_status *history_record_unpack(uint64_t kind, const void *body,
                                                  size_t body_bytes,
                                                  struct history_record *out_record,
                                                  bool *out_known);
uint64_t history_checksum(uint64_t kind, const void *body, size_t body_bytes);

/* Frees the texts of a record that a reader made; leaves an empty one. */
void history_record_drop(struct history_record *record);
