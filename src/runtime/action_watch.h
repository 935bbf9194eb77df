/* Whoever may want to end an action while it runs, in another thread; and what the thread that has
 * started it said of it. */
#pragma once

#include "base/lock.h"
#include "runtime/job_labels.h"

#include <stdbool.h>
#include <stdint.h>

struct driver;
struct job;

/* The actions that run. Begins with watch_list_init, ends with watch_list_drop. Threads: any. */
struct watch_list {
    struct lock lock; /* rank LOCK_WATCHES */
    struct {
        struct action_watch *first;
    } locked;
};
void watch_list_init(struct watch_list *list);
void watch_list_drop(struct watch_list *list);
/* Cancels those that are meant; returns how many. */
int watch_list_cancel(struct watch_list *list,
                      bool (*is_meant)(const struct job_labels *labels, const char *text),
                      const char *text);

/* Begins with action_watch_init, in the thread that starts the action, whose labels it takes, and
 * is in the list from then on; ends with action_watch_drop. Threads: any. */
struct action_watch {
    struct lock lock; /* rank LOCK_WATCH */
    struct driver *driver;
    struct job_labels labels;             /* unchanged */
    uint64_t end_ns;                      /* by its limit and monotonic_ns; 0: none */
    struct watch_list *list;              /* NULL: in none any more */
    struct action_watch *previous, *next; /* in the list, by its lock */
    struct {
        struct job *job; /* that runs; NULL: none */
        bool is_cancelled;
    } locked;
};

void action_watch_init(struct action_watch *watch, struct driver *driver, struct watch_list *list);
/* Its action has ended: it leaves the list. */
void action_watch_leave(struct action_watch *watch);
void action_watch_drop(struct action_watch *watch);

/* Actions of the calling thread are watched from now on; NULL: no longer. Returns who did before.
 */
struct action_watch *action_watch_use(struct action_watch *watch);
bool action_watch_is_used(void);

/* Jobs of the calling thread end at deadline_ns from now on, by monotonic_ns; 0: in their own time.
 */
void action_watch_limit(uint64_t deadline_ns);
/* A job has ended so since action_watch_limit was called. */
bool action_watch_is_late(void);

/* The calling thread is about to submit the job, which is told its labels. False: it must not. */
bool action_watch_begin(struct job *job);
/* It has ended. */
void action_watch_end(const struct job *job);

/* The action ends with BARKS_CANCELLED, unless it ends first. */
void action_watch_cancel(struct action_watch *watch);
