/* What the driver's thread and those that ask something of it leave for each other, beside jobs. */
#pragma once

#include "barks/status.h"
#include "base/pack.h"
#include "store/kept.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Threads: any; a lock of rank LOCK_QUEUE guards it. */
struct mailbox;

BARKS_CHECKED barks_status *mailbox_create(struct mailbox **out_mailbox);
void mailbox_destroy(struct mailbox *mailbox); /* NULL is fine */

/* Instead of a rank: all executors that live. */
enum { MAILBOX_TO_ALL = 0 };
/* A message for an executor; takes what packer holds. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *mailbox_post(struct mailbox *mailbox, uint32_t to,
                                         struct packer *packer);
/* The oldest; the bytes are the caller's (free). False: none. */
bool mailbox_take(struct mailbox *mailbox, uint32_t *out_to, void **out_bytes,
                  size_t *out_size_bytes);

/* Someone waits until a broadcast value is everywhere. Under the mailbox's lock. */
struct shared_wait {
    uint64_t id;
    uint32_t missing;     /* executors that have said nothing yet */
    bool is_broken;       /* one was lost meanwhile: others may wait for what it should pass on */
    barks_status *failed; /* owned: the first failure */
    struct shared_wait *next;
};

/* Begins to count who has a broadcast value, until mailbox_drop_shared; and waits until all of so
 * many executors, but those that are lost, have said that they have it, or cannot have it, or one
 * of them is lost. */
void mailbox_expect_shared(struct mailbox *mailbox, uint64_t id, uint32_t executor_count,
                           struct shared_wait *out_wait);
void mailbox_shared_ready(struct mailbox *mailbox, uint64_t id,
                          barks_status *status); /* takes it */
BARKS_CHECKED barks_status *mailbox_wait_shared(struct mailbox *mailbox, struct shared_wait *wait,
                                                bool *out_is_broken);
void mailbox_drop_shared(struct mailbox *mailbox, struct shared_wait *wait);

/* What became of kept partitions, in order. One that finds no memory is forgotten. */
struct kept_note {
    uint32_t executor;
    bool is_lost; /* with all that it has kept; else: */
    struct kept_change change;
};
void mailbox_put_kept(struct mailbox *mailbox, uint32_t executor, const struct kept_change *change);
bool mailbox_take_kept(struct mailbox *mailbox, struct kept_note *out_note);

/* The executor has nothing of all this any more. */
void mailbox_put_lost(struct mailbox *mailbox, uint32_t executor);

/* The driver has ended with this error (not taken): nobody waits any longer. */
void mailbox_end(struct mailbox *mailbox, const barks_status *error);
