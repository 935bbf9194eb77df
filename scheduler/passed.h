/* Stages that were next on an executor and were passed by others there, since something that their
 * tasks need was not free: none of them waits for ever. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct scheduler;
struct stage;

/* Of a stage, from when it is passed until one of its tasks starts, wherever, or it may start none.
 *
 * They stand in a list by the time when they were passed. The first one holds, on the executor
 * where that was, what it has lacked there since: others get of these things what is more than one
 * of its tasks needs, and what it has not lacked as before. Once a task of it has room there it
 * goes first. So each gets its turn, only one executor is kept waiting at a time, and where a task
 * lacks a GPU nobody is kept from the workers. */
struct passed {
    bool is_passed;
    uint32_t executor; /* where */
    uint32_t lacked;   /* of what it needs, as bits (room.h) */
    struct stage *previous, *next;
};

/* Begins as {0}, but for unheld = EXECUTOR_NONE. */
struct passed_list {
    struct stage *first, *last; /* borrowed */
    /* Where something was held that is to be given to others. */
    uint32_t unheld;
};

/* On the executor, whose free workers are not enough for a task of the stage or which lacks other
 * things, another one goes first. O(1). */
void passed_note(struct scheduler *scheduler, struct stage *stage, uint32_t executor);
/* One of its tasks has started, or may start no more. O(1). */
void passed_forget(struct scheduler *scheduler, struct stage *stage);
/* Those whose executor is lost or may not run their tasks any more are passed anew. O(passed). */
void passed_check(struct scheduler *scheduler);

/* Would a task of the stage take there what the first one holds? O(1). */
bool passed_holds(const struct scheduler *scheduler, const struct stage *stage, uint32_t executor);

/* In order, each active and of an executor that could run its tasks. O(passed). */
bool passed_is_sound(const struct scheduler *scheduler);
