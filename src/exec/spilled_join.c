#include "exec/spilled_join.h"

#include "exec/match_merge.h"
#include "exec/memory_share.h"
#include "exec/run_pieces.h"

#include <stdlib.h>

/* One input. */
struct side {
    struct numbered_rows numbered;
    struct index_list keys; /* of the numbered rows; owned */
    struct piles piles;
};

struct spilled_join {
    struct task *task; /* borrowed, as the next two */
    const struct pipe_node *node;
    struct pair_output *pairs;
    uint64_t share_bytes;
    struct side sides[2];
    struct row_run left; /* all of it, in order */
    uint64_t *hashes;    /* owned: room for hash_capacity rows */
    uint32_t hash_capacity;
    struct index_list given;    /* columns of the right that pairs are made of; owned */
    struct numbered_rows found; /* owned: the schema of these, and a number */
};

static const barks_schema *schema_of(const struct spilled_join *join, uint32_t side)
{
    return join->pairs->none[side]->base.schema;
}

/* ---- making it ---- */

static void mark(bool *is_given, const uint32_t *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        is_given[columns[i]] = true;
}

/* What pairs are made of: pair.h. */
static void mark_given(const struct spilled_join *join, bool *is_given)
{
    const struct step *step = &join->node->step;
    if (step->numbers[0] == JOIN_SEMI || step->numbers[0] == JOIN_ANTI)
        return;
    if (step->function != NULL) {
        mark(is_given, join->pairs->bind[1], step->function->inputs[1]->schema.field_count);
        return;
    }
    mark(is_given, step->columns[1].items, step->columns[1].count);
    if (step->numbers[0] == JOIN_RIGHT || step->numbers[0] == JOIN_FULL)
        mark(is_given, step->keys[1].items, step->keys[1].count);
}

BARKS_CHECKED static barks_status *choose_given(struct spilled_join *join)
{
    uint32_t field_count = schema_of(join, 1)->field_count;
    bool *is_given = calloc((size_t)field_count + 1, sizeof *is_given);
    join->given.items = calloc((size_t)field_count + 1, sizeof *join->given.items);
    if (is_given == NULL || join->given.items == NULL) {
        free(is_given);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of a join");
    }
    mark_given(join, is_given);
    for (uint32_t i = 0; i < field_count; i++)
        if (is_given[i])
            join->given.items[join->given.count++] = i;
    free(is_given);
    return numbered_rows_init(&join->found, schema_of(join, 1), join->given.items,
                              join->given.count);
}

/* columns: of the input, which are dealt; NULL: the first count ones. */
BARKS_CHECKED static barks_status *begin_side(struct spilled_join *join, uint32_t index,
                                              const struct index_list *columns,
                                              const struct index_list *keys)
{
    struct side *side = &join->sides[index];
    BARKS_TRY(index_list_copy(keys->items, keys->count, &side->keys));
    BARKS_TRY(numbered_rows_init(&side->numbered, schema_of(join, index), columns->items,
                                 columns->count));
    piles_init(&side->piles, join->task->services->room, &side->numbered.schema, 0,
               join->share_bytes);
    return NULL;
}

/* Of the left its keys, of the right all columns, where they are. */
BARKS_CHECKED static barks_status *begin_sides(struct spilled_join *join)
{
    const struct step *step = &join->node->step;
    uint32_t right_count = schema_of(join, 1)->field_count, key_count = step->keys[0].count;
    uint32_t count = right_count > key_count ? right_count : key_count;
    struct index_list all = {.items = calloc((size_t)count + 1, sizeof *all.items)};
    if (all.items == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of a join");
    for (uint32_t i = 0; i < count; i++)
        all.items[i] = i;
    all.count = key_count;
    barks_status *status = begin_side(join, 0, &step->keys[0], &all);
    all.count = right_count;
    if (status == NULL)
        status = begin_side(join, 1, &all, &step->keys[1]);
    index_list_drop(&all);
    return status;
}

barks_status *spilled_join_create(struct task *task, const struct pipe_node *node,
                                  struct pair_output *pairs, struct spilled_join **out)
{
    struct spilled_join *join = calloc(1, sizeof *join);
    if (join == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a join");
    join->task = task;
    join->node = node;
    join->pairs = pairs;
    join->share_bytes = memory_share_bytes(task);
    join->left = (struct row_run){.room = task->services->room};
    barks_status *status = begin_sides(join);
    if (status == NULL)
        status = choose_given(join);
    if (status != NULL) {
        spilled_join_destroy(join);
        return status;
    }
    *out = join;
    return NULL;
}

void spilled_join_destroy(struct spilled_join *join)
{
    if (join == NULL)
        return;
    for (uint32_t i = 0; i < 2; i++) {
        piles_drop(&join->sides[i].piles);
        numbered_rows_drop(&join->sides[i].numbered);
        index_list_drop(&join->sides[i].keys);
    }
    row_run_drop(&join->left);
    free(join->hashes);
    index_list_drop(&join->given);
    numbered_rows_drop(&join->found);
    free(join);
}

/* ---- rows ---- */

BARKS_CHECKED static barks_status *reserve_hashes(struct spilled_join *join, uint32_t row_count)
{
    if (row_count <= join->hash_capacity)
        return NULL;
    uint64_t *hashes = realloc(join->hashes, row_count * sizeof *hashes);
    if (hashes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the keys of %u rows", row_count);
    join->hashes = hashes;
    join->hash_capacity = row_count;
    return NULL;
}

BARKS_CHECKED static barks_status *deal(struct spilled_join *join, struct side *side,
                                        const struct batch *batch)
{
    const struct batch *view = NULL;
    BARKS_TRY(reserve_hashes(join, batch->base.row_count));
    BARKS_TRY(numbered_rows_see(&side->numbered, batch, &view));
    pile_hashes(&view->base, side->keys.items, side->keys.count, join->hashes);
    return piles_add(&side->piles, view, join->hashes);
}

barks_status *spilled_join_add_right(struct spilled_join *join, const struct batch *batch)
{
    return deal(join, &join->sides[1], batch);
}

barks_status *spilled_join_add_left(struct spilled_join *join, const struct batch *batch)
{
    if (join->left.row_count == 0)
        BARKS_TRY(
            piles_flush(&join->sides[1].piles)); /* the right is complete: room for the left */
    if (batch->base.row_count == 0)
        return NULL;
    BARKS_TRY(deal(join, &join->sides[0], batch));
    return run_add_pieces(&join->left, &batch->base, join->share_bytes);
}

/* ---- pairs ---- */

BARKS_CHECKED static barks_status *
find_matches(struct spilled_join *join, struct match_runs *matches, struct match_runs *alone)
{
    struct pile_join_options options = {.task = join->task,
                                        .node = join->node,
                                        .share_bytes = join->share_bytes,
                                        .left = &join->sides[0].numbered,
                                        .right = &join->sides[1].numbered,
                                        .given = join->given.items,
                                        .given_count = join->given.count,
                                        .found = &join->found.schema};
    for (uint32_t i = 0; i < 2; i++)
        BARKS_TRY(piles_flush(&join->sides[i].piles));
    return piles_join(&options, &join->sides[0].piles, &join->sides[1].piles,
                      join->sides[1].numbered.row_count, matches, alone);
}

BARKS_CHECKED static barks_status *merge(struct spilled_join *join, struct match_runs *matches,
                                         struct match_runs *alone)
{
    struct match_merge_options options = {.task = join->task,
                                          .node = join->node,
                                          .pairs = join->pairs,
                                          .left = schema_of(join, 0),
                                          .right = schema_of(join, 1),
                                          .given = join->given.items,
                                          .given_count = join->given.count,
                                          .found = &join->found.schema};
    return matches_merge(&options, &join->left, matches, alone);
}

barks_status *spilled_join_give(struct spilled_join *join)
{
    struct match_runs matches = {0}, alone = {0};
    barks_status *status = find_matches(join, &matches, &alone);
    if (status == NULL)
        status = merge(join, &matches, &alone);
    match_runs_drop(&matches);
    match_runs_drop(&alone);
    return status;
}
