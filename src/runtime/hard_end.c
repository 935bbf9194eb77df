#include "runtime/hard_end.h"

#include "base/clock.h"
#include "base/lock.h"
#include "runtime/exit_note.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hard_end {
    pthread_t thread;
    uint64_t after_ns, deadline_ns;
    int exit_status;
    struct lock lock;
    struct condition changed;
    struct {
        bool is_disarmed;
    } locked;
};

static void leave(const struct hard_end *hard_end)
{
    char sentence[200];
    int length =
        snprintf(sentence, sizeof sentence,
                 "barks: the job has not ended %.1f s after its end was due, and is ended by force "
                 "(--barks-time-reserve)\n",
                 (double)hard_end->after_ns * 1e-9);
    /* Not through stdio, whose lock a thread that is stuck may hold. */
    ssize_t written = write(STDERR_FILENO, sentence, (size_t)length);
    (void)written; /* there is nobody left to tell */
    exit_note_write(hard_end->exit_status);
    _exit(hard_end->exit_status);
}

static void *run(void *argument)
{
    struct hard_end *hard_end = argument;
    lock_acquire(&hard_end->lock);
    while (!hard_end->locked.is_disarmed && monotonic_ns() < hard_end->deadline_ns)
        condition_wait_until(&hard_end->changed, &hard_end->lock, hard_end->deadline_ns);
    if (!hard_end->locked.is_disarmed)
        leave(hard_end);
    lock_release(&hard_end->lock);
    return NULL;
}

static void destroy(struct hard_end *hard_end)
{
    condition_drop(&hard_end->changed);
    lock_drop(&hard_end->lock);
    free(hard_end);
}

barks_status *hard_end_arm(uint64_t after_ns, int exit_status, struct hard_end **out_hard_end)
{
    struct hard_end *hard_end = calloc(1, sizeof *hard_end);
    if (hard_end == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to end the job by force");
    hard_end->after_ns = after_ns;
    hard_end->deadline_ns = monotonic_ns() + after_ns;
    hard_end->exit_status = exit_status;
    lock_init(&hard_end->lock, LOCK_QUEUE, "end by force");
    condition_init(&hard_end->changed);
    int error = pthread_create(&hard_end->thread, NULL, run, hard_end);
    if (error != 0) {
        destroy(hard_end);
        BARKS_FAIL(BARKS_LIMIT, "cannot start a thread: %s; raise `ulimit -u`",
                   strerrordesc_np(error));
    }
    *out_hard_end = hard_end;
    return NULL;
}

void hard_end_disarm(struct hard_end *hard_end)
{
    if (hard_end == NULL)
        return;
    lock_acquire(&hard_end->lock);
    hard_end->locked.is_disarmed = true;
    condition_broadcast(&hard_end->changed);
    lock_release(&hard_end->lock);
    pthread_join(hard_end->thread, NULL);
    destroy(hard_end);
}
