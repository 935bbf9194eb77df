/* The pieces that are being read lie one behind the other in one batch, so that rows are compared
 * by their places in it, whether the order is one of columns or of a function. A heap has the first
 * row of each run. Source: Knuth, "The Art of Computer Programming", volume 3, 5.4.1. */
#include "exec/row_merge.h"

#include "exec/operator.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_SPARE = 16 }; /* used ones that may lie about even where few wait: they may be wide */
#define PIECE_BYTES_MIN (UINT64_C(64) << 10)
#define PIECE_BYTES_MAX (UINT64_C(1) << 20)

/* Where a run stands. */
struct head {
    struct row_run *run;
    uint32_t next_piece;
    uint32_t row, end; /* of the piece at hand, in merge.rows */
};

/* Rows of one pass. */
struct merge {
    const struct row_merge_options *options;
    struct row_comparer comparer;
    struct batch *rows;   /* the pieces at hand, and rows that are given on already */
    struct batch *spare;  /* for moving them together */
    struct batch *output; /* what visit is given */
    struct head heads[MERGE_RUNS_MAX];
    uint32_t head_count;
    uint32_t heap[MERGE_RUNS_MAX]; /* heads that have rows */
    uint32_t heap_count;
    uint32_t pending[BATCH_ROWS]; /* rows to be given on, in order */
    uint32_t pending_count;
    barks_status *(*visit)(void *context, struct batch *batch);
    void *context;
};

uint64_t row_merge_piece_bytes(uint64_t share_bytes)
{
    /* Twice: read back a piece takes more than encoded, and rows that are used up lie about. */
    uint64_t bytes = share_bytes / MERGE_RUNS_MAX / 4;
    return bytes < PIECE_BYTES_MIN   ? PIECE_BYTES_MIN
           : bytes > PIECE_BYTES_MAX ? PIECE_BYTES_MAX
                                     : bytes;
}

static void merge_drop(struct merge *merge)
{
    for (uint32_t i = 0; i < merge->head_count; i++)
        row_run_clear(merge->heads[i].run);
    row_comparer_drop(&merge->comparer);
    batch_destroy(merge->rows);
    batch_destroy(merge->spare);
    batch_destroy(merge->output);
    free(merge);
}

/* ---- the heap ---- */

/* Of two heads: by their rows, equal ones by the order of their runs. */
BARKS_CHECKED static barks_status *comes_first(const struct merge *merge, uint32_t a, uint32_t b,
                                               bool *out)
{
    bool is_turned = a > b;
    uint32_t first = is_turned ? b : a, second = is_turned ? a : b;
    BARKS_TRY(
        row_comparer_ask(&merge->comparer, merge->heads[first].row, merge->heads[second].row, out));
    *out = *out != is_turned;
    return NULL;
}

BARKS_CHECKED static barks_status *sift_down(struct merge *merge, uint32_t place)
{
    for (;;) {
        uint32_t child = 2 * place + 1;
        bool is_first = false;
        if (child >= merge->heap_count)
            return NULL;
        if (child + 1 < merge->heap_count) {
            BARKS_TRY(comes_first(merge, merge->heap[child + 1], merge->heap[child], &is_first));
            child += is_first;
        }
        BARKS_TRY(comes_first(merge, merge->heap[place], merge->heap[child], &is_first));
        if (is_first)
            return NULL;
        uint32_t moved = merge->heap[place];
        merge->heap[place] = merge->heap[child];
        merge->heap[child] = moved;
        place = child;
    }
}

BARKS_CHECKED static barks_status *make_heap(struct merge *merge)
{
    for (uint32_t place = merge->heap_count / 2; place > 0; place--)
        BARKS_TRY(sift_down(merge, place - 1));
    return NULL;
}

/* ---- rows ---- */

BARKS_CHECKED static barks_status *give_pending(struct merge *merge)
{
    uint32_t count = merge->pending_count;
    merge->pending_count = 0;
    if (count == 0 || merge->options->task->partition_done)
        return NULL;
    barks_status *status =
        batch_gather(merge->output, merge->rows, merge->pending, count, BATCH_LEND);
    if (status == NULL)
        status = merge->visit(merge->context, merge->output);
    batch_clear(merge->output);
    return status;
}

/* Leaves what is used up behind. */
BARKS_CHECKED static barks_status *move_together(struct merge *merge)
{
    BARKS_TRY(give_pending(merge));
    for (uint32_t i = 0; i < merge->head_count; i++) {
        struct head *head = &merge->heads[i];
        uint32_t at = merge->spare->base.row_count, count = head->end - head->row;
        BARKS_TRY(batch_append(merge->spare, merge->rows, head->row, count, BATCH_KEEP));
        head->row = at;
        head->end = at + count;
    }
    struct batch *rows = merge->rows;
    merge->rows = merge->spare;
    merge->spare = rows;
    batch_clear(rows);
    row_comparer_drop(&merge->comparer);
    return row_comparer_init(&merge->comparer, merge->options->task, &merge->options->order,
                             &merge->rows->base);
}

static uint32_t live_rows(const struct merge *merge)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < merge->head_count; i++)
        count += merge->heads[i].end - merge->heads[i].row;
    return count;
}

/* The next piece of a run; at its end it has none. */
BARKS_CHECKED static barks_status *refill(struct merge *merge, struct head *head)
{
    uint32_t piece = head->next_piece;
    if (piece == head->run->piece_count)
        return NULL;
    if (merge->rows->base.row_count > 2 * live_rows(merge) + ROWS_SPARE)
        BARKS_TRY(move_together(merge));
    head->row = merge->rows->base.row_count;
    BARKS_TRY(row_run_read(head->run, piece, merge->rows));
    row_run_forget(head->run, piece);
    head->next_piece++;
    head->end = merge->rows->base.row_count;
    return NULL;
}

BARKS_CHECKED static barks_status *merge_all(struct merge *merge)
{
    for (uint32_t i = 0; i < merge->head_count; i++) {
        BARKS_TRY(refill(merge, &merge->heads[i]));
        if (merge->heads[i].row < merge->heads[i].end)
            merge->heap[merge->heap_count++] = i;
    }
    BARKS_TRY(make_heap(merge));
    while (merge->heap_count > 0 && !merge->options->task->partition_done) {
        struct head *head = &merge->heads[merge->heap[0]];
        merge->pending[merge->pending_count++] = head->row++;
        if (merge->pending_count == BATCH_ROWS)
            BARKS_TRY(give_pending(merge));
        if (head->row == head->end)
            BARKS_TRY(refill(merge, head));
        if (head->row == head->end)
            merge->heap[0] = merge->heap[--merge->heap_count];
        BARKS_TRY(sift_down(merge, 0));
    }
    return give_pending(merge);
}

/* At most MERGE_RUNS_MAX runs, which are empty at the end. */
BARKS_CHECKED static barks_status *
merge_few(const struct row_merge_options *options, struct row_run *runs, uint32_t run_count,
          barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    struct merge *merge = calloc(1, sizeof *merge);
    if (merge == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to merge %u runs of rows", run_count);
    struct pool *pool = options->task->services->pool;
    merge->options = options;
    merge->visit = visit;
    merge->context = context;
    for (uint32_t i = 0; i < run_count; i++)
        merge->heads[merge->head_count++].run = &runs[i];
    barks_status *status = batch_create(pool, options->schema, BATCH_ROWS, &merge->rows);
    if (status == NULL)
        status = batch_create(pool, options->schema, BATCH_ROWS, &merge->spare);
    if (status == NULL)
        status = batch_create(pool, options->schema, BATCH_ROWS, &merge->output);
    if (status == NULL)
        status =
            row_comparer_init(&merge->comparer, options->task, &options->order, &merge->rows->base);
    if (status == NULL)
        status = merge_all(merge);
    merge_drop(merge);
    return status;
}

/* ---- passes ---- */

static barks_status *add_to_run(void *context, struct batch *batch)
{
    return row_run_add(context, &batch->base, 0, batch->base.row_count);
}

/* Neighbouring runs become one, so that the order of runs stays. */
BARKS_CHECKED static barks_status *merge_pass(const struct row_merge_options *options,
                                              struct row_run *runs, uint32_t *run_count)
{
    uint32_t made = 0;
    for (uint32_t first = 0; first < *run_count; first += MERGE_RUNS_MAX, made++) {
        uint32_t left = *run_count - first;
        uint32_t count = left < MERGE_RUNS_MAX ? left : MERGE_RUNS_MAX;
        struct row_run merged = {.room = runs[first].room};
        barks_status *status = merge_few(options, runs + first, count, add_to_run, &merged);
        if (status != NULL) {
            row_run_drop(&merged);
            return status;
        }
        row_run_drop(&runs[made]);
        runs[made] = merged;
    }
    *run_count = made;
    return NULL;
}

barks_status *rows_merge(const struct row_merge_options *options, struct row_run *runs,
                         uint32_t run_count,
                         barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    barks_status *status = NULL;
    uint32_t count = run_count;
    while (count > MERGE_RUNS_MAX && status == NULL)
        status = merge_pass(options, runs, &count);
    if (status == NULL)
        status = merge_few(options, runs, count, visit, context);
    for (uint32_t i = 0; i < run_count; i++)
        row_run_clear(&runs[i]);
    return status;
}
