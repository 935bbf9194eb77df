#include "runtime/stage_store.h"

#include "base/clock.h"

#include <stdlib.h>

static barks_status *perform(struct errand *errand)
{
    struct store_order *order = (struct store_order *)errand;
    uint64_t began_ns = monotonic_ns();
    barks_status *status =
        stored_frames_write(order->reduce_side, order->shuffle, order->slot, order->room,
                            order->path, order->tag, &order->pieces);
    order->took_ns = monotonic_ns() - began_ns;
    return status;
}

static void destroy(struct errand *errand)
{
    struct store_order *order = (struct store_order *)errand;
    free(order->path);
    barks_status_free(errand->status);
    stored_pieces_drop(&order->pieces);
    free(order);
}

barks_status *store_order_create(struct reduce_side *reduce_side, const struct spill_room *room,
                                 char *path, struct store_order **out_order)
{
    struct store_order *order = calloc(1, sizeof *order);
    if (order == NULL) {
        free(path);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to store a stage");
    }
    *order = (struct store_order){.errand = {.perform = perform, .destroy = destroy},
                                  .reduce_side = reduce_side,
                                  .room = room,
                                  .path = path};
    *out_order = order;
    return NULL;
}
