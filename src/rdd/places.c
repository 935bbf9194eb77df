/* Datasets by the place of their rows: counted, evened out, one behind the other, side by side. */
#include "rdd/places.h"

#include "base/copy.h"
#include "rdd/pairing.h"
#include "runtime/row_answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- counting ---- */

/* Whether each row of a step's output is one of its only input's, in its place. */
static bool keeps_places(const struct node *node)
{
    const struct step *step = &node->step;
    return step->kind == STEP_SORT || step->kind == STEP_PROJECT || step->kind == STEP_NUMBER ||
           step->kind == STEP_KEEP || step->kind == STEP_SCAN ||
           (step->kind == STEP_FUNCTION && step->function->kind == BARKS_KIND_MAP);
}

static uint64_t even_bound(uint64_t row_count, uint32_t i, uint32_t partition_count)
{
    return (uint64_t)((partition_product)row_count * i / partition_count);
}

/* The last entry of those that come with an exchange by place. */
static uint64_t rows_by_place(const struct node *node, uint32_t partition, const uint64_t *counts)
{
    size_t all = node->exchange.step.size_bytes / sizeof *counts;
    size_t bounds = all - node->partition_count;
    return partition < node->partition_count ? counts[bounds + partition] : counts[bounds - 1];
}

/* What the plan itself says of the rows' number. */
static bool find_known(const struct node *node, uint64_t *out_firsts)
{
    while (keeps_places(node) && node->row_firsts == NULL)
        node = node->inputs[0];
    uint32_t count = node->partition_count;
    bool is_array = node->step.kind == STEP_ROWS || node->step.kind == STEP_NUMBERS;
    bool is_placed = node_is_exchange(node) && node->exchange.kind == PARTITION_PLACE;
    if (node->row_firsts != NULL)
        memcpy(out_firsts, node->row_firsts, (count + (size_t)1) * sizeof *out_firsts);
    else if (is_array && count > 0)
        for (uint32_t i = 0; i <= count; i++)
            out_firsts[i] =
                even_bound(node->step.kind == STEP_ROWS ? node->rows->base.row_count
                                                        : (uint64_t)node->step.numbers[2],
                           i, count);
    else if (is_placed)
        for (uint32_t i = 0; i <= count; i++)
            out_firsts[i] =
                rows_by_place(node, i, (const uint64_t *)(const void *)node->exchange.step.bytes);
    else
        return count == 0;
    return true;
}

barks_status *places_know(barks_rdd *rdd, const char *action, const char *where,
                          const uint64_t **out_firsts)
{
    struct node *node = &rdd->node;
    if (node->row_firsts == NULL) {
        char what[256];
        uint64_t *firsts = calloc(node->partition_count + (size_t)1, sizeof *firsts);
        if (firsts == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory to count %" PRIu32 " partitions", where,
                       node->partition_count);
        snprintf(what, sizeof what, "%s at %s", action, where);
        barks_status *status = NULL;
        if (!find_known(node, firsts))
            status = answer_places(rdd->context, node, what, firsts);
        if (status != NULL) {
            free(firsts);
            return status;
        }
        node->row_firsts = firsts;
    }
    *out_firsts = node->row_firsts;
    return NULL;
}

/* ---- exchanges ---- */

/* step.bytes: firsts of the partitions that rows come from and their number, then bounds. */
BARKS_CHECKED static barks_status *fill_places(const barks_rdd *input, const uint64_t *firsts,
                                               const uint64_t *bounds, uint32_t partition_count,
                                               struct step *out)
{
    size_t first_bytes = (input->node.partition_count + (size_t)1) * sizeof *firsts;
    size_t bound_bytes = partition_count * sizeof *bounds;
    out->kind = STEP_NUMBER;
    BARKS_TRY(copy_bytes(NULL, first_bytes + bound_bytes, (void **)&out->bytes));
    memcpy(out->bytes, firsts, first_bytes);
    memcpy(out->bytes + first_bytes, bounds, bound_bytes);
    out->size_bytes = first_bytes + bound_bytes;
    return NULL;
}

barks_rdd *dataset_by_place(barks_rdd *input, const uint64_t *firsts, const uint64_t *bounds,
                            uint32_t partition_count, const char *where)
{
    barks_rdd *rdd = dataset_exchange(input, PARTITION_PLACE, partition_count, where);
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    barks_status *status =
        fill_places(input, firsts, bounds, partition_count, &rdd->node.exchange.step);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *dataset_by_index(barks_rdd *input, uint32_t column, uint64_t index_count,
                            uint32_t partition_count, const char *where)
{
    barks_rdd *rdd = dataset_exchange(input, PARTITION_INDEX, partition_count, where);
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    rdd->node.exchange.index_count = index_count;
    barks_status *status = index_list_copy(&column, 1, &rdd->node.exchange.keys);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

static barks_rdd *failed_places(barks_rdd *input, barks_status *status, const char *where)
{
    return dataset_fail(dataset_exchange(input, PARTITION_ONE, 1, where), status);
}

/* ---- as many rows for each ---- */

BARKS_CHECKED static barks_status *even_out(barks_rdd **input, uint32_t wanted, const char *action,
                                            const char *where)
{
    const uint64_t *firsts = NULL;
    uint32_t count = 0;
    BARKS_TRY(choose_partitions(*input, wanted, where, &count));
    BARKS_TRY(places_know(*input, action, where, &firsts));
    uint64_t *bounds = calloc(count + (size_t)1, sizeof *bounds);
    if (bounds == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for %" PRIu32 " partitions", where, count);
    for (uint32_t i = 0; i < count; i++)
        bounds[i] = even_bound(firsts[(*input)->node.partition_count], i, count);
    bool is_even = (*input)->node.partition_count == count &&
                   memcmp(firsts, bounds, count * sizeof *bounds) == 0;
    if (!is_even)
        *input = dataset_by_place(*input, firsts, bounds, count, where);
    free(bounds);
    return NULL;
}

barks_rdd *barks_rebalance_at(barks_rdd *input, uint32_t partition_count, const char *where)
{
    if (input->context == NULL || input->node.error != NULL)
        return input;
    barks_status *status = even_out(&input, partition_count, "rebalance", where);
    return status != NULL ? failed_places(input, status, where) : input;
}

barks_rdd *barks_concat_at(barks_rdd *const *rdds, size_t rdd_count, uint32_t partition_count,
                           const char *where)
{
    barks_rdd *all = dataset_chain(rdds, rdd_count, where);
    if (all->context == NULL || all->node.error != NULL)
        return all;
    barks_status *status = even_out(&all, partition_count, "concat", where);
    return status != NULL ? failed_places(all, status, where) : all;
}

/* ---- side by side ---- */

/* A dataset that is zipped, and the places of its partitions. */
struct zipped {
    barks_rdd *rdd;
    const uint64_t *firsts;
    uint64_t row_count;
};

/* Partitions that begin behind the last row that has a partner are left out. */
static void cut_partitions(struct zipped *side, uint64_t row_count, const char *where)
{
    uint32_t count = 0, all = side->rdd->node.partition_count;
    while (count < all && side->firsts[count] < row_count)
        count++;
    side->rdd = dataset_run_of(side->rdd, 0, count, where);
}

/* Moves the rows of a side to where the places of `leader` are, unless they are there. */
static void follow(struct zipped *side, const struct zipped *leader, const char *where)
{
    static const uint64_t whole[1] = {0};
    uint32_t count = leader->rdd->node.partition_count, own = side->rdd->node.partition_count;
    bool is_there = count > 0 && count == own &&
                    memcmp(side->firsts, leader->firsts, count * sizeof *side->firsts) == 0;
    if (!is_there)
        side->rdd = dataset_by_place(side->rdd, side->firsts, count > 0 ? leader->firsts : whole,
                                     count > 0 ? count : 1, where);
}

BARKS_CHECKED static barks_status *align_places(barks_rdd **sides, barks_zip_mode mode,
                                                const char *where)
{
    struct zipped zipped[2];
    for (int k = 0; k < 2; k++) {
        zipped[k] = (struct zipped){.rdd = sides[k]};
        BARKS_TRY(places_know(sides[k], "zip_align", where, &zipped[k].firsts));
        zipped[k].row_count = zipped[k].firsts[sides[k]->node.partition_count];
    }
    if (mode == BARKS_ZIP_EXACT && zipped[0].row_count != zipped[1].row_count)
        BARKS_FAIL(BARKS_INVALID,
                   "%s: zip_align: there are %" PRIu64 " rows on the left and %" PRIu64
                   " on the right; BARKS_ZIP_SHORTEST leaves out those without a partner, "
                   "BARKS_ZIP_LONGEST gives them nulls",
                   where, zipped[0].row_count, zipped[1].row_count);
    bool left_is_longer = zipped[0].row_count > zipped[1].row_count;
    bool left_leads =
        zipped[0].row_count == zipped[1].row_count || left_is_longer == (mode == BARKS_ZIP_LONGEST);
    struct zipped leader = zipped[left_leads ? 0 : 1], *other = &zipped[left_leads ? 1 : 0];
    if (mode == BARKS_ZIP_SHORTEST)
        cut_partitions(other, leader.row_count, where);
    for (int k = 0; k < 2; k++) {
        follow(&zipped[k], &leader, where);
        sides[k] = zipped[k].rdd;
    }
    return check_partition_counts(sides, 2, "zip_align", where);
}

barks_rdd *barks_zip_align_at(barks_rdd *left, barks_rdd *right, barks_zip_mode mode,
                              const barks_function *function, const void *env, const char *where)
{
    barks_rdd *sides[2] = {left, right};
    barks_status *status = NULL;
    bool are_sound = true;
    for (int k = 0; k < 2; k++)
        are_sound = are_sound && sides[k]->context != NULL && sides[k]->node.error == NULL;
    if (are_sound)
        status = align_places(sides, mode, where);
    barks_rdd *rdd =
        dataset_pair(sides, STEP_PAIR, mode == BARKS_ZIP_LONGEST, function, env, status, where);
    if (rdd->context != NULL)
        rdd->node.step.numbers[0] = mode;
    return rdd;
}
