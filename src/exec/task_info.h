/* The task that runs on the calling thread, for what bodies call (barks/shared.h). */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct task;

/* What a report of a crash says of the task. */
struct task_sight {
    uint64_t job;
    uint32_t stage, partition, attempt, executor;
    const char *path; /* of the file whose rows are on their way, or NULL; borrowed */
    uint64_t offset;  /* where those rows begin */
};
/* The calling thread's task; false: none. Only reads memory, so a handler of signals may ask. */
bool task_see(struct task_sight *out);

/* The calling thread's task; NULL: none. */
struct task *task_running(void);
/* Fails it once its body is back, unless something else does already. Takes status. */
void task_note_failure(barks_status *status);
/* Between these two, barks_task and the rest find the task. Threads: the task's. */
void task_info_begin(struct task *task);
void task_info_end(void);
/* What will fail the calling thread's task once its body is back; borrowed, NULL: nothing. */
const barks_status *task_noted_failure(void);
/* barks_shipped in a body. */
const char *task_shipped(const char *name);
/* A partition begins: its random numbers begin anew. */
void task_info_partition(struct task *task);
