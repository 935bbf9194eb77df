#include "exec/match_merge.h"

#include "exec/row_merge.h"

#include <stdlib.h>

struct match_merge {
    const struct match_merge_options *options;
    enum join_kind kind;
    struct row_run *left_run;
    struct batch *left;  /* owned: the piece at hand */
    uint64_t left_first; /* the number of its first row */
    uint32_t next_piece;
    uint64_t row;       /* number of the left row that is next */
    bool is_matched;    /* it has met a partner */
    struct batch found; /* rows of the right at hand: those given, as columns of the right;
                           owned: its columns */
    uint32_t pair_count;
    uint32_t rows[2][BATCH_ROWS]; /* of left and found: pairs not given on yet */
};

static bool is_done(const struct match_merge *merge)
{
    return merge->options->task->partition_done;
}

/* found is NULL where none of the pairs has a right row. */
BARKS_CHECKED static barks_status *give_pairs(struct match_merge *merge, const struct batch *left,
                                              const struct batch *found)
{
    uint32_t count = merge->pair_count;
    merge->pair_count = 0;
    return pair_output_add(merge->options->pairs, left, merge->rows[0], found, merge->rows[1],
                           count);
}

static const struct batch *found_rows(const struct match_merge *merge)
{
    return merge->found.base.row_count > 0 ? &merge->found : NULL;
}

/* The piece that has the next left row. */
BARKS_CHECKED static barks_status *reach_row(struct match_merge *merge)
{
    while (merge->row - merge->left_first >= merge->left->base.row_count) {
        if (merge->next_piece == merge->left_run->piece_count)
            BARKS_FAIL(BARKS_INTERNAL, "a join has found more rows than it was given");
        BARKS_TRY(give_pairs(merge, merge->left, found_rows(merge)));
        BARKS_TRY(task_check_cancelled(merge->options->task));
        merge->left_first += merge->left->base.row_count;
        batch_clear(merge->left);
        BARKS_TRY(row_run_read(merge->left_run, merge->next_piece, merge->left));
        row_run_forget(merge->left_run, merge->next_piece++);
    }
    return NULL;
}

/* The next left row with one of found, or BARKS_NO_ROW. */
BARKS_CHECKED static barks_status *add_pair(struct match_merge *merge, uint32_t found)
{
    BARKS_TRY(reach_row(merge));
    merge->rows[0][merge->pair_count] = (uint32_t)(merge->row - merge->left_first);
    merge->rows[1][merge->pair_count++] = found;
    return merge->pair_count == BATCH_ROWS ? give_pairs(merge, merge->left, found_rows(merge))
                                           : NULL;
}

/* Left rows before number have no more partners. */
BARKS_CHECKED static barks_status *advance(struct match_merge *merge, uint64_t number)
{
    bool gives_unmatched =
        merge->kind == JOIN_LEFT || merge->kind == JOIN_FULL || merge->kind == JOIN_ANTI;
    for (; gives_unmatched && merge->row < number && !is_done(merge); merge->row++) {
        if (!merge->is_matched)
            BARKS_TRY(add_pair(merge, BARKS_NO_ROW));
        merge->is_matched = false;
    }
    if (merge->row < number)
        merge->is_matched = false;
    merge->row = number;
    return NULL;
}

/* Columns of the runs become those of the right; others have no values. */
static const int64_t *see_found(struct match_merge *merge, const struct batch *batch)
{
    const struct match_merge_options *options = merge->options;
    for (uint32_t i = 0; i < options->given_count; i++)
        merge->found.base.columns[options->given[i]] = batch->base.columns[i];
    merge->found.base.row_count = batch->base.row_count;
    merge->found.blocks = batch->blocks;
    merge->found.block_count = batch->block_count;
    return batch->base.columns[options->given_count].values;
}

static barks_status *pair_found(void *context, struct batch *batch)
{
    struct match_merge *merge = context;
    const int64_t *numbers = see_found(merge, batch);
    for (uint32_t k = 0; k < batch->base.row_count && !is_done(merge); k++) {
        BARKS_TRY(advance(merge, (uint64_t)numbers[k]));
        if (merge->kind == JOIN_SEMI && !merge->is_matched)
            BARKS_TRY(add_pair(merge, BARKS_NO_ROW));
        else if (merge->kind != JOIN_SEMI && merge->kind != JOIN_ANTI)
            BARKS_TRY(add_pair(merge, k));
        merge->is_matched = true;
    }
    barks_status *status = give_pairs(merge, merge->left, found_rows(merge));
    merge->found.base.row_count = 0;
    return status;
}

static barks_status *give_alone(void *context, struct batch *batch)
{
    struct match_merge *merge = context;
    see_found(merge, batch);
    for (uint32_t k = 0; k < batch->base.row_count && !is_done(merge); k++) {
        merge->rows[0][merge->pair_count] = BARKS_NO_ROW;
        merge->rows[1][merge->pair_count++] = k;
        if (merge->pair_count == BATCH_ROWS)
            BARKS_TRY(give_pairs(merge, NULL, &merge->found));
    }
    return give_pairs(merge, NULL, &merge->found);
}

BARKS_CHECKED static barks_status *merge_runs(struct match_merge *merge, struct match_runs *runs,
                                              barks_status *(*visit)(void *context,
                                                                     struct batch *batch))
{
    struct sort_key by_number = {.column = merge->options->given_count};
    struct row_merge_options options = {.task = merge->options->task,
                                        .schema = merge->options->found,
                                        .order = {.keys = &by_number, .key_count = 1}};
    struct row_merge *rows = NULL;
    if (runs->count == 0)
        return NULL;
    barks_status *status = row_merge_open(&options, runs->runs, runs->count, &rows);
    for (struct batch *batch = NULL; status == NULL && !is_done(merge);) {
        status = row_merge_next(rows, &batch);
        if (status != NULL || batch == NULL)
            break;
        status = visit(merge, batch);
    }
    row_merge_close(rows);
    return status;
}

BARKS_CHECKED static barks_status *merge_all(struct match_merge *merge, struct match_runs *matches,
                                             struct match_runs *alone)
{
    const struct match_merge_options *options = merge->options;
    BARKS_TRY(batch_create(options->task->services->pool, options->left, 0, &merge->left));
    merge->found.base.schema = options->right;
    merge->found.base.columns =
        calloc((size_t)options->right->field_count + 1, sizeof *merge->found.base.columns);
    if (merge->found.base.columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of a join");
    for (uint32_t i = 0; i < options->right->field_count; i++)
        merge->found.base.columns[i].type = options->right->fields[i].type;
    BARKS_TRY(merge_runs(merge, matches, pair_found));
    BARKS_TRY(advance(merge, merge->left_run->row_count));
    BARKS_TRY(give_pairs(merge, merge->left, NULL));
    return merge_runs(merge, alone, give_alone);
}

barks_status *matches_merge(const struct match_merge_options *options, struct row_run *left,
                            struct match_runs *matches, struct match_runs *alone)
{
    struct match_merge *merge = calloc(1, sizeof *merge);
    if (merge == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to put pairs in order");
    merge->options = options;
    merge->kind = (enum join_kind)options->node->step.numbers[0];
    merge->left_run = left;
    barks_status *status = merge_all(merge, matches, alone);
    row_run_clear(left);
    batch_destroy(merge->left);
    free(merge->found.base.columns);
    free(merge);
    return status;
}
