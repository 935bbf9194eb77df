/* Some partitions of a dataset: named, or those that a range of keys may lie in. */
#include "batch/bind.h"
#include "rdd/dataset.h"
#include "runtime/preparing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- by number ---- */

/* numbers[0]: some partition is listed twice. */
BARKS_CHECKED static barks_status *fill_pick(barks_rdd *rdd, uint32_t input_count,
                                             const uint32_t *indices, uint32_t count,
                                             const char *where)
{
    bool *seen = calloc((size_t)input_count + 1, sizeof *seen);
    if (seen == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory to choose among %" PRIu32 " partitions", where,
                   input_count);
    barks_status *status = NULL;
    for (uint32_t i = 0; i < count && status == NULL; i++) {
        if (indices[i] >= input_count) {
            status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                      "%s: there is no partition %" PRIu32
                                      ": the dataset has %" PRIu32 ", numbered from 0",
                                      where, indices[i], input_count);
            break;
        }
        rdd->node.step.numbers[0] |= seen[indices[i]];
        seen[indices[i]] = true;
    }
    free(seen);
    return status != NULL ? status : index_list_copy(indices, count, &rdd->node.step.columns[0]);
}

barks_rdd *barks_only_partitions_at(barks_rdd *input, const uint32_t *indices, uint32_t count,
                                    const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_PICK, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = count;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_pick(rdd, input->node.partition_count, indices, count, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *dataset_run_of(barks_rdd *input, uint32_t first, uint32_t end, const char *where)
{
    uint32_t count = end > first ? end - first : 0;
    struct index_list run = {0};
    if (count == input->node.partition_count)
        return input;
    barks_status *status = index_list_copy(NULL, count, &run);
    for (uint32_t i = 0; i < count && status == NULL; i++)
        run.items[i] = first + i;
    barks_rdd *rdd = barks_only_partitions_at(input, run.items, status == NULL ? count : 0, where);
    index_list_drop(&run);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- by a range of keys ---- */

/* What is asked for. Steps of STEP_BOUND, or of no kind where that side is open. */
struct key_range {
    struct step low, high;
};

BARKS_CHECKED static barks_status *fill_bound(const barks_rdd *input, const barks_record *record,
                                              const void *bound, bool is_high, const char *where,
                                              struct step *out)
{
    struct index_list *keys = &out->keys[0];
    if (bound == NULL)
        return NULL;
    out->kind = STEP_BOUND;
    out->numbers[0] = is_high;
    BARKS_TRY(index_list_copy(NULL, record->schema.field_count, keys));
    BARKS_TRY(bind_columns(&input->node.record->schema, &record->schema, record->name, where,
                           keys->items));
    return step_set_initial(out, record, bound, input->context->pool);
}

/* The keys that a dataset is in ranges of, as far as they are those of the range and go one way:
 * what is between two bounds of the range is then between them here. Returns their number. */
static uint32_t shared_keys(const struct node *node, const struct index_list *keys)
{
    const struct partitioning *known = &node->partitioning;
    uint32_t count = 0;
    if (known->kind != PARTITIONED_RANGE)
        return 0;
    const struct sort_key *order = known->exchange->exchange.order;
    while (count < keys->count && count < known->fields.count &&
           keys->items[count] == known->fields.items[count]) {
        bool may_be_null = node->record->schema.fields[keys->items[count]].nullable;
        bool is_one_way = order[count].descending == order[0].descending &&
                          (!may_be_null || order[count].nulls_first == order[count].descending);
        if (!is_one_way)
            break;
        count++;
    }
    return count;
}

/* How many splitters come before the bound, or with_equal: before it or equal it, by the first
 * key_count keys. */
BARKS_CHECKED static barks_status *count_before(const struct exchange_plan *exchange,
                                                const struct step *bound, uint32_t key_count,
                                                bool with_equal, uint32_t *out_count)
{
    const barks_batch *splitters = &exchange->splitters->base;
    barks_column *columns = calloc((size_t)key_count + 1, sizeof *columns);
    struct sort_key *order = calloc((size_t)key_count + 1, sizeof *order);
    if (columns == NULL || order == NULL) {
        free(columns);
        free(order);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a range of keys");
    }
    for (uint32_t k = 0; k < key_count; k++) {
        columns[k] = splitters->columns[exchange->order[k].column];
        order[k] = exchange->order[k];
        order[k].column = k;
    }
    const barks_batch keys = {
        .schema = splitters->schema, .row_count = splitters->row_count, .columns = columns};
    uint32_t count = 0;
    while (count < splitters->row_count &&
           batch_compare_rows(&keys, count, &bound->initial_rows->base, 0, order, key_count) <
               (with_equal ? 1 : 0))
        count++;
    free(columns);
    free(order);
    *out_count = count;
    return NULL;
}

/* Which partitions [*out_first, *out_end) of input may have rows of the range. */
BARKS_CHECKED static barks_status *find_partitions(barks_rdd *input, const struct key_range *range,
                                                   const char *where, uint32_t *out_first,
                                                   uint32_t *out_end)
{
    struct node *node = &input->node;
    const struct step *any = range->low.kind != STEP_NONE ? &range->low : &range->high;
    char what[256];
    *out_first = 0;
    *out_end = node->partition_count;
    partitioning_know(node);
    uint32_t key_count = shared_keys(node, &any->keys[0]);
    if (key_count == 0 || node->partition_count <= 1)
        return NULL;
    const struct exchange_plan *exchange = &node->partitioning.exchange->exchange;
    snprintf(what, sizeof what, "filter_by_range at %s", where);
    BARKS_TRY(preparing_run_now(input->context, node, what));
    bool is_descending = exchange->order[0].descending;
    const struct step *from = is_descending ? &range->high : &range->low;
    const struct step *to = is_descending ? &range->low : &range->high;
    uint32_t last = node->partition_count - 1;
    if (from->kind != STEP_NONE)
        BARKS_TRY(count_before(exchange, from, key_count, false, out_first));
    if (to->kind != STEP_NONE)
        BARKS_TRY(count_before(exchange, to, key_count, true, &last));
    *out_end = last + 1;
    return NULL;
}

/* Takes the step; one of no kind is none. */
static barks_rdd *keep_side(barks_rdd *input, struct step *bound, const char *where)
{
    if (bound->kind == STEP_NONE)
        return input;
    barks_rdd *rdd = dataset_create(input->context, STEP_BOUND, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    rdd->node.step = *bound;
    *bound = (struct step){0};
    return rdd;
}

barks_rdd *barks_filter_by_range_at(barks_rdd *input, const barks_record *key_record,
                                    const void *low, const void *high, const char *where)
{
    struct key_range range = {0};
    uint32_t first = 0, end = 0;
    if (input->context == NULL || input->node.error != NULL)
        return input;
    barks_status *status = fill_bound(input, key_record, low, false, where, &range.low);
    if (status == NULL)
        status = fill_bound(input, key_record, high, true, where, &range.high);
    if (status == NULL && (low != NULL || high != NULL)) {
        status = find_partitions(input, &range, where, &first, &end);
        if (status == NULL)
            input = dataset_run_of(input, first, end, where);
    }
    if (status == NULL)
        input = keep_side(keep_side(input, &range.low, where), &range.high, where);
    else
        input = dataset_fail(barks_only_partitions_at(input, NULL, 0, where), status);
    step_drop(&range.low);
    step_drop(&range.high);
    return input;
}
