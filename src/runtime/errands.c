#include "runtime/errands.h"

#include "base/fault.h"
#include "base/lock.h"
#include "net/net.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct errands {
    struct net *net;
    const char *what;
    pthread_t thread;
    bool has_thread; /* the communication thread's */
    struct lock lock;
    struct condition changed;
    struct {
        struct errand *wanted, *done; /* owned lists, the oldest first */
        bool is_ending;
    } locked;
};

static void append(struct errand **list, struct errand *errand)
{
    while (*list != NULL)
        list = &(*list)->next;
    errand->next = NULL;
    *list = errand;
}

static struct errand *await_errand(struct errands *errands)
{
    lock_acquire(&errands->lock);
    while (errands->locked.wanted == NULL && !errands->locked.is_ending)
        condition_wait(&errands->changed, &errands->lock);
    struct errand *errand = errands->locked.is_ending ? NULL : errands->locked.wanted;
    if (errand != NULL)
        errands->locked.wanted = errand->next;
    lock_release(&errands->lock);
    return errand;
}

static void *run(void *argument)
{
    struct errands *errands = argument;
    struct errand *errand;
    fault_enter_rank(errands->net->rank);
    while ((errand = await_errand(errands)) != NULL) {
        errand->status = errand->perform(errand);
        lock_acquire(&errands->lock);
        append(&errands->locked.done, errand);
        lock_release(&errands->lock);
        net_wake(errands->net);
    }
    return NULL;
}

barks_status *errands_create(struct net *net, const char *what, struct errands **out_errands)
{
    struct errands *errands = calloc(1, sizeof *errands);
    if (errands == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the thread that %s", what);
    *errands = (struct errands){.net = net, .what = what};
    lock_init(&errands->lock, LOCK_QUEUE, what);
    condition_init(&errands->changed);
    *out_errands = errands;
    return NULL;
}

static void destroy_list(struct errand *list)
{
    while (list != NULL) {
        struct errand *next = list->next;
        list->destroy(list);
        list = next;
    }
}

void errands_destroy(struct errands *errands)
{
    if (errands == NULL)
        return;
    lock_acquire(&errands->lock);
    errands->locked.is_ending = true;
    condition_broadcast(&errands->changed);
    lock_release(&errands->lock);
    if (errands->has_thread)
        pthread_join(errands->thread, NULL);
    destroy_list(errands->locked.wanted);
    destroy_list(errands->locked.done);
    condition_drop(&errands->changed);
    lock_drop(&errands->lock);
    free(errands);
}

BARKS_CHECKED static barks_status *start_thread(struct errands *errands)
{
    if (errands->has_thread)
        return NULL;
    int error = pthread_create(&errands->thread, NULL, run, errands);
    if (error != 0)
        BARKS_FAIL(BARKS_LIMIT, "cannot start the thread that %s: %s; raise `ulimit -u`",
                   errands->what, strerrordesc_np(error));
    errands->has_thread = true;
    return NULL;
}

barks_status *errands_give(struct errands *errands, struct errand *errand)
{
    barks_status *status = start_thread(errands);
    if (status != NULL) {
        errand->destroy(errand);
        return status;
    }
    lock_acquire(&errands->lock);
    append(&errands->locked.wanted, errand);
    condition_signal(&errands->changed);
    lock_release(&errands->lock);
    return NULL;
}

struct errand *errands_take(struct errands *errands)
{
    lock_acquire(&errands->lock);
    struct errand *errand = errands->locked.done;
    if (errand != NULL)
        errands->locked.done = errand->next;
    lock_release(&errands->lock);
    return errand;
}
