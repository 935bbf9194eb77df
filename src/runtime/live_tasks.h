/* The attempts that executors were sent and have not answered, with what they have read by the last
 * pulse: for what a person sees of them, and to find those that are slow (task_pace.h). The
 * driver's thread. */
#pragma once

#include "barks/status.h"
#include "scheduler/decision.h"

#include <stdint.h>

struct dispatch;
struct job;
struct stage_view;
struct task_counters;

/* Of one executor (struct member). */
struct live_task {
    struct live_task *next;
    struct attempt_id id;
    uint64_t sent_ns;
    uint64_t weight; /* bytes that its run is expected to be; 0: unknown */
    uint64_t rows, bytes;
};

/* An attempt is sent. Errors: BARKS_NO_MEMORY. O(partitions of its run). */
BARKS_CHECKED barks_status *live_tasks_add(struct dispatch *dispatch, const struct job *job,
                                           const struct decision *start);
/* A pulse tells what it has read. Where a copy would be done first, the scheduler is asked for one,
 * which it starts if a worker elsewhere is idle. Errors: BARKS_NO_MEMORY, those of net. O(attempts
 * of the executor). */
BARKS_CHECKED barks_status *live_tasks_note_read(struct dispatch *dispatch,
                                                 const struct attempt_id *id, uint64_t rows,
                                                 uint64_t bytes);
/* It has ended; counters: what it has read, NULL: it has failed. */
void live_tasks_end(struct dispatch *dispatch, const struct attempt_id *id,
                    const struct task_counters *counters);
/* The executor's are gone. */
void live_tasks_forget(struct dispatch *dispatch, uint32_t executor);

/* Adds what those of a stage have read. O(attempts). */
void live_tasks_add_up(const struct dispatch *dispatch, const struct job *job, uint32_t stage,
                       struct stage_view *view);
