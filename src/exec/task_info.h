/* The task that runs on the calling thread, for what bodies call (barks/shared.h). */
#pragma once

struct task;

/* Between these two, barks_task and the rest find the task. Threads: the task's. */
void task_info_begin(struct task *task);
void task_info_end(void);
/* barks_shipped in a body. */
const char *task_shipped(const char *name);
/* A partition begins: its random numbers begin anew. */
void task_info_partition(struct task *task);
