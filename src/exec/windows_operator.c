/* Windows over rows by their place in the dataset: a partition has those that begin in it. Input 0
 * are its rows; input 1, where there is one, the rows behind it that its windows reach (see
 * heads_operator.c). No more rows are held than a window and some batches have; past a share of
 * memory they are on disk, and a window is read from there. */
#include "exec/memory_share.h"
#include "exec/operator.h"
#include "exec/placed_rows.h"
#include "exec/window_feed.h"
#include "exec/window_places.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    ROWS_SHARE = 2, /* of the operator's: for rows, and as much for heads */
    KEPT_SHARE = 8, /* strings of rows passed by that may stay in memory for the body */
};

struct windows_operator {
    struct operator base;
    const struct pipe_node *node;
    struct window_places places;
    struct window_reach reach; /* of the partition */
    struct placed_rows heads;  /* rows behind the partition */
    struct placed_rows rows;   /* not done with yet */
    uint64_t next;             /* the place where the next window begins */
    struct group_caller caller;
    struct window_feed feed; /* of rows on disk */
};

static void windows_destroy(struct operator* self)
{
    struct windows_operator *op = (struct windows_operator *)self;
    window_feed_drop(&op->feed);
    placed_rows_drop(&op->heads);
    placed_rows_drop(&op->rows);
    group_caller_drop(&op->caller);
    free(op->base.ports);
    free(op);
}

static barks_status *windows_begin_partition(struct operator* self, uint32_t partition)
{
    struct windows_operator *op = (struct windows_operator *)self;
    op->reach = window_reach_of(&op->places, partition);
    op->next = window_next(&op->places, op->reach.begin);
    placed_rows_begin(&op->heads, 0);
    placed_rows_begin(&op->rows, op->reach.begin);
    return NULL;
}

/* ---- calls ---- */

/* The window from next on, of row_count rows that are there. */
BARKS_CHECKED static barks_status *call_window(struct windows_operator *op, uint64_t row_count)
{
    uint64_t begin = op->next;
    op->base.task->info.index = (int64_t)(op->next / op->places.step);
    op->next += op->places.step;
    if (op->rows.is_on_disk)
        return window_feed_call(&op->feed, begin, begin + row_count);
    uint32_t first = (uint32_t)(begin - op->rows.begin);
    const struct group_rows window = {
        .rows = op->rows.rows, .first = first, .end = first + (uint32_t)row_count};
    return group_caller_call(&op->caller, &window);
}

/* Windows that are whole and begin before `end`. */
BARKS_CHECKED static barks_status *call_whole(struct windows_operator *op, uint64_t end)
{
    BARKS_TRY(placed_rows_flush(&op->rows));
    group_caller_lend(&op->caller, 0, op->rows.rows);
    while (op->next < end && op->next + op->places.width <= placed_rows_end(&op->rows) &&
           !op->base.task->partition_done)
        BARKS_TRY(call_window(op, op->places.width));
    return group_caller_flush(&op->caller);
}

/* ---- rows ---- */

static bool is_worth_calling(const struct windows_operator *op)
{
    if (op->rows.is_on_disk)
        return op->next + op->places.width + BATCH_ROWS <= placed_rows_end(&op->rows);
    /* Rows that stay are copied: less than what has come since. */
    return op->rows.rows->base.row_count >= 2 * op->places.width + BATCH_ROWS;
}

BARKS_CHECKED static barks_status *push_own(struct windows_operator *op, const struct batch *batch)
{
    BARKS_TRY(placed_rows_add(&op->rows, batch));
    if (!is_worth_calling(op))
        return NULL;
    BARKS_TRY(call_whole(op, UINT64_MAX));
    return placed_rows_let_go(&op->rows, op->next);
}

static barks_status *windows_push_port(struct operator* self, uint32_t port, struct batch *batch)
{
    struct windows_operator *op = (struct windows_operator *)self;
    barks_status *status = port == 0 ? push_own(op, batch) : placed_rows_add(&op->heads, batch);
    return operator_fail_limit(op->node, op->reach.partition, status);
}

static barks_status *windows_push(struct operator* self, struct batch *batch)
{
    return windows_push_port(self, 0, batch);
}

/* The partition's own rows end here. */
BARKS_CHECKED static barks_status *end_rows(struct windows_operator *op)
{
    uint64_t own_end = placed_rows_end(&op->rows), begin = op->reach.begin;
    if (!op->places.is_counted)
        op->reach.end = op->reach.wanted_end = op->places.row_count = own_end;
    BARKS_TRY(placed_rows_add_all(&op->rows, &op->heads));
    if (own_end != op->reach.end || placed_rows_end(&op->rows) != op->reach.wanted_end)
        BARKS_FAIL(BARKS_INVALID,
                   "windows at %s: partition %" PRIu32 " has %" PRIu64 " rows, and had %" PRIu64
                   " when they were counted: the dataset gives other rows each time that it is "
                   "computed; keep it by barks_cache",
                   op->node->where, op->reach.partition, own_end - begin, op->reach.end - begin);
    BARKS_TRY(call_whole(op, own_end));
    if (op->node->step.numbers[2] == 0 || op->base.task->partition_done || op->next >= own_end ||
        !window_is_partial(&op->places, op->next))
        return NULL;
    BARKS_TRY(call_window(op, op->places.row_count - op->next));
    return group_caller_flush(&op->caller);
}

static barks_status *windows_end_partition(struct operator* self)
{
    struct windows_operator *op = (struct windows_operator *)self;
    barks_status *status = op->base.task->partition_done ? NULL : end_rows(op);
    placed_rows_begin(&op->heads, 0);
    placed_rows_begin(&op->rows, 0);
    window_feed_clear(&op->feed);
    return operator_fail_limit(op->node, op->reach.partition, status);
}

static const struct operator_kind windows_kind = {
    .name = "windows",
    .begin_partition = windows_begin_partition,
    .push = windows_push,
    .push_port = windows_push_port,
    .end_partition = windows_end_partition,
    .destroy = windows_destroy,
};

BARKS_CHECKED static barks_status *fill_operator(struct windows_operator *op,
                                                 const struct operator_inputs *inputs)
{
    const struct spill_room *room = op->base.task->services->room;
    const barks_schema *schema = inputs->schemas[0];
    uint64_t share_bytes = memory_share_bytes(op->base.task);
    BARKS_TRY(window_places_open(&op->node->step, op->node->partition_count, &op->places));
    if (inputs->count > 1)
        BARKS_TRY(operator_ports_init(&op->base, inputs->count));
    BARKS_TRY(placed_rows_init(&op->heads, room, schema, share_bytes / ROWS_SHARE));
    BARKS_TRY(placed_rows_init(&op->rows, room, schema, share_bytes / ROWS_SHARE));
    BARKS_TRY(window_feed_init(&op->feed, &op->caller, &op->rows, room, share_bytes / KEPT_SHARE));
    return group_caller_init(&op->caller, &op->base, op->node, inputs->schemas, 1);
}

OPERATOR_MAKER(windows)
{
    struct windows_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &windows_kind, .task = task};
    op->node = node;
    barks_status *status = fill_operator(op, inputs);
    if (status != NULL) {
        windows_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
