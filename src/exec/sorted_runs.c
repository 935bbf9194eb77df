#include "exec/sorted_runs.h"

#include "base/pool.h"
#include "exec/memory_share.h"
#include "exec/operator.h"

#include <stdlib.h>

enum {
    LOOK_EVERY = 16,        /* batches that are added before the share is looked at again */
    BYTES_TO_SORT_ROW = 40, /* order, prefixes and a second place for them while rows are sorted */
};

static struct pool *pool_of(const struct sorted_runs *sorted)
{
    return sorted->options.task->services->pool;
}

barks_status *sorted_runs_init(struct sorted_runs *sorted, const struct row_merge_options *options)
{
    *sorted =
        (struct sorted_runs){.options = *options, .share_bytes = memory_share_bytes(options->task)};
    BARKS_TRY(batch_create(pool_of(sorted), options->schema, BATCH_ROWS, &sorted->rows));
    return batch_create(pool_of(sorted), options->schema, BATCH_ROWS, &sorted->output);
}

void sorted_runs_drop(struct sorted_runs *sorted)
{
    for (uint32_t i = 0; i < sorted->run_count; i++)
        row_run_drop(&sorted->runs[i]);
    free(sorted->runs);
    batch_destroy(sorted->rows);
    batch_destroy(sorted->output);
    *sorted = (struct sorted_runs){0};
}

/* The rows in memory, in order, at most so many at a time. */
BARKS_CHECKED static barks_status *
give_in_order(struct sorted_runs *sorted, const uint32_t *order, uint32_t rows_max,
              barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    uint32_t row_count = sorted->rows->base.row_count;
    const bool *is_done = &sorted->options.task->partition_done;
    for (uint32_t first = 0; first < row_count && !*is_done; first += rows_max) {
        uint32_t count = row_count - first < rows_max ? row_count - first : rows_max;
        barks_status *status =
            batch_gather(sorted->output, sorted->rows, order + first, count, BATCH_LEND);
        if (status == NULL)
            status = visit(context, sorted->output);
        batch_clear(sorted->output);
        BARKS_TRY(status);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *
give_from_memory(struct sorted_runs *sorted, uint32_t rows_max,
                 barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    uint32_t row_count = sorted->rows->base.row_count;
    void *order = NULL;
    if (row_count == 0)
        return NULL;
    BARKS_TRY_DOING(pool_acquire(pool_of(sorted), row_count * sizeof(uint32_t), &order),
                    "sort %u rows", row_count);
    barks_status *status = rows_order_as(&sorted->rows->base, &sorted->options.order,
                                         sorted->options.task, pool_of(sorted), order);
    if (status == NULL)
        status = give_in_order(sorted, order, rows_max, visit, context);
    pool_release(pool_of(sorted), order, row_count * sizeof(uint32_t));
    batch_clear(sorted->rows);
    return status;
}

static barks_status *add_piece(void *context, struct batch *batch)
{
    return row_run_add(context, &batch->base, 0, batch->base.row_count);
}

/* How many rows a piece of a run has, so that it is about as large as it should be. */
static uint32_t piece_rows(const struct sorted_runs *sorted)
{
    uint64_t row_bytes = batch_memory_bytes(sorted->rows) / sorted->rows->base.row_count + 1;
    uint64_t count = row_merge_piece_bytes(sorted->share_bytes) / row_bytes;
    return count < 1 ? 1 : count < BATCH_ROWS ? (uint32_t)count : BATCH_ROWS;
}

BARKS_CHECKED static barks_status *spill(struct sorted_runs *sorted)
{
    if (sorted->rows->base.row_count == 0)
        return NULL;
    if (sorted->run_count == sorted->run_capacity) {
        uint32_t capacity = 2 * sorted->run_capacity + 8;
        struct row_run *runs = realloc(sorted->runs, capacity * sizeof *runs);
        if (runs == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %u runs of rows", capacity);
        sorted->runs = runs;
        sorted->run_capacity = capacity;
    }
    struct row_run *run = &sorted->runs[sorted->run_count++];
    *run = (struct row_run){.room = sorted->options.task->services->room};
    return give_from_memory(sorted, piece_rows(sorted), add_piece, run);
}

barks_status *sorted_runs_add(struct sorted_runs *sorted, const struct batch *batch)
{
    uint32_t row_count = batch->base.row_count;
    barks_status *status = batch_append(sorted->rows, batch, 0, row_count, BATCH_KEEP);
    if (status != NULL && barks_status_code(status) == BARKS_LIMIT &&
        sorted->rows->base.row_count > 0) {
        barks_status_free(status);
        BARKS_TRY(spill(sorted));
        status = batch_append(sorted->rows, batch, 0, row_count, BATCH_KEEP);
    }
    BARKS_TRY(status);
    if (++sorted->added_count % LOOK_EVERY != 0)
        return NULL;
    uint64_t wanted_bytes = batch_memory_bytes(sorted->rows) +
                            (uint64_t)sorted->rows->base.row_count * BYTES_TO_SORT_ROW;
    return wanted_bytes > sorted->share_bytes ? spill(sorted) : NULL;
}

barks_status *sorted_runs_give(struct sorted_runs *sorted,
                               barks_status *(*visit)(void *context, struct batch *batch),
                               void *context)
{
    if (sorted->run_count == 0)
        return give_from_memory(sorted, BATCH_ROWS, visit, context);
    barks_status *status = spill(sorted);
    if (status == NULL)
        status = rows_merge(&sorted->options, sorted->runs, sorted->run_count, visit, context);
    for (uint32_t i = 0; i < sorted->run_count; i++)
        row_run_drop(&sorted->runs[i]);
    sorted->run_count = 0;
    return status;
}
