#include "exec/pile_join.h"

#include "base/pool.h"
#include "batch/gather_columns.h"
#include "exec/join_table.h"
#include "exec/run_pieces.h"

#include <stdlib.h>
#include <string.h>

struct pile_join {
    const struct pile_join_options *options;
    const struct index_list *right_keys;
    struct index_list left_keys; /* owned: 0, 1, ... */
    struct match_runs *matches, *alone;
    struct batch *block;     /* owned: right rows that are looked up in */
    struct join_table table; /* of the block */
    uint64_t *is_matched;    /* a bit for each row of the block; from the pool; or NULL */
    size_t is_matched_bytes;
    uint32_t *first_match; /* owned: room for BATCH_ROWS rows */
    struct batch *output;  /* owned */
    struct row_run *run;   /* that is written to */
    uint32_t pending_count;
    uint32_t rows[BATCH_ROWS]; /* of the block, that are written next */
    int64_t numbers[BATCH_ROWS];
    uint64_t hashes[BATCH_ROWS]; /* of rows that are dealt: pieces of piles have no more */
};

static struct pool *pool_of(const struct pile_join *join)
{
    return join->options->task->services->pool;
}

static bool is_alone(const struct pile_join *join) /* the left, in the result */
{
    int64_t kind = join->options->node->step.numbers[0];
    return kind == JOIN_SEMI || kind == JOIN_ANTI;
}

static bool keeps_right(const struct pile_join *join)
{
    int64_t kind = join->options->node->step.numbers[0];
    return kind == JOIN_RIGHT || kind == JOIN_FULL;
}

void pile_hashes(const barks_batch *batch, const uint32_t *keys, uint32_t key_count,
                 uint64_t *out_hashes)
{
    batch_hash(batch, keys, key_count, out_hashes);
    for (uint32_t i = 0; i < batch->row_count; i++)
        out_hashes[i] = table_hash_number(out_hashes[i]);
}

/* ---- runs ---- */

void match_runs_drop(struct match_runs *runs)
{
    for (uint32_t i = 0; i < runs->count; i++)
        row_run_drop(&runs->runs[i]);
    free(runs->runs);
    *runs = (struct match_runs){0};
}

/* What is written from now on goes to a new run. */
BARKS_CHECKED static barks_status *begin_run(struct pile_join *join, struct match_runs *runs)
{
    if (runs->count == runs->capacity) {
        uint32_t capacity = 2 * runs->capacity + 8;
        struct row_run *more = realloc(runs->runs, capacity * sizeof *more);
        if (more == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %u runs of rows", capacity);
        runs->runs = more;
        runs->capacity = capacity;
    }
    join->run = &runs->runs[runs->count++];
    *join->run = (struct row_run){.room = join->options->task->services->room};
    return NULL;
}

BARKS_CHECKED static barks_status *write_pending(struct pile_join *join)
{
    const struct pile_join_options *options = join->options;
    struct batch *output = join->output;
    uint32_t count = join->pending_count;
    join->pending_count = 0;
    BARKS_TRY(columns_gather(output, NULL, join->block, options->given, options->given_count,
                             join->rows, count));
    memcpy(output->base.columns[options->given_count].values, join->numbers,
           count * sizeof join->numbers[0]);
    output->base.row_count = count;
    barks_status *status = run_add_pieces(join->run, &output->base, options->share_bytes);
    batch_clear(output);
    return status;
}

BARKS_CHECKED static inline barks_status *write_row(struct pile_join *join, uint32_t row,
                                                    int64_t number)
{
    join->rows[join->pending_count] = row;
    join->numbers[join->pending_count++] = number;
    return join->pending_count == BATCH_ROWS ? write_pending(join) : NULL;
}

/* ---- a block of the right against the left ---- */

static barks_status *find_matches(void *context, struct batch *left)
{
    struct pile_join *join = context;
    const struct index_list *keys = &join->left_keys;
    const int64_t *numbers = numbered_rows_numbers(join->options->left, left);
    BARKS_TRY(task_check_cancelled(join->options->task));
    join_table_find(&join->table, &left->base, keys->items, join->first_match);
    for (uint32_t row = 0; row < left->base.row_count; row++)
        for (uint32_t match = join->first_match[row]; match != BARKS_NO_ROW;
             match = join_table_next(&join->table, match)) {
            if (join->is_matched != NULL)
                join->is_matched[match / 64] |= UINT64_C(1) << match % 64;
            BARKS_TRY(write_row(join, match, numbers[row]));
            if (is_alone(join))
                break;
        }
    return NULL;
}

BARKS_CHECKED static barks_status *write_unmatched(struct pile_join *join)
{
    const int64_t *numbers = numbered_rows_numbers(join->options->right, join->block);
    BARKS_TRY(begin_run(join, join->alone));
    for (uint32_t row = 0; row < join->block->base.row_count; row++)
        if (((join->is_matched[row / 64] >> row % 64) & 1) == 0)
            BARKS_TRY(write_row(join, row, numbers[row]));
    return write_pending(join);
}

static void forget_table(struct pile_join *join)
{
    join_table_drop(&join->table);
    if (join->is_matched != NULL)
        pool_release(pool_of(join), join->is_matched, join->is_matched_bytes);
    join->is_matched = NULL;
}

BARKS_CHECKED static barks_status *make_table(struct pile_join *join)
{
    void *memory = NULL;
    BARKS_TRY(join_table_build(&join->table, pool_of(join), join->block, join->right_keys->items,
                               join->right_keys->count));
    if (!keeps_right(join))
        return NULL;
    join->is_matched_bytes = ((size_t)join->block->base.row_count / 64 + 1) * sizeof(uint64_t);
    BARKS_TRY(pool_acquire_zeroed(pool_of(join), join->is_matched_bytes, &memory));
    join->is_matched = memory;
    return NULL;
}

BARKS_CHECKED static barks_status *join_block(struct pile_join *join, struct row_run *left)
{
    const struct pile_join_options *options = join->options;
    BARKS_TRY(begin_run(join, join->matches));
    BARKS_TRY(row_run_visit(left, &options->left->schema, false, find_matches, join));
    BARKS_TRY(write_pending(join));
    return keeps_right(join) ? write_unmatched(join) : NULL;
}

/* ---- blocks ---- */

/* Gives its memory back too. */
BARKS_CHECKED static barks_status *empty_block(struct pile_join *join)
{
    forget_table(join);
    batch_destroy(join->block);
    join->block = NULL;
    return batch_create(pool_of(join), &join->options->right->schema, 0, &join->block);
}

static uint64_t block_bytes(const struct pile_join *join)
{
    return batch_memory_bytes(join->block) +
           (uint64_t)join->block->base.row_count * JOIN_TABLE_ROW_BYTES;
}

/* Frees *status where it is one of memory, and less would do. */
static bool is_too_much(barks_status **status, bool is_least)
{
    if (*status == NULL || barks_status_code(*status) != BARKS_LIMIT || is_least)
        return false;
    barks_status_free(*status);
    *status = NULL;
    return true;
}

/* As many pieces as fit the share, at least one and at most pieces_max of them, from first on. */
BARKS_CHECKED static barks_status *load_block(struct pile_join *join, const struct row_run *right,
                                              uint32_t first, uint32_t pieces_max,
                                              uint32_t *out_end)
{
    BARKS_TRY(empty_block(join));
    uint32_t end = first;
    while (end < right->piece_count && end - first < pieces_max &&
           (end == first || block_bytes(join) < join->options->share_bytes)) {
        barks_status *status = row_run_read(right, end, join->block);
        if (is_too_much(&status, end == first))
            break;
        BARKS_TRY(status);
        end++;
    }
    *out_end = end;
    return NULL;
}

/* A block that is loaded, and its table; where there is no memory for that, a smaller one. */
BARKS_CHECKED static barks_status *
prepare_block(struct pile_join *join, const struct row_run *right, uint32_t first, uint32_t *end)
{
    for (;;) {
        barks_status *status = make_table(join);
        if (!is_too_much(&status, *end - first <= 1))
            return status;
        BARKS_TRY(load_block(join, right, first, (*end - first) / 2, end));
    }
}

/* end: of the first block, which is loaded. */
BARKS_CHECKED static barks_status *join_blocks(struct pile_join *join, struct row_run *left,
                                               struct row_run *right, uint32_t end)
{
    for (uint32_t first = 0;;) {
        BARKS_TRY(prepare_block(join, right, first, &end));
        BARKS_TRY(join_block(join, left));
        for (; first < end; first++)
            row_run_forget(right, first);
        if (first == right->piece_count || join->options->task->partition_done)
            return NULL;
        BARKS_TRY(load_block(join, right, first, UINT32_MAX, &end));
    }
}

/* ---- piles ---- */

struct dealing {
    struct pile_join *join;
    struct piles *piles;
    const struct index_list *keys;
};

static barks_status *deal_batch(void *context, struct batch *batch)
{
    const struct dealing *dealing = context;
    uint64_t *hashes = dealing->join->hashes;
    BARKS_TRY(task_check_cancelled(dealing->join->options->task));
    pile_hashes(&batch->base, dealing->keys->items, dealing->keys->count, hashes);
    return piles_add(dealing->piles, batch, hashes);
}

BARKS_CHECKED static barks_status *deal(struct pile_join *join, struct row_run *run,
                                        const barks_schema *schema, const struct index_list *keys,
                                        struct piles *piles)
{
    struct dealing dealing = {join, piles, keys};
    BARKS_TRY(row_run_visit(run, schema, true, deal_batch, &dealing));
    return piles_flush(piles);
}

BARKS_CHECKED static barks_status *join_pile(struct pile_join *join, struct row_run *left,
                                             struct row_run *right, uint32_t level,
                                             uint64_t count_before);

struct dealt {
    struct piles left, right;
};

BARKS_CHECKED static barks_status *join_dealt(struct pile_join *join, struct dealt *dealt,
                                              struct row_run *left, struct row_run *right,
                                              uint32_t level)
{
    const struct pile_join_options *options = join->options;
    const struct spill_room *room = options->task->services->room;
    uint64_t right_count = right->row_count;
    barks_status *status = NULL;
    piles_init(&dealt->left, room, &options->left->schema, level, options->share_bytes);
    piles_init(&dealt->right, room, &options->right->schema, level, options->share_bytes);
    BARKS_TRY(deal(join, right, &options->right->schema, join->right_keys, &dealt->right));
    BARKS_TRY(deal(join, left, &options->left->schema, &join->left_keys, &dealt->left));
    for (uint32_t pile = 0; pile < PILE_COUNT && status == NULL; pile++)
        status = join_pile(join, &dealt->left.runs[pile], &dealt->right.runs[pile], level + 1,
                           right_count);
    return status;
}

/* Recursive: each level has fewer bits left, and its frames are small. */
BARKS_CHECKED static barks_status *deal_again(struct pile_join *join, struct row_run *left,
                                              struct row_run *right, uint32_t level)
{
    struct dealt *dealt = calloc(1, sizeof *dealt);
    if (dealt == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to deal rows to piles");
    barks_status *status = empty_block(join);
    if (status == NULL)
        status = join_dealt(join, dealt, left, right, level);
    piles_drop(&dealt->left);
    piles_drop(&dealt->right);
    free(dealt);
    return status;
}

/* count_before: right rows of the piles that this is one of. */
barks_status *join_pile(struct pile_join *join, struct row_run *left, struct row_run *right,
                        uint32_t level, uint64_t count_before)
{
    uint32_t end = 0;
    bool is_wanted = right->row_count > 0 && (left->row_count > 0 || keeps_right(join)) &&
                     !join->options->task->partition_done;
    barks_status *status = is_wanted ? load_block(join, right, 0, UINT32_MAX, &end) : NULL;
    bool has_many_keys = right->row_count < count_before - count_before / 8;
    if (is_wanted && status == NULL)
        status = end < right->piece_count && has_many_keys && level < PILE_LEVELS
                     ? deal_again(join, left, right, level)
                     : join_blocks(join, left, right, end);
    row_run_clear(left);
    row_run_clear(right);
    return status;
}

static void pile_join_drop(struct pile_join *join)
{
    forget_table(join);
    batch_destroy(join->block);
    batch_destroy(join->output);
    index_list_drop(&join->left_keys);
    free(join->first_match);
    free(join);
}

BARKS_CHECKED static barks_status *prepare(struct pile_join *join)
{
    uint32_t key_count = join->right_keys->count;
    join->first_match = calloc(BATCH_ROWS, sizeof *join->first_match);
    join->left_keys.items = calloc(key_count, sizeof *join->left_keys.items);
    if (join->first_match == NULL || join->left_keys.items == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to join piles");
    for (uint32_t i = 0; i < key_count; i++)
        join->left_keys.items[i] = i;
    join->left_keys.count = key_count;
    return batch_create(pool_of(join), join->options->found, BATCH_ROWS, &join->output);
}

barks_status *piles_join(const struct pile_join_options *options, struct piles *left,
                         struct piles *right, uint64_t right_count, struct match_runs *matches,
                         struct match_runs *alone)
{
    struct pile_join *join = calloc(1, sizeof *join);
    if (join == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to join piles");
    join->options = options;
    join->right_keys = &options->node->step.keys[1];
    join->matches = matches;
    join->alone = alone;
    barks_status *status = prepare(join);
    for (uint32_t pile = 0; pile < PILE_COUNT && status == NULL; pile++)
        status =
            join_pile(join, &left->runs[pile], &right->runs[pile], left->level + 1, right_count);
    pile_join_drop(join);
    return status;
}
