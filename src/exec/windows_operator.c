/* Windows over rows by their place in the dataset: a partition has those that begin in it. Input 0
 * are its rows; input 1, where there is one, the rows behind it that its windows reach (see
 * heads_operator.c). No more rows are held than a window and some batches have. */
#include "exec/group_caller.h"
#include "exec/operator.h"
#include "exec/window_places.h"

#include <inttypes.h>
#include <stdlib.h>

struct windows_operator {
    struct operator base;
    const struct pipe_node *node;
    struct window_places places;
    struct window_reach reach; /* of the partition */
    struct batch *heads;       /* rows behind the partition */
    struct batch *rows;        /* not done with yet; the first one is at place `begin` */
    struct batch *spare;       /* empty: rows that stay go there */
    uint64_t begin;
    uint64_t next; /* the place where the next window begins */
    struct group_caller caller;
};

static void windows_destroy(struct operator* self)
{
    struct windows_operator *op = (struct windows_operator *)self;
    batch_destroy(op->heads);
    batch_destroy(op->rows);
    batch_destroy(op->spare);
    group_caller_drop(&op->caller);
    free(op->base.ports);
    free(op);
}

static barks_status *windows_begin_partition(struct operator* self, uint32_t partition)
{
    struct windows_operator *op = (struct windows_operator *)self;
    op->reach = window_reach_of(&op->places, partition);
    op->begin = op->reach.begin;
    op->next = window_next(&op->places, op->begin);
    batch_clear(op->heads);
    batch_clear(op->rows);
    return NULL;
}

/* ---- calls ---- */

static uint64_t rows_end(const struct windows_operator *op)
{
    return op->begin + op->rows->base.row_count;
}

/* The window from next on, of row_count rows that are there. */
BARKS_CHECKED static barks_status *call_window(struct windows_operator *op, uint64_t row_count)
{
    uint32_t first = (uint32_t)(op->next - op->begin);
    const struct group_rows window = {
        .rows = op->rows, .first = first, .end = first + (uint32_t)row_count};
    op->base.task->info.index = (int64_t)(op->next / op->places.step);
    op->next += op->places.step;
    return group_caller_call(&op->caller, &window);
}

/* Windows that are whole and begin before `end`. */
BARKS_CHECKED static barks_status *call_whole(struct windows_operator *op, uint64_t end)
{
    group_caller_lend(&op->caller, 0, op->rows);
    while (op->next < end && op->next + op->places.width <= rows_end(op) &&
           !op->base.task->partition_done)
        BARKS_TRY(call_window(op, op->places.width));
    return group_caller_flush(&op->caller);
}

/* Rows that no window needs any more are let go. */
BARKS_CHECKED static barks_status *drop_done(struct windows_operator *op)
{
    uint64_t end = rows_end(op), from = op->next < end ? op->next : end;
    uint32_t first = (uint32_t)(from - op->begin);
    BARKS_TRY(
        batch_append(op->spare, op->rows, first, op->rows->base.row_count - first, BATCH_KEEP));
    struct batch *rows = op->spare;
    op->spare = op->rows;
    op->rows = rows;
    op->begin = from;
    batch_clear(op->spare);
    return NULL;
}

/* ---- rows ---- */

BARKS_CHECKED static barks_status *push_own(struct windows_operator *op, const struct batch *batch)
{
    BARKS_TRY(batch_append(op->rows, batch, 0, batch->base.row_count, BATCH_KEEP));
    /* What is copied on is less than what has come since. */
    if (op->rows->base.row_count < 2 * op->places.width + BATCH_ROWS)
        return NULL;
    BARKS_TRY(call_whole(op, UINT64_MAX));
    return drop_done(op);
}

static barks_status *windows_push_port(struct operator* self, uint32_t port, struct batch *batch)
{
    struct windows_operator *op = (struct windows_operator *)self;
    barks_status *status =
        port == 0 ? push_own(op, batch)
                  : batch_append(op->heads, batch, 0, batch->base.row_count, BATCH_KEEP);
    return operator_fail_limit(op->node, op->reach.partition, status);
}

static barks_status *windows_push(struct operator* self, struct batch *batch)
{
    return windows_push_port(self, 0, batch);
}

/* The partition's own rows end here. */
BARKS_CHECKED static barks_status *end_rows(struct windows_operator *op)
{
    uint64_t own_end = rows_end(op);
    if (!op->places.is_counted)
        op->reach.end = op->reach.wanted_end = op->places.row_count = own_end;
    BARKS_TRY(batch_append(op->rows, op->heads, 0, op->heads->base.row_count, BATCH_KEEP));
    if (own_end != op->reach.end || rows_end(op) != op->reach.wanted_end)
        BARKS_FAIL(BARKS_INVALID,
                   "windows at %s: partition %" PRIu32 " has %" PRIu64 " rows, and had %" PRIu64
                   " when they were counted: the dataset gives other rows each time that it is "
                   "computed; keep it by barks_cache",
                   op->node->where, op->reach.partition, own_end - op->reach.begin,
                   op->reach.end - op->reach.begin);
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
    batch_clear(op->heads);
    batch_clear(op->rows);
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
    struct pool *pool = op->base.task->services->pool;
    BARKS_TRY(window_places_open(&op->node->step, op->node->partition_count, &op->places));
    if (inputs->count > 1)
        BARKS_TRY(operator_ports_init(&op->base, inputs->count));
    BARKS_TRY(batch_create(pool, inputs->schemas[0], 1, &op->heads));
    BARKS_TRY(batch_create(pool, inputs->schemas[0], BATCH_ROWS, &op->rows));
    BARKS_TRY(batch_create(pool, inputs->schemas[0], BATCH_ROWS, &op->spare));
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
