/* A driver for tests: sends invented events, and says what was decided in a short notation:
 *   ship 1/0@2              job 1, stage 0, to executor 2
 *   start 1/0.3#0@2[4,8)    task 3, attempt 0, on executor 2, partitions [4, 8)
 *   cancel 1/0.3#0@2        discard 1/0.3#0@2
 *   commit 1/0#1(4)         commit number 1, of 4 runs
 *   owners 1/0              release 1/0
 *   done 1                  failed 1(user error 7)      cancelled 1(deadline) */
#pragma once

#include "scheduler/scheduler.h"
#include "scheduler/transition.h"

#include <stdbool.h>
#include <stdint.h>

struct driver {
    struct scheduler *scheduler;
    struct decision_list decisions;
    uint64_t time_ns;
    char text[1024];
};

/* Begins with driver_init, ends with driver_drop. */
void driver_init(struct driver *driver, const struct scheduler_options *options);
void driver_drop(struct driver *driver);

/* What follows from the event, each decision behind a blank; asserts that the scheduler is sound.
 * Valid until the next event. */
const char *driver_send(struct driver *driver, const struct event *event);
/* The code of the error that the event must lead to; nothing is decided. */
barks_code driver_refused(struct driver *driver, const struct event *event);

const char *driver_join(struct driver *driver, uint32_t executor, uint32_t node, uint32_t workers);
const char *driver_lose(struct driver *driver, uint32_t executor);
const char *driver_job(struct driver *driver, uint64_t job, uint32_t stage_count,
                       const struct stage_spec *stages);
const char *driver_cancel(struct driver *driver, uint64_t job);
const char *driver_begin(struct driver *driver, struct attempt_id id);
const char *driver_finish(struct driver *driver, struct attempt_id id);
const char *driver_fail(struct driver *driver, struct attempt_id id, enum failure_cause cause,
                        uint64_t error, uint64_t error_hash);
const char *driver_committed(struct driver *driver, uint64_t job, uint32_t stage, uint32_t commit);
const char *driver_want_copy(struct driver *driver, uint64_t job, uint32_t stage, uint32_t task);
const char *driver_timer(struct driver *driver, uint64_t time_ns);

/* Job 1, stage, task, attempt, executor. */
struct attempt_id attempt_of(uint32_t stage, uint32_t task, uint32_t attempt, uint32_t executor);
enum stage_state driver_state(struct driver *driver, uint64_t job, uint32_t stage);

/* Common stages: a shuffle of sources and a result of one. */
struct stage_spec spec_source(uint32_t partition_count, uint32_t output_partition_count);
struct stage_spec spec_reader(uint32_t partition_count, const struct stage_input *input);

#define DECIDED(actual, expected) ck_assert_str_eq((actual), (expected))
