/* Whoever may want to end an action while it runs, in another thread. */
#pragma once

#include "base/lock.h"

#include <stdbool.h>
#include <stdint.h>

struct driver;
struct job;

/* Begins with action_watch_init, ends with action_watch_drop. Threads: any. */
struct action_watch {
    struct lock lock; /* rank LOCK_WATCH */
    struct driver *driver;
    struct {
        struct job *job; /* that runs; NULL: none */
        bool is_cancelled;
    } locked;
};

void action_watch_init(struct action_watch *watch, struct driver *driver);
void action_watch_drop(struct action_watch *watch);

/* Actions of the calling thread are watched from now on; NULL: no longer. */
void action_watch_use(struct action_watch *watch);

/* Jobs of the calling thread end at deadline_ns from now on, by monotonic_ns; 0: in their own time.
 */
void action_watch_limit(uint64_t deadline_ns);
/* A job has ended so since action_watch_limit was called. */
bool action_watch_is_late(void);

/* The calling thread is about to submit the job. False: it must not. */
bool action_watch_begin(struct job *job);
/* It has ended. */
void action_watch_end(const struct job *job);

/* The action ends with BARKS_CANCELLED, unless it ends first. */
void action_watch_cancel(struct action_watch *watch);
