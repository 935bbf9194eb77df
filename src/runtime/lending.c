#include "runtime/lending.h"

#include "shuffle/exchange.h"
#include "shuffle/reduce_side.h"
#include "store/packed_rows.h"

#include <stdlib.h>

/* All of a loan is one attempt at one run, whose frames are numbered in the order in which they are
 * read: so they are read in that order again. */
struct lent_frame {
    const struct lend_order *order;
    struct frame_name name;
};

static barks_status *add_rows(void *context, const struct packed_rows *rows)
{
    const struct lent_frame *frame = context;
    return exchange_add_packed(frame->order->exchange, &frame->name, rows);
}

static barks_status *add_frame(void *context, const struct frame *frame)
{
    struct lent_frame *lent = context;
    lent->name.row_count = frame->name.row_count;
    return frame_visit_bytes(frame, lent->order->room, add_rows, lent);
}

BARKS_CHECKED static barks_status *add_input(const struct lend_order *order,
                                             const struct lent_input *input)
{
    struct lent_frame lent = {.order = order, .name = {.shuffle = input->as, .slot = order->to}};
    for (uint32_t partition = input->first; partition < input->end; partition++) {
        lent.name.partition = partition;
        BARKS_TRY(reduce_side_visit_frames(order->reduce_side, input->shuffle, partition, add_frame,
                                           &lent));
    }
    return NULL;
}

/* Nothing has travelled until then. */
BARKS_CHECKED static barks_status *end_input(const struct lend_order *order,
                                             struct lent_input *input, bool is_good)
{
    struct exchange_sent *sent = calloc(order->executor_count, sizeof *sent);
    barks_status *status =
        exchange_end_attempt(order->exchange, input->as, 0, 0, is_good && sent != NULL, sent);
    if (status == NULL && sent != NULL)
        input->frame_count = sent[order->to - 1].frame_count;
    else if (status == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to lend a shuffle");
    free(sent);
    return status;
}

static barks_status *perform(struct errand *errand)
{
    struct lend_order *order = (struct lend_order *)errand;
    barks_status *status = NULL;
    for (uint32_t i = 0; i < order->input_count && status == NULL; i++)
        status = add_input(order, &order->inputs[i]);
    bool is_good = status == NULL;
    for (uint32_t i = 0; i < order->input_count; i++) {
        barks_status *ended = end_input(order, &order->inputs[i], is_good);
        if (status == NULL)
            status = ended;
        else
            barks_status_free(ended); /* the first one says why */
    }
    return status;
}

static void destroy(struct errand *errand)
{
    barks_status_free(errand->status);
    free(errand);
}

barks_status *lend_order_create(uint32_t input_count, struct lend_order **out_order)
{
    struct lend_order *order = calloc(1, sizeof *order + input_count * sizeof order->inputs[0]);
    if (order == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to lend %u shuffles", input_count);
    order->errand = (struct errand){.perform = perform, .destroy = destroy};
    order->input_count = input_count;
    *out_order = order;
    return NULL;
}
