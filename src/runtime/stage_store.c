#include "runtime/stage_store.h"

#include "base/fault.h"
#include "base/lock.h"
#include "net/net.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct store_order {
    uint64_t shuffle, tag;
    uint32_t slot;
    char *path; /* owned */
    barks_status *status;
    struct stored_pieces pieces;
    struct store_order *next;
};

struct stage_store {
    struct reduce_side *reduce_side;
    const struct spill_room *room;
    struct net *net;
    pthread_t thread;
    bool has_thread; /* the communication thread's */
    struct lock lock;
    struct condition changed;
    struct {
        struct store_order *wanted, *written; /* owned lists, the oldest first */
        bool is_ending;
    } locked;
};

static void order_free(struct store_order *order)
{
    free(order->path);
    barks_status_free(order->status);
    stored_pieces_drop(&order->pieces);
    free(order);
}

static void append(struct store_order **list, struct store_order *order)
{
    while (*list != NULL)
        list = &(*list)->next;
    order->next = NULL;
    *list = order;
}

static struct store_order *await_order(struct stage_store *store)
{
    lock_acquire(&store->lock);
    while (store->locked.wanted == NULL && !store->locked.is_ending)
        condition_wait(&store->changed, &store->lock);
    struct store_order *order = store->locked.is_ending ? NULL : store->locked.wanted;
    if (order != NULL)
        store->locked.wanted = order->next;
    lock_release(&store->lock);
    return order;
}

static void *run(void *argument)
{
    struct stage_store *store = argument;
    struct store_order *order;
    fault_enter_rank(store->net->rank);
    while ((order = await_order(store)) != NULL) {
        order->status = stored_frames_write(store->reduce_side, order->shuffle, order->slot,
                                            store->room, order->path, order->tag, &order->pieces);
        lock_acquire(&store->lock);
        append(&store->locked.written, order);
        lock_release(&store->lock);
        net_wake(store->net);
    }
    return NULL;
}

barks_status *stage_store_create(struct reduce_side *reduce_side, const struct spill_room *room,
                                 struct net *net, struct stage_store **out_store)
{
    struct stage_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the thread that stores stages");
    *store = (struct stage_store){.reduce_side = reduce_side, .room = room, .net = net};
    lock_init(&store->lock, LOCK_QUEUE, "stages to be stored");
    condition_init(&store->changed);
    *out_store = store;
    return NULL;
}

void stage_store_destroy(struct stage_store *store)
{
    if (store == NULL)
        return;
    lock_acquire(&store->lock);
    store->locked.is_ending = true;
    condition_broadcast(&store->changed);
    lock_release(&store->lock);
    if (store->has_thread)
        pthread_join(store->thread, NULL);
    struct store_order **lists[] = {&store->locked.wanted, &store->locked.written};
    for (int i = 0; i < 2; i++)
        while (*lists[i] != NULL) {
            struct store_order *next = (*lists[i])->next;
            order_free(*lists[i]);
            *lists[i] = next;
        }
    condition_drop(&store->changed);
    lock_drop(&store->lock);
    free(store);
}

BARKS_CHECKED static barks_status *start_thread(struct stage_store *store)
{
    if (store->has_thread)
        return NULL;
    int error = pthread_create(&store->thread, NULL, run, store);
    if (error != 0)
        BARKS_FAIL(BARKS_LIMIT, "cannot start the thread that stores stages: %s; raise `ulimit -u`",
                   strerrordesc_np(error));
    store->has_thread = true;
    return NULL;
}

barks_status *stage_store_give(struct stage_store *store, uint64_t shuffle, uint32_t slot,
                               char *path, uint64_t tag)
{
    struct store_order *order = calloc(1, sizeof *order);
    barks_status *status = order != NULL ? start_thread(store)
                                         : barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                                            "no memory to store a stage");
    if (status != NULL) {
        free(order);
        free(path);
        return status;
    }
    *order = (struct store_order){.shuffle = shuffle, .slot = slot, .tag = tag, .path = path};
    lock_acquire(&store->lock);
    append(&store->locked.wanted, order);
    condition_signal(&store->changed);
    lock_release(&store->lock);
    return NULL;
}

bool stage_store_take(struct stage_store *store, uint64_t *out_shuffle, uint32_t *out_slot,
                      barks_status **out_status, struct stored_pieces *out_pieces)
{
    lock_acquire(&store->lock);
    struct store_order *order = store->locked.written;
    if (order != NULL)
        store->locked.written = order->next;
    lock_release(&store->lock);
    if (order == NULL)
        return false;
    *out_shuffle = order->shuffle;
    *out_slot = order->slot;
    *out_status = order->status;
    *out_pieces = order->pieces;
    order->status = NULL;
    order->pieces = (struct stored_pieces){0};
    order_free(order);
    return true;
}
