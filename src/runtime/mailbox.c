#include "runtime/mailbox.h"

#include "base/lock.h"

#include <stdlib.h>

struct letter {
    uint32_t to;
    void *bytes; /* owned */
    size_t size_bytes;
    struct letter *next;
};

struct mailbox {
    struct lock lock;
    struct condition changed;
    struct {
        struct letter *first, **end;
        struct kept_note *kept; /* owned */
        uint32_t kept_first, kept_count, kept_capacity;
        struct shared_wait *waits; /* borrowed: whoever waits for a value to be everywhere */
        uint32_t lost_count;       /* executors, since the start */
        barks_status *end_error;   /* owned */
    } locked;
};

barks_status *mailbox_create(struct mailbox **out_mailbox)
{
    struct mailbox *mailbox = calloc(1, sizeof *mailbox);
    if (mailbox == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the driver");
    lock_init(&mailbox->lock, LOCK_QUEUE, "mailbox");
    condition_init(&mailbox->changed);
    mailbox->locked.end = &mailbox->locked.first;
    *out_mailbox = mailbox;
    return NULL;
}

void mailbox_destroy(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    while (mailbox->locked.first != NULL) {
        struct letter *next = mailbox->locked.first->next;
        free(mailbox->locked.first->bytes);
        free(mailbox->locked.first);
        mailbox->locked.first = next;
    }
    free(mailbox->locked.kept);
    barks_status_free(mailbox->locked.end_error);
    condition_drop(&mailbox->changed);
    lock_drop(&mailbox->lock);
    free(mailbox);
}

/* ---- letters ---- */

barks_status *mailbox_post(struct mailbox *mailbox, uint32_t to, struct packer *packer)
{
    struct letter *letter = calloc(1, sizeof *letter);
    barks_status *status = packer_finish(packer);
    if (status == NULL && letter == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for a message");
    if (status != NULL) {
        free(letter);
        packer_drop(packer);
        return status;
    }
    letter->to = to;
    letter->size_bytes = packer->bytes.size;
    letter->bytes = msgpack_sbuffer_release(&packer->bytes);
    packer_drop(packer);
    lock_acquire(&mailbox->lock);
    *mailbox->locked.end = letter;
    mailbox->locked.end = &letter->next;
    lock_release(&mailbox->lock);
    return NULL;
}

bool mailbox_take(struct mailbox *mailbox, uint32_t *out_to, void **out_bytes,
                  size_t *out_size_bytes)
{
    lock_acquire(&mailbox->lock);
    struct letter *letter = mailbox->locked.first;
    if (letter != NULL) {
        mailbox->locked.first = letter->next;
        if (letter->next == NULL)
            mailbox->locked.end = &mailbox->locked.first;
    }
    lock_release(&mailbox->lock);
    if (letter == NULL)
        return false;
    *out_to = letter->to;
    *out_bytes = letter->bytes;
    *out_size_bytes = letter->size_bytes;
    free(letter);
    return true;
}

/* ---- broadcast values ---- */

void mailbox_expect_shared(struct mailbox *mailbox, uint64_t id, uint32_t executor_count,
                           struct shared_wait *out_wait)
{
    lock_acquire(&mailbox->lock);
    *out_wait = (struct shared_wait){.id = id,
                                     .missing = executor_count - mailbox->locked.lost_count,
                                     .next = mailbox->locked.waits};
    mailbox->locked.waits = out_wait;
    lock_release(&mailbox->lock);
}

void mailbox_shared_ready(struct mailbox *mailbox, uint64_t id, barks_status *status)
{
    lock_acquire(&mailbox->lock);
    struct shared_wait *wait = mailbox->locked.waits;
    while (wait != NULL && wait->id != id)
        wait = wait->next;
    if (wait != NULL && wait->missing > 0) {
        wait->missing--;
        if (wait->failed == NULL) {
            wait->failed = status;
            status = NULL;
        }
    }
    condition_broadcast(&mailbox->changed);
    lock_release(&mailbox->lock);
    barks_status_free(status);
}

void mailbox_drop_shared(struct mailbox *mailbox, struct shared_wait *wait)
{
    lock_acquire(&mailbox->lock);
    struct shared_wait **link = &mailbox->locked.waits;
    while (*link != wait)
        link = &(*link)->next;
    *link = wait->next;
    lock_release(&mailbox->lock);
    barks_status_free(wait->failed);
}

barks_status *mailbox_wait_shared(struct mailbox *mailbox, struct shared_wait *wait,
                                  bool *out_is_broken)
{
    lock_acquire(&mailbox->lock);
    while (wait->missing > 0 && !wait->is_broken && mailbox->locked.end_error == NULL)
        condition_wait(&mailbox->changed, &mailbox->lock);
    barks_status *cause = wait->failed;
    wait->failed = NULL;
    if (cause == NULL && mailbox->locked.end_error != NULL)
        cause = barks_status_new(barks_status_code(mailbox->locked.end_error), NULL, BARKS_HERE,
                                 "%s", barks_status_text(mailbox->locked.end_error));
    bool is_broken = cause == NULL && wait->is_broken;
    lock_release(&mailbox->lock);
    if (out_is_broken != NULL)
        *out_is_broken = is_broken;
    if (is_broken)
        BARKS_FAIL(BARKS_LOST, "an executor was lost before all had what was sent to them");
    return cause;
}

/* ---- kept partitions ---- */

static void put_note_locked(struct mailbox *mailbox, const struct kept_note *note)
{
    if (mailbox->locked.kept_first == mailbox->locked.kept_count)
        mailbox->locked.kept_first = mailbox->locked.kept_count = 0;
    if (mailbox->locked.kept_count == mailbox->locked.kept_capacity) {
        uint32_t capacity = 2 * mailbox->locked.kept_capacity + 64;
        struct kept_note *grown = realloc(mailbox->locked.kept, capacity * sizeof *grown);
        if (grown != NULL) {
            mailbox->locked.kept = grown;
            mailbox->locked.kept_capacity = capacity;
        }
    }
    if (mailbox->locked.kept_count < mailbox->locked.kept_capacity)
        mailbox->locked.kept[mailbox->locked.kept_count++] = *note;
}

void mailbox_put_kept(struct mailbox *mailbox, uint32_t executor, const struct kept_change *change)
{
    struct kept_note note = {.executor = executor, .change = *change};
    lock_acquire(&mailbox->lock);
    put_note_locked(mailbox, &note);
    lock_release(&mailbox->lock);
}

bool mailbox_take_kept(struct mailbox *mailbox, struct kept_note *out_note)
{
    lock_acquire(&mailbox->lock);
    bool has = mailbox->locked.kept_first < mailbox->locked.kept_count;
    if (has)
        *out_note = mailbox->locked.kept[mailbox->locked.kept_first++];
    lock_release(&mailbox->lock);
    return has;
}

void mailbox_put_lost(struct mailbox *mailbox, uint32_t executor)
{
    struct kept_note note = {.executor = executor, .is_lost = true};
    lock_acquire(&mailbox->lock);
    mailbox->locked.lost_count++;
    put_note_locked(mailbox, &note);
    for (struct shared_wait *wait = mailbox->locked.waits; wait != NULL; wait = wait->next)
        wait->is_broken = true;
    condition_broadcast(&mailbox->changed);
    lock_release(&mailbox->lock);
}

void mailbox_end(struct mailbox *mailbox, const barks_status *error)
{
    lock_acquire(&mailbox->lock);
    if (mailbox->locked.end_error == NULL)
        mailbox->locked.end_error = barks_status_new(barks_status_code(error), NULL, BARKS_HERE,
                                                     "%s", barks_status_text(error));
    condition_broadcast(&mailbox->changed);
    lock_release(&mailbox->lock);
}
