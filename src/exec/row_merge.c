/* The pieces that are being read lie one behind the other in one batch, so that rows are compared
 * by their places in it, whether the order is one of columns or of a function. A heap has the first
 * row of each run. Source: Knuth, "The Art of Computer Programming", volume 3, 5.4.1. */
#include "exec/row_merge.h"

#include "exec/operator.h"

#include <stdlib.h>

enum { ROWS_SPARE = 16 }; /* used ones that may lie about even where few wait: they may be wide */
#define PIECE_BYTES_MIN (UINT64_C(64) << 10)
#define PIECE_BYTES_MAX (UINT64_C(1) << 20)

/* A place in a run. */
struct run_place {
    uint32_t piece, row;
};

/* Where a run stands. */
struct head {
    struct row_run *run;
    uint32_t next_piece;
    uint32_t row, end;      /* of the piece at hand, in merge.rows */
    uint32_t piece_rows;    /* how many it has */
    struct run_place begin; /* of the batch that was given last */
    struct run_place mark;
    uint32_t kept_from; /* pieces before it have lost their disk space */
};

struct row_merge {
    const struct row_merge_options *options;
    struct row_comparer comparer;
    struct batch *rows;       /* the pieces at hand, and rows that are given on already */
    struct batch *spare;      /* for moving them together */
    struct batch *outputs[2]; /* that are given, in turn */
    uint32_t turn;
    struct head heads[MERGE_RUNS_MAX];
    uint32_t head_count;
    uint32_t heap[MERGE_RUNS_MAX]; /* heads that have rows */
    uint32_t heap_count;
    uint32_t pending[BATCH_ROWS]; /* rows to be given on, in order */
    uint32_t pending_count;
};

uint64_t row_merge_piece_bytes(uint64_t share_bytes)
{
    /* Twice: read back a piece takes more than encoded, and rows that are used up lie about. */
    uint64_t bytes = share_bytes / MERGE_RUNS_MAX / 4;
    return bytes < PIECE_BYTES_MIN   ? PIECE_BYTES_MIN
           : bytes > PIECE_BYTES_MAX ? PIECE_BYTES_MAX
                                     : bytes;
}

/* ---- the heap ---- */

/* Of two heads: by their rows, equal ones by the order of their runs. */
BARKS_CHECKED static barks_status *comes_first(const struct row_merge *merge, uint32_t a,
                                               uint32_t b, bool *out)
{
    bool is_turned = a > b;
    uint32_t first = is_turned ? b : a, second = is_turned ? a : b;
    BARKS_TRY(
        row_comparer_ask(&merge->comparer, merge->heads[first].row, merge->heads[second].row, out));
    *out = *out != is_turned;
    return NULL;
}

BARKS_CHECKED static barks_status *sift_down(struct row_merge *merge, uint32_t place)
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

BARKS_CHECKED static barks_status *make_heap(struct row_merge *merge)
{
    for (uint32_t place = merge->heap_count / 2; place > 0; place--)
        BARKS_TRY(sift_down(merge, place - 1));
    return NULL;
}

/* ---- places ---- */

static struct run_place place_of(const struct head *head)
{
    uint32_t left = head->end - head->row;
    return left > 0 ? (struct run_place){head->next_piece - 1, head->piece_rows - left}
                    : (struct run_place){head->next_piece, 0};
}

static void forget_before(struct head *head, uint32_t piece)
{
    for (; head->kept_from < piece; head->kept_from++)
        row_run_forget(head->run, head->kept_from);
}

void row_merge_mark(struct row_merge *merge)
{
    for (uint32_t i = 0; i < merge->head_count; i++) {
        struct head *head = &merge->heads[i];
        head->mark = head->begin;
        forget_before(head, head->mark.piece);
    }
}

/* ---- rows ---- */

/* The next piece of a run; at its end it has none. */
BARKS_CHECKED static barks_status *refill(struct row_merge *merge, struct head *head)
{
    uint32_t piece = head->next_piece;
    if (piece == head->run->piece_count)
        return NULL;
    head->row = merge->rows->base.row_count;
    BARKS_TRY(row_run_read(head->run, piece, merge->rows));
    head->next_piece++;
    head->end = merge->rows->base.row_count;
    head->piece_rows = head->end - head->row;
    if (!merge->options->is_rewound)
        forget_before(head, head->next_piece);
    return NULL;
}

/* From a place of each run on. */
BARKS_CHECKED static barks_status *begin_at_marks(struct row_merge *merge)
{
    merge->heap_count = 0;
    batch_clear(merge->rows);
    for (uint32_t i = 0; i < merge->head_count; i++) {
        struct head *head = &merge->heads[i];
        head->row = head->end = 0;
        head->next_piece = head->mark.piece;
        BARKS_TRY(refill(merge, head));
        head->row += head->mark.row;
        if (head->row < head->end)
            merge->heap[merge->heap_count++] = i;
    }
    return make_heap(merge);
}

/* More is used up than waits to be given on. */
static bool is_crowded(const struct row_merge *merge)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < merge->head_count; i++)
        live += merge->heads[i].end - merge->heads[i].row;
    return merge->rows->base.row_count > 2 * live + ROWS_SPARE;
}

/* Leaves what is used up behind. */
BARKS_CHECKED static barks_status *move_together(struct row_merge *merge)
{
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

/* The first row of all is to be given on; a batch ends early rather than keep many behind it. */
BARKS_CHECKED static barks_status *take_row(struct row_merge *merge, bool *out_is_whole)
{
    struct head *head = &merge->heads[merge->heap[0]];
    merge->pending[merge->pending_count++] = head->row++;
    *out_is_whole = merge->pending_count == BATCH_ROWS;
    if (head->row == head->end) {
        BARKS_TRY(refill(merge, head));
        *out_is_whole |= is_crowded(merge);
    }
    if (head->row == head->end)
        merge->heap[0] = merge->heap[--merge->heap_count];
    return sift_down(merge, 0);
}

BARKS_CHECKED static barks_status *merge_batch(struct row_merge *merge, struct batch *output)
{
    bool is_whole = false;
    if (is_crowded(merge))
        BARKS_TRY(move_together(merge));
    for (uint32_t i = 0; i < merge->head_count; i++)
        merge->heads[i].begin = place_of(&merge->heads[i]);
    merge->pending_count = 0;
    while (merge->heap_count > 0 && !is_whole)
        BARKS_TRY(take_row(merge, &is_whole));
    return batch_gather(output, merge->rows, merge->pending, merge->pending_count,
                        merge->options->is_rewound ? BATCH_KEEP : BATCH_LEND);
}

/* Of one run alone: a piece, as it is. */
BARKS_CHECKED static barks_status *read_piece(struct row_merge *merge, struct batch *output)
{
    struct head *head = &merge->heads[0];
    head->begin = (struct run_place){head->next_piece, 0};
    if (head->next_piece == head->run->piece_count)
        return NULL;
    BARKS_TRY(row_run_read(head->run, head->next_piece++, output));
    if (!merge->options->is_rewound)
        forget_before(head, head->next_piece);
    return NULL;
}

barks_status *row_merge_next(struct row_merge *merge, struct batch **out_batch)
{
    struct batch *output = merge->outputs[merge->turn];
    batch_clear(output);
    BARKS_TRY(merge->head_count == 1 ? read_piece(merge, output) : merge_batch(merge, output));
    *out_batch = output->base.row_count > 0 ? output : NULL;
    merge->turn = 1 - merge->turn;
    return NULL;
}

barks_status *row_merge_rewind(struct row_merge *merge)
{
    if (merge->head_count > 1)
        return begin_at_marks(merge);
    merge->heads[0].next_piece = merge->heads[0].mark.piece;
    return NULL;
}

/* ---- beginning and end ---- */

void row_merge_close(struct row_merge *merge)
{
    if (merge == NULL)
        return;
    row_comparer_drop(&merge->comparer);
    batch_destroy(merge->rows);
    batch_destroy(merge->spare);
    batch_destroy(merge->outputs[0]);
    batch_destroy(merge->outputs[1]);
    free(merge);
}

BARKS_CHECKED static barks_status *fill_merge(struct row_merge *merge)
{
    const struct row_merge_options *options = merge->options;
    struct pool *pool = options->task->services->pool;
    BARKS_TRY(batch_create(pool, options->schema, BATCH_ROWS, &merge->rows));
    BARKS_TRY(batch_create(pool, options->schema, BATCH_ROWS, &merge->spare));
    BARKS_TRY(batch_create(pool, options->schema, BATCH_ROWS, &merge->outputs[0]));
    BARKS_TRY(batch_create(pool, options->schema, BATCH_ROWS, &merge->outputs[1]));
    BARKS_TRY(
        row_comparer_init(&merge->comparer, options->task, &options->order, &merge->rows->base));
    return merge->head_count > 1 ? begin_at_marks(merge) : NULL;
}

/* Of at most MERGE_RUNS_MAX runs. */
BARKS_CHECKED static barks_status *open_few(const struct row_merge_options *options,
                                            struct row_run *runs, uint32_t run_count,
                                            struct row_merge **out_merge)
{
    struct row_merge *merge = calloc(1, sizeof *merge);
    if (merge == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to merge %u runs of rows", run_count);
    merge->options = options;
    for (uint32_t i = 0; i < run_count; i++)
        merge->heads[merge->head_count++].run = &runs[i];
    barks_status *status = fill_merge(merge);
    if (status != NULL) {
        row_merge_close(merge);
        return status;
    }
    *out_merge = merge;
    return NULL;
}

/* ---- passes ---- */

BARKS_CHECKED static barks_status *copy_rows(struct row_merge *merge, struct row_run *to)
{
    for (struct batch *batch = NULL;;) {
        BARKS_TRY(task_check_cancelled(merge->options->task));
        BARKS_TRY(row_merge_next(merge, &batch));
        if (batch == NULL)
            return NULL;
        BARKS_TRY(row_run_add(to, &batch->base, 0, batch->base.row_count));
    }
}

BARKS_CHECKED static barks_status *merge_few(const struct row_merge_options *options,
                                             struct row_run *runs, uint32_t run_count,
                                             struct row_run *to)
{
    struct row_merge *merge = NULL;
    barks_status *status = open_few(options, runs, run_count, &merge);
    if (status == NULL)
        status = copy_rows(merge, to);
    row_merge_close(merge);
    return status;
}

/* Neighbouring runs become one, so that the order of runs stays. */
BARKS_CHECKED static barks_status *merge_pass(const struct row_merge_options *options,
                                              struct row_run *runs, uint32_t *run_count)
{
    struct row_merge_options once = *options;
    uint32_t made = 0;
    once.is_rewound = false;
    for (uint32_t first = 0; first < *run_count; first += MERGE_RUNS_MAX, made++) {
        uint32_t left = *run_count - first;
        uint32_t count = left < MERGE_RUNS_MAX ? left : MERGE_RUNS_MAX;
        struct row_run merged = {.room = runs[first].room};
        barks_status *status = merge_few(&once, runs + first, count, &merged);
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

barks_status *row_merge_open(const struct row_merge_options *options, struct row_run *runs,
                             uint32_t run_count, struct row_merge **out_merge)
{
    uint32_t count = run_count;
    while (count > MERGE_RUNS_MAX)
        BARKS_TRY(merge_pass(options, runs, &count));
    return open_few(options, runs, count, out_merge);
}
