#include "exec/combine_piles.h"

#include "batch/row_bytes.h"
#include "exec/memory_parts.h"
#include "exec/memory_share.h"
#include "exec/operator.h"
#include "exec/piles.h"
#include "shuffle/combine.h"

#include <stdlib.h>

_Static_assert((int)PART_BITS == (int)PILE_BITS, "a part becomes a pile");

/* Slots past this do not stay in a second-level cache, or not for long, and each look-up waits for
 * memory. Rows are then worth dealing to parts first. */
static const uint64_t part_table_bytes = UINT64_C(4) << 20;

/* Rows wider than this would want much memory for batches of each part. */
enum { PART_ROW_BYTES_MAX = 64 };

struct dealt {
    struct parts parts; /* in memory, or */
    struct piles piles; /* on disk */
};

struct dealt_rows {
    bool is_on_disk;
    struct dealt accumulators; /* of the table when it went */
    struct dealt rows;         /* that came later */
    uint64_t *hashes;          /* owned: of a batch */
    uint32_t hash_capacity;
};

static void drop_dealt(struct dealt *dealt)
{
    parts_drop(&dealt->parts);
    piles_drop(&dealt->piles);
}

void combine_piles_drop(struct combine_piles *piles)
{
    if (piles->dealt == NULL)
        return;
    drop_dealt(&piles->dealt->accumulators);
    drop_dealt(&piles->dealt->rows);
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

/* A part on its way to disk. */
struct putting {
    struct piles *piles;
    uint32_t pile;
};

static barks_status *put_batch(void *context, struct batch *batch)
{
    struct putting *putting = context;
    return piles_put(putting->piles, putting->pile, batch);
}

BARKS_CHECKED static barks_status *put_parts(struct dealt *dealt)
{
    for (uint32_t part = 0; part < PART_COUNT; part++) {
        struct putting putting = {.piles = &dealt->piles, .pile = part};
        BARKS_TRY(parts_visit(&dealt->parts, part, put_batch, &putting));
    }
    return NULL;
}

/* What is dealt, and what will be, lies on disk from now on. */
BARKS_CHECKED static barks_status *go_to_disk(struct combine_piles *piles)
{
    const struct combine_piles_options *options = &piles->options;
    const struct spill_room *room = options->task->services->room;
    uint64_t share_bytes = memory_share_bytes(options->task);
    struct dealt_rows *dealt = piles->dealt;
    dealt->is_on_disk = true;
    piles_init(&dealt->accumulators.piles, room, options->accumulators, piles->level, share_bytes);
    piles_init(&dealt->rows.piles, room, options->rows, piles->level, share_bytes);
    BARKS_TRY(put_parts(&dealt->accumulators));
    return put_parts(&dealt->rows);
}

/* Of rows whose hashes are set. */
BARKS_CHECKED static barks_status *deal(struct combine_piles *piles, struct dealt *dealt,
                                        const struct batch *batch)
{
    const uint64_t *hashes = piles->dealt->hashes;
    if (!piles->dealt->is_on_disk) {
        barks_status *status = parts_add(&dealt->parts, batch, hashes);
        if (status == NULL || barks_status_code(status) != BARKS_LIMIT)
            return status;
        barks_status_free(status);
        BARKS_TRY(go_to_disk(piles));
    }
    return piles_add(&dealt->piles, batch, hashes);
}

BARKS_CHECKED static barks_status *deal_rows(struct combine_piles *piles, struct batch *batch)
{
    BARKS_TRY(reserve_hashes(piles->dealt, batch->base.row_count));
    combine_hash_rows(piles->options.table, &batch->base, piles->dealt->hashes);
    return deal(piles, &piles->dealt->rows, batch);
}

static barks_status *deal_accumulators(void *context, struct batch *batch)
{
    struct combine_piles *piles = context;
    BARKS_TRY(reserve_hashes(piles->dealt, batch->base.row_count));
    combine_hash_accumulators(piles->options.table, &batch->base, piles->dealt->hashes);
    return deal(piles, &piles->dealt->accumulators, batch);
}

BARKS_CHECKED static barks_status *begin_dealing(struct combine_piles *piles, bool is_on_disk)
{
    const struct combine_piles_options *options = &piles->options;
    struct pool *pool = options->task->services->pool;
    struct dealt_rows *dealt = calloc(1, sizeof *dealt);
    if (dealt == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for piles of rows");
    piles->dealt = dealt;
    parts_init(&dealt->accumulators.parts, pool, options->accumulators, piles->level);
    parts_init(&dealt->rows.parts, pool, options->rows, piles->level);
    if (is_on_disk)
        BARKS_TRY(go_to_disk(piles));
    BARKS_TRY(combine_drain(options->table, false, deal_accumulators, piles));
    return dealt->is_on_disk ? piles_flush(&dealt->accumulators.piles) : NULL;
}

/* One accumulator, or those of one hash, are not parted by dealing. */
static bool is_too_large(const struct combine_piles *piles, const struct batch *next)
{
    const struct combine *table = piles->options.table;
    return combine_row_count(table) > 1 && piles->level < PILE_LEVELS &&
           (combine_is_full(table) || !memory_claim(piles->options.task, next));
}

static bool has_small_rows(const barks_schema *schema)
{
    return !row_has_pointers(schema) && row_value_bytes(schema) <= PART_ROW_BYTES_MAX;
}

/* Rows that fit the share, and of which each has about a key of its own, are folded faster in parts
 * whose tables fit the processor's cache. */
static bool is_worth_parting(const struct combine_piles *piles, const struct batch *next)
{
    const struct combine_piles_options *options = &piles->options;
    return options->coming_bytes > 0 && piles->level < PILE_LEVELS &&
           combine_outgrows(options->table, part_table_bytes, next->base.row_count) &&
           options->coming_bytes <= memory_share_bytes(options->task) / 2 &&
           has_small_rows(options->rows) && has_small_rows(options->accumulators);
}

/* Of parts, which have become larger than rows were said to be, or find no room. */
static bool are_too_large(const struct combine_piles *piles, const struct batch *next)
{
    const struct dealt_rows *dealt = piles->dealt;
    return dealt->accumulators.parts.memory_bytes + dealt->rows.parts.memory_bytes >
               memory_share_bytes(piles->options.task) ||
           !memory_claim(piles->options.task, next);
}

BARKS_CHECKED static barks_status *look_at_table(struct combine_piles *piles,
                                                 const struct batch *next)
{
    if (piles->dealt == NULL && is_too_large(piles, next))
        return begin_dealing(piles, true);
    if (piles->dealt == NULL)
        return is_worth_parting(piles, next) ? begin_dealing(piles, false) : NULL;
    return !piles->dealt->is_on_disk && are_too_large(piles, next) ? go_to_disk(piles) : NULL;
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
        return operator_fail_at_row(options->task, status,
                                    &(struct failed_row){.function = options->function,
                                                         .site = options->node->where,
                                                         .batch = &batch->base,
                                                         .row = row});
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
    BARKS_TRY(task_check_cancelled(piles->options.task));
    barks_status *status = load(piles, batch);
    memory_unclaim(piles->options.task);
    return status;
}

static barks_status *read_rows(void *context, struct batch *batch)
{
    struct combine_piles *piles = context;
    BARKS_TRY(task_check_cancelled(piles->options.task));
    return combine_piles_add(piles, batch);
}

/* ---- giving on ---- */

/* All rows, or accumulators, of one pile or part. */
BARKS_CHECKED static barks_status *
visit_pile(const struct combine_piles *piles, struct dealt *dealt, const barks_schema *schema,
           uint32_t pile, barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    return piles->dealt->is_on_disk
               ? row_run_visit(&dealt->piles.runs[pile], schema, true, visit, context)
               : parts_visit(&dealt->parts, pile, visit, context);
}

BARKS_CHECKED static barks_status *
give_pile(struct combine_piles *piles, uint32_t pile,
          barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    const struct combine_piles_options *options = &piles->options;
    struct combine_piles part = {
        .options = *options, .partition = piles->partition, .level = piles->level + 1};
    combine_begin_part(options->table, part.level * PILE_BITS);
    barks_status *status = visit_pile(piles, &piles->dealt->accumulators, options->accumulators,
                                      pile, read_accumulators, &part);
    if (status == NULL)
        status = visit_pile(piles, &piles->dealt->rows, options->rows, pile, read_rows, &part);
    if (status == NULL)
        status = combine_piles_give(&part, visit, context);
    combine_piles_drop(&part);
    return status;
}

BARKS_CHECKED static barks_status *flush(struct dealt_rows *dealt)
{
    if (!dealt->is_on_disk)
        return NULL;
    BARKS_TRY(piles_flush(&dealt->accumulators.piles));
    return piles_flush(&dealt->rows.piles);
}

barks_status *combine_piles_give(struct combine_piles *piles,
                                 barks_status *(*visit)(void *context, struct batch *batch),
                                 void *context)
{
    if (piles->dealt == NULL)
        return combine_drain(piles->options.table, true, visit, context);
    barks_status *status = flush(piles->dealt);
    for (uint32_t pile = 0; status == NULL && pile < PILE_COUNT; pile++)
        if (!piles->options.task->partition_done)
            status = give_pile(piles, pile, visit, context);
    if (status == NULL)
        combine_begin_part(piles->options.table, piles->level * PILE_BITS);
    combine_piles_drop(piles);
    return status;
}
