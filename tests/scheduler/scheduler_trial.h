/* A trial of the scheduler: sends invented events, and says what was decided in a short notation:
 *   ship 1/0@2              job 1, stage 0, to executor 2
 *   start 1/0.3#0@2[4,8)    task 3, attempt 0, on executor 2, partitions [4, 8)
 *   start 1/0.3#1@2[4,8)<1  which executor 1 must lend what it reads
 *   start 1/0.3#0@2[4,8)!   which shares with nobody
 *   overrun 1/0.3#0@2
 *   cut 1/0@2(66%)          stage 0 on executor 2, where less than that has begun
 *   cancel 1/0.3#0@2        discard 1/0.3#0@2
 *   commit 1/0#1(4)         commit number 1, of 4 runs
 *   owners 1/0              release 1/0
 *   exclude 1/0@2           exclude 1@2              executor 2, from stage 0, from all of job 1
 *   done 1                  failed 1(user error 7)      cancelled 1(deadline) */
#pragma once

#include "scheduler/scheduler.h"
#include "scheduler/transition.h"

#include <stdbool.h>
#include <stdint.h>

struct trial {
    struct scheduler *scheduler;
    struct decision_list decisions;
    uint64_t time_ns;
    char text[1024];
};

/* Begins with trial_init, ends with trial_drop. */
void trial_init(struct trial *trial, const struct scheduler_options *options);
void trial_drop(struct trial *trial);

/* What follows from the event, each decision behind a blank; asserts that the scheduler is sound.
 * Valid until the next event. */
const char *trial_send(struct trial *trial, const struct event *event);
/* The code of the error that the event must lead to; nothing is decided. */
barks_code trial_refused(struct trial *trial, const struct event *event);

const char *trial_join(struct trial *trial, uint32_t executor, uint32_t node, uint32_t workers);
const char *trial_lose(struct trial *trial, uint32_t executor);
const char *trial_crash(struct trial *trial, struct attempt_id id,
                        uint64_t hash); /* its executor is lost */
const char *trial_submit(struct trial *trial, uint64_t job, uint32_t stage_count,
                         const struct stage_spec *stages);
const char *trial_submit_to(struct trial *trial, uint64_t job, uint32_t pool, int32_t priority,
                            uint32_t stage_count, const struct stage_spec *stages);
const char *trial_cancel(struct trial *trial, uint64_t job);
const char *trial_start(struct trial *trial, struct attempt_id id);
const char *trial_finish(struct trial *trial, struct attempt_id id);
const char *trial_fail(struct trial *trial, struct attempt_id id, enum failure_cause cause,
                       uint64_t error, uint64_t error_hash);
const char *trial_committed(struct trial *trial, uint64_t job, uint32_t stage, uint32_t commit);
const char *trial_skip(struct trial *trial, uint64_t job, uint32_t stage);
const char *trial_want_copy(struct trial *trial, uint64_t job, uint32_t stage, uint32_t task);
const char *trial_stop(struct trial *trial, uint64_t job, uint32_t stage, uint32_t task);
const char *trial_timer(struct trial *trial, uint64_t time_ns);

/* Job 1, stage, task, attempt, executor. */
struct attempt_id attempt_of(uint32_t stage, uint32_t task, uint32_t attempt, uint32_t executor);
enum stage_state trial_state(struct trial *trial, uint64_t job, uint32_t stage);

/* Common stages: a shuffle of sources and a result of one. */
struct stage_spec spec_source(uint32_t partition_count, uint32_t output_partition_count);
struct stage_spec spec_reader(uint32_t partition_count, const struct stage_input *input);

#define DECIDED(actual, expected) ck_assert_str_eq((actual), (expected))
