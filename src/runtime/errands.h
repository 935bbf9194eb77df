/* What an executor does that would make its communication thread wait, for a disk or for much
 * memory to be copied: a thread of its own does it, one errand after the other. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>

struct net;

/* Embedded, as the first field, in what the errand is about. */
struct errand {
    struct errand *next;
    barks_status *status;                            /* owned: of perform */
    barks_status *(*perform)(struct errand *errand); /* by the thread */
    void (*destroy)(struct errand *errand);          /* all of it, what was not performed too */
};

/* Threads: made, asked and ended by the communication thread; it locks. */
struct errands;

/* net is borrowed, and woken when an errand was done. what: for people, "stores stages". The thread
 * is started with the first errand. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *errands_create(struct net *net, const char *what,
                                           struct errands **out_errands);
/* Waits for the one that is being done. NULL is fine. */
void errands_destroy(struct errands *errands);

/* Takes the errand, also where it fails. Errors: BARKS_LIMIT: no thread. */
BARKS_CHECKED barks_status *errands_give(struct errands *errands, struct errand *errand);

/* One that was done, well or not, which is the caller's; NULL: none. In the order in which they
 * were given. */
struct errand *errands_take(struct errands *errands);
