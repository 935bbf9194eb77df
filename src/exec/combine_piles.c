#include "exec/combine_piles.h"

#include "exec/memory_share.h"
#include "exec/operator.h"
#include "exec/piles.h"
#include "shuffle/combine.h"

#include <stdlib.h>

struct dealt_rows {
    struct piles accumulators; /* of the table when it went */
    struct piles rows;         /* that came later */
    uint64_t *hashes;          /* owned: of a batch */
    uint32_t hash_capacity;
};

void combine_piles_drop(struct combine_piles *piles)
{
    if (piles->dealt == NULL)
        return;
    piles_drop(&piles->dealt->accumulators);
    piles_drop(&piles->dealt->rows);
    free(piles->dealt->hashes);
    free(piles->dealt);
    piles->dealt = NULL;
}

/* ---- dealing ---- */

BARKS_CHECKED static barks_status *reserve_hashes(struct dealt_rows *dealt, uint32_t row_count)
{
    if (row_count <= dealt->hash_capacity)
        return NULL;
    uint64_t *hashes = realloc(dealt->hashes, row_count * sizeof *hashes);
    if (hashes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the hashes of %u rows", row_count);
    dealt->hashes = hashes;
    dealt->hash_capacity = row_count;
    return NULL;
}

BARKS_CHECKED static barks_status *deal_rows(struct combine_piles *piles, struct batch *batch)
{
    BARKS_TRY(reserve_hashes(piles->dealt, batch->base.row_count));
    combine_hash_rows(piles->options.table, &batch->base, piles->dealt->hashes);
    return piles_add(&piles->dealt->rows, batch, piles->dealt->hashes);
}

static barks_status *deal_accumulators(void *context, struct batch *batch)
{
    struct combine_piles *piles = context;
    BARKS_TRY(reserve_hashes(piles->dealt, batch->base.row_count));
    combine_hash_accumulators(piles->options.table, &batch->base, piles->dealt->hashes);
    return piles_add(&piles->dealt->accumulators, batch, piles->dealt->hashes);
}

BARKS_CHECKED static barks_status *begin_dealing(struct combine_piles *piles)
{
    const struct combine_piles_options *options = &piles->options;
    const struct spill_room *room = options->task->services->room;
    uint64_t share_bytes = memory_share_bytes(options->task);
    piles->dealt = calloc(1, sizeof *piles->dealt);
    if (piles->dealt == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for piles of rows");
    piles_init(&piles->dealt->accumulators, room, options->accumulators, piles->level, share_bytes);
    piles_init(&piles->dealt->rows, room, options->rows, piles->level, share_bytes);
    BARKS_TRY(combine_drain(options->table, false, deal_accumulators, piles));
    return piles_flush(&piles->dealt->accumulators);
}

/* One accumulator, or those of one hash, are not parted by dealing. */
static bool is_too_large(const struct combine_piles *piles, const struct batch *next)
{
    const struct combine *table = piles->options.table;
    return combine_row_count(table) > 1 && piles->level < PILE_LEVELS &&
           (combine_is_full(table) || !memory_claim(piles->options.task, next));
}

BARKS_CHECKED static barks_status *look_at_table(struct combine_piles *piles,
                                                 const struct batch *next)
{
    return piles->dealt == NULL && is_too_large(piles, next) ? begin_dealing(piles) : NULL;
}

/* ---- rows and accumulators ---- */

static barks_status *fail_limit(const struct combine_piles *piles, barks_status *cause)
{
    const struct pipe_node *node = piles->options.node;
    if (cause != NULL && barks_status_code(cause) == BARKS_LIMIT &&
        combine_row_count(piles->options.table) == 1) /* no partition can be smaller */
        return barks_status_new(BARKS_LIMIT, cause, BARKS_HERE,
                                "%s at %s: what the rows of one key of partition %u become, which "
                                "is one value, needs more memory than its executor has; more "
                                "--barks-memory helps, or an aggregate that does not grow with its "
                                "rows",
                                pipe_node_name(node), node->where, piles->partition);
    return operator_fail_limit(piles->options.node, piles->partition, cause);
}

BARKS_CHECKED static barks_status *add(struct combine_piles *piles, struct batch *batch)
{
    const struct combine_piles_options *options = &piles->options;
    BARKS_TRY(look_at_table(piles, batch));
    if (piles->dealt != NULL)
        return deal_rows(piles, batch);
    uint32_t row = 0;
    barks_status *status = combine_add(options->table, batch, &row);
    if (status != NULL && barks_status_code(status) == BARKS_USER_ERROR)
        return operator_fail_at_row(options->task, status, options->function, &batch->base, row);
    return fail_limit(piles, status);
}

barks_status *combine_piles_add(struct combine_piles *piles, struct batch *batch)
{
    barks_status *status = add(piles, batch);
    memory_unclaim(piles->options.task);
    return status;
}

BARKS_CHECKED static barks_status *load(struct combine_piles *piles, struct batch *batch)
{
    BARKS_TRY(look_at_table(piles, batch));
    return piles->dealt != NULL ? deal_accumulators(piles, batch)
                                : fail_limit(piles, combine_load(piles->options.table, batch));
}

static barks_status *read_accumulators(void *context, struct batch *batch)
{
    struct combine_piles *piles = context;
    BARKS_TRY(source_check_cancelled(piles->options.task));
    barks_status *status = load(piles, batch);
    memory_unclaim(piles->options.task);
    return status;
}

static barks_status *read_rows(void *context, struct batch *batch)
{
    struct combine_piles *piles = context;
    BARKS_TRY(source_check_cancelled(piles->options.task));
    return combine_piles_add(piles, batch);
}

/* ---- giving on ---- */

BARKS_CHECKED static barks_status *
give_pile(struct combine_piles *piles, uint32_t pile,
          barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    const struct combine_piles_options *options = &piles->options;
    struct combine_piles part = {
        .options = *options, .partition = piles->partition, .level = piles->level + 1};
    combine_begin_part(options->table, part.level * PILE_BITS);
    barks_status *status = row_run_visit(&piles->dealt->accumulators.runs[pile],
                                         options->accumulators, true, read_accumulators, &part);
    if (status == NULL)
        status =
            row_run_visit(&piles->dealt->rows.runs[pile], options->rows, true, read_rows, &part);
    if (status == NULL)
        status = combine_piles_give(&part, visit, context);
    combine_piles_drop(&part);
    return status;
}

barks_status *combine_piles_give(struct combine_piles *piles,
                                 barks_status *(*visit)(void *context, struct batch *batch),
                                 void *context)
{
    if (piles->dealt == NULL)
        return combine_drain(piles->options.table, true, visit, context);
    barks_status *status = piles_flush(&piles->dealt->accumulators);
    if (status == NULL)
        status = piles_flush(&piles->dealt->rows);
    for (uint32_t pile = 0; status == NULL && pile < PILE_COUNT; pile++)
        if (!piles->options.task->partition_done)
            status = give_pile(piles, pile, visit, context);
    if (status == NULL)
        combine_begin_part(piles->options.table, piles->level * PILE_BITS);
    combine_piles_drop(piles);
    return status;
}
