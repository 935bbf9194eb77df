#include "exec/sorted_runs.h"

#include "base/pool.h"
#include "exec/operator.h"

#include <stdlib.h>

enum {
    LOOKS = 16,             /* at what the rows take, while they fill their share */
    BYTES_TO_SORT_ROW = 40, /* order, prefixes and a second place for them while rows are sorted */
};

static struct pool *pool_of(const struct sorted_runs *sorted)
{
    return sorted->options.task->services->pool;
}

static bool has_order(const struct sorted_runs *sorted)
{
    return sorted->options.order.key_count > 0 || sorted->options.order.compare != NULL;
}

barks_status *sorted_runs_init(struct sorted_runs *sorted, const struct row_merge_options *options,
                               uint64_t share_bytes)
{
    *sorted = (struct sorted_runs){.options = *options, .share_bytes = share_bytes};
    BARKS_TRY(batch_create(pool_of(sorted), options->schema, BATCH_ROWS, &sorted->rows));
    return batch_create(pool_of(sorted), options->schema, BATCH_ROWS, &sorted->output);
}

static void forget_order(struct sorted_runs *sorted)
{
    if (sorted->order != NULL)
        pool_release(pool_of(sorted), sorted->order, sorted->order_bytes);
    if (sorted->begins != NULL)
        pool_release(pool_of(sorted), sorted->begins, sorted->begins_bytes);
    sorted->order = NULL;
    sorted->begins = NULL;
}

void sorted_runs_clear(struct sorted_runs *sorted)
{
    row_merge_close(sorted->merge);
    sorted->merge = NULL;
    for (uint32_t i = 0; i < sorted->run_count; i++)
        row_run_drop(&sorted->runs[i]);
    sorted->run_count = 0;
    forget_order(sorted);
    batch_clear(sorted->rows);
    sorted->row_count = 0;
    sorted->is_given = false;
}

void sorted_runs_drop(struct sorted_runs *sorted)
{
    if (sorted->rows != NULL)
        sorted_runs_clear(sorted);
    free(sorted->runs);
    batch_destroy(sorted->rows);
    batch_destroy(sorted->output);
    *sorted = (struct sorted_runs){0};
}

/* ---- adding ---- */

/* How many rows a piece of a run has, so that it is about as large as it should be. */
static uint32_t piece_rows(const struct sorted_runs *sorted)
{
    uint64_t row_bytes = batch_memory_bytes(sorted->rows) / sorted->rows->base.row_count + 1;
    uint64_t count = row_merge_piece_bytes(sorted->share_bytes) / row_bytes;
    return count < 1 ? 1 : count < BATCH_ROWS ? (uint32_t)count : BATCH_ROWS;
}

/* of_groups: where groups begin is wanted too. */
BARKS_CHECKED static barks_status *find_order(struct sorted_runs *sorted, bool of_groups)
{
    const struct row_order *by = &sorted->options.order;
    uint32_t row_count = sorted->rows->base.row_count;
    void *order = NULL, *begins = NULL;
    if (!has_order(sorted) || row_count == 0)
        return NULL;
    sorted->order_bytes = row_count * sizeof *sorted->order;
    BARKS_TRY_DOING(pool_acquire(pool_of(sorted), sorted->order_bytes, &order), "sort %u rows",
                    row_count);
    sorted->order = order;
    if (!of_groups || sorted->group_key_count == 0)
        return rows_order_as(&sorted->rows->base, by, sorted->options.task, pool_of(sorted), order);
    sorted->begins_bytes = ((size_t)row_count + 63) / 64 * sizeof *sorted->begins;
    BARKS_TRY(pool_acquire(pool_of(sorted), sorted->begins_bytes, &begins));
    sorted->begins = begins;
    return rows_order_groups(&sorted->rows->base, by->keys, by->key_count, sorted->group_key_count,
                             pool_of(sorted), order, begins);
}

/* Places [first, first + count) of the rows in memory. */
BARKS_CHECKED static barks_status *write_piece(struct sorted_runs *sorted, uint32_t first,
                                               uint32_t count, struct row_run *run)
{
    BARKS_TRY(task_check_cancelled(sorted->options.task));
    if (sorted->order == NULL)
        return row_run_add(run, &sorted->rows->base, first, count);
    barks_status *status =
        batch_gather(sorted->output, sorted->rows, sorted->order + first, count, BATCH_LEND);
    if (status == NULL)
        status = row_run_add(run, &sorted->output->base, 0, count);
    batch_clear(sorted->output);
    return status;
}

/* The run that the rows in memory go to: rows that are not ordered have but one. */
BARKS_CHECKED static barks_status *find_run(struct sorted_runs *sorted, struct row_run **out_run)
{
    if (sorted->run_count > 0 && !has_order(sorted)) {
        *out_run = &sorted->runs[0];
        return NULL;
    }
    if (sorted->run_count == sorted->run_capacity) {
        uint32_t capacity = 2 * sorted->run_capacity + 8;
        struct row_run *runs = realloc(sorted->runs, capacity * sizeof *runs);
        if (runs == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %u runs of rows", capacity);
        sorted->runs = runs;
        sorted->run_capacity = capacity;
    }
    *out_run = &sorted->runs[sorted->run_count++];
    **out_run = (struct row_run){.room = sorted->options.task->services->room};
    return NULL;
}

BARKS_CHECKED static barks_status *spill(struct sorted_runs *sorted)
{
    uint32_t row_count = sorted->rows->base.row_count;
    struct row_run *run = NULL;
    if (row_count == 0)
        return NULL;
    BARKS_TRY(find_run(sorted, &run));
    barks_status *status = find_order(sorted, false);
    uint32_t rows_max = piece_rows(sorted);
    for (uint32_t first = 0; first < row_count && status == NULL; first += rows_max)
        status = write_piece(sorted, first,
                             row_count - first < rows_max ? row_count - first : rows_max, run);
    forget_order(sorted);
    batch_clear(sorted->rows);
    return status;
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
    sorted->row_count += row_count;
    sorted->added_bytes += batch_memory_bytes(batch);
    if (sorted->added_bytes < sorted->share_bytes / LOOKS)
        return NULL;
    sorted->added_bytes = 0;
    uint64_t wanted_bytes =
        batch_memory_bytes(sorted->rows) +
        (has_order(sorted) ? (uint64_t)sorted->rows->base.row_count * BYTES_TO_SORT_ROW : 0);
    return wanted_bytes > sorted->share_bytes ? spill(sorted) : NULL;
}

/* ---- reading ---- */

barks_status *sorted_runs_seal(struct sorted_runs *sorted)
{
    if (sorted->run_count == 0)
        return find_order(sorted, true);
    BARKS_TRY(spill(sorted));
    return row_merge_open(&sorted->options, sorted->runs, sorted->run_count, &sorted->merge);
}

barks_status *sorted_runs_next(struct sorted_runs *sorted, struct row_slice *out_slice)
{
    struct row_slice slice = {0};
    if (sorted->merge != NULL) {
        BARKS_TRY(row_merge_next(sorted->merge, &slice.rows));
        slice.count = slice.rows != NULL ? slice.rows->base.row_count : 0;
    } else if (!sorted->is_given) {
        slice = (struct row_slice){.rows = sorted->rows,
                                   .order = sorted->order,
                                   .begins = sorted->begins,
                                   .count = sorted->rows->base.row_count};
        sorted->is_given = true;
    }
    *out_slice = slice;
    return NULL;
}

void sorted_runs_mark(struct sorted_runs *sorted)
{
    if (sorted->merge != NULL)
        row_merge_mark(sorted->merge);
}

barks_status *sorted_runs_rewind(struct sorted_runs *sorted)
{
    sorted->is_given = false;
    return sorted->merge != NULL ? row_merge_rewind(sorted->merge) : NULL;
}

BARKS_CHECKED static barks_status *
give_from_memory(struct sorted_runs *sorted,
                 barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    uint32_t row_count = sorted->rows->base.row_count;
    const bool *is_done = &sorted->options.task->partition_done;
    for (uint32_t first = 0; first < row_count && !*is_done; first += BATCH_ROWS) {
        uint32_t count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        barks_status *status =
            batch_gather(sorted->output, sorted->rows, sorted->order + first, count, BATCH_LEND);
        if (status == NULL)
            status = visit(context, sorted->output);
        batch_clear(sorted->output);
        BARKS_TRY(status);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *
give_from_disk(struct sorted_runs *sorted,
               barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    const bool *is_done = &sorted->options.task->partition_done;
    struct batch *batch = NULL;
    while (!*is_done) {
        BARKS_TRY(row_merge_next(sorted->merge, &batch));
        if (batch == NULL)
            return NULL;
        BARKS_TRY(visit(context, batch));
    }
    return NULL;
}

barks_status *sorted_runs_give(struct sorted_runs *sorted,
                               barks_status *(*visit)(void *context, struct batch *batch),
                               void *context)
{
    barks_status *status = sorted_runs_seal(sorted);
    if (status == NULL)
        status = sorted->merge != NULL ? give_from_disk(sorted, visit, context)
                                       : give_from_memory(sorted, visit, context);
    sorted_runs_clear(sorted);
    return status;
}
