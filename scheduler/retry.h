/* Tasks that have failed and are to be tried again: they avoid the executors where they failed. So
 * do tasks that are pinned to one that is excluded, where they may be lent (speculation.h). */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct scheduler;
struct stage;

#define FAILURE_NONE UINT32_MAX

/* A task has failed on an executor, at least once. Kept by its stage, named by index. */
struct failure {
    uint32_t executor;
    uint32_t next_of_task;
};

/* A pending task that is wary (task.h). It stands in no lane, since lanes give their tasks to
 * anybody, or to their owner. */
struct retry {
    struct stage *stage; /* borrowed */
    uint32_t task;
    struct retry *previous, *next;
};

/* Begins as {0}. */
struct retry_list {
    struct retry *first, *last; /* owned */
    uint32_t count;
};

/* Errors: BARKS_NO_MEMORY. O(1). */
BARKS_CHECKED barks_status *retry_list_add(struct retry_list *list, struct stage *stage,
                                           uint32_t task);
void retry_list_remove(struct retry_list *list, struct retry *retry);
/* Those of the stage, which ends. O(retries). */
void retry_list_forget(struct retry_list *list, const struct stage *stage);
void retry_list_drop(struct retry_list *list);

/* Notes where a task has failed; *out_is_new: it had not failed there before.
 * Errors: BARKS_NO_MEMORY. O(failures of the task). */
BARKS_CHECKED barks_status *failure_note(struct stage *stage, uint32_t task, uint32_t executor,
                                         bool *out_is_new);

/* May an attempt at the task start there? Not where its stage excludes the executor, nor where it
 * has failed, as long as another one lives that could take it. Pinned, and not to be lent, it may
 * start there and nowhere else. O(1) for tasks that have not failed and executors that are excluded
 * from nothing. */
bool task_may_run_on(const struct scheduler *scheduler, const struct stage *stage, uint32_t task,
                     uint32_t executor);

/* Is it what the executor should try? It may, and it is its own, or its owner may not. */
bool retry_is_for(const struct scheduler *scheduler, const struct retry *retry, uint32_t executor);

/* The executor is excluded from the stage, which may start tasks: those that wait there and may be
 * lent become retries. Errors: BARKS_NO_MEMORY. O(tasks of its lanes). */
BARKS_CHECKED barks_status *retries_leave(struct scheduler *scheduler, struct stage *stage,
                                          uint32_t executor);

/* The first pending retry, by job and stage, that may run on the executor now; NULL: none.
 * O(retries). */
struct retry *retry_for(const struct scheduler *scheduler, uint32_t executor);
