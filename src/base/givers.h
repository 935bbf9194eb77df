/* Who gives memory back when it is wanted elsewhere: what is kept, what waits to be read.
 *
 * A thread that finds no memory asks the givers in turn; each puts what he holds on disk, or
 * forgets what can be had again, until enough is free. Only one thread gives at a time, so what
 * giving itself needs (a frame encoded, and compressed) is small; it may pass the budget, since
 * else nothing could ever be given. */
#pragma once

#include "barks/status.h"
#include "base/lock.h"

#include <stdbool.h>
#include <stdint.h>

/* Begins filled by its owner, who keeps it until givers_remove. */
struct giver {
    const char *name; /* a literal, for the log */
    /* Gives back about bytes, more or less, and returns how many of its own it has let go; 0: it
     * has nothing left to give. *out_failure is NULL before, and then why not more could be given.
     * Called without a lock but the givers' own. */
    uint64_t (*give)(void *context, uint64_t bytes, barks_status **out_failure);
    void *context;
    bool goes_first;    /* asked before others: what it holds is hardly ever wanted */
    struct giver *next; /* the givers' */
};

/* Threads: any. The lock is of rank LOCK_GIVING: who holds any other lock does not ask. */
struct givers {
    struct lock lock;
    struct giver *first; /* under the lock */
};

void givers_init(struct givers *givers);
void givers_drop(struct givers *givers); /* all are removed by then */

/* The last of them is asked last, unless it goes first. */
void givers_add(struct givers *givers, struct giver *giver);
void givers_remove(struct givers *givers, struct giver *giver);

/* False: nothing was given, or this thread may not ask, since it holds a lock or gives itself;
 * *out_failure then says what went wrong, or is NULL. suffices is asked first, under the givers'
 * lock, and between givers: there is enough already. */
bool givers_ask(struct givers *givers, uint64_t bytes, bool (*suffices)(void *context),
                void *context, barks_status **out_failure);

/* This thread gives: it may take what it needs for that. */
bool givers_is_giving(void);

/* It gives of its own accord, until givers_end. False: it gives already, or holds a lock. */
bool givers_begin(struct givers *givers);
void givers_end(struct givers *givers);
