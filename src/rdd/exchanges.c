/* Transformations that bring rows of equal keys together: by an exchange, or without one where they
 * lie together already. */
#include "base/copy.h"
#include "batch/schema.h"
#include "rdd/combining.h"
#include "rdd/places.h"
#include "runtime/context.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the exchange itself ---- */

barks_rdd *dataset_exchange(barks_rdd *input, enum partitioner_kind kind, uint32_t partition_count,
                            const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_EXCHANGE, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = partition_count;
    rdd->node.exchange.kind = kind;
    return rdd;
}

barks_rdd *dataset_hash_by(barks_rdd *input, const uint32_t *keys, uint32_t key_count,
                           uint32_t partition_count, const char *where)
{
    barks_rdd *rdd = dataset_exchange(input, PARTITION_HASH, partition_count, where);
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    barks_status *status = index_list_copy(keys, key_count, &rdd->node.exchange.keys);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *dataset_replicate(barks_rdd *input, uint32_t copies, uint32_t stride,
                             uint32_t partition_count, const char *where)
{
    barks_rdd *rdd = dataset_exchange(input, PARTITION_REPLICATE, partition_count, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.exchange.copies = copies;
    rdd->node.exchange.stride = stride;
    return rdd;
}

barks_rdd *dataset_group_by(barks_rdd *input, const uint32_t *keys, uint32_t key_count,
                            uint32_t wanted_partitions, const char *where)
{
    uint32_t partition_count = 0;
    if (input->context == NULL || input->node.error != NULL ||
        partitioning_groups(&input->node, keys, key_count, wanted_partitions))
        return input;
    barks_status *status = choose_partitions(input, wanted_partitions, where, &partition_count);
    if (status == NULL)
        return dataset_hash_by(input, keys, key_count, partition_count, where);
    return dataset_fail(dataset_exchange(input, PARTITION_HASH, 1, where), status);
}

/* ---- accumulators by key ---- */

static void combining_drop(struct combining *combining)
{
    free(combining->keys);
    free(combining->columns);
}

BARKS_CHECKED static barks_status *find_key_columns(struct combining *combining,
                                                    const barks_rdd *input)
{
    const char *where = combining->where;
    const barks_schema *rows = &input->node.record->schema;
    combining->columns = calloc((size_t)combining->key_count + 1, sizeof *combining->columns);
    if (combining->columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the keys", where);
    for (uint32_t k = 0; k < combining->key_count; k++) {
        const barks_field *field = &combining->record->schema.fields[combining->keys[k]];
        int32_t column = schema_find(rows, field->name);
        if (column < 0)
            BARKS_FAIL(BARKS_INVALID, "%s: the key '%s' is no field of the rows '%s'", where,
                       field->name, input->node.record->name);
        const barks_field *given = &rows->fields[column];
        if (!type_equal(given->type, field->type) || given->nullable != field->nullable)
            BARKS_FAIL(
                BARKS_INVALID,
                "%s: the key '%s' is %s%s in the rows and %s%s in the accumulator; make them equal",
                where, field->name, type_id_name(given->type->id),
                given->nullable ? " that may be null" : "", type_id_name(field->type->id),
                field->nullable ? " that may be null" : "");
        combining->columns[k] = (uint32_t)column;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *fill_combining(struct combining *combining,
                                                  const barks_rdd *input, const char *keys)
{
    if (combining->update != NULL && combining->update->in != NULL)
        BARKS_TRY(
            check_fields(input, combining->update->in, combining->update->name, combining->where));
    if (combining->keys == NULL)
        BARKS_TRY(parse_keys(keys, &combining->record->schema, combining->where, &combining->keys,
                             &combining->key_count));
    return combining->columns != NULL ? NULL : find_key_columns(combining, input);
}

/* A step that makes accumulators: of rows, or of accumulators where it merges. */
BARKS_CHECKED static barks_status *fill_step(const struct combining *combining, bool merges,
                                             struct pool *pool, struct step *out)
{
    const barks_exchange_options *options = combining->options;
    const void *merge_env = options->merge_env != NULL ? options->merge_env : options->env;
    out->kind = STEP_COMBINE;
    out->function = merges ? combining->merge : combining->update;
    BARKS_TRY(index_list_copy(combining->keys, combining->key_count, &out->keys[0]));
    if (out->function != NULL)
        BARKS_TRY(copy_env(merges ? merge_env : options->env, out->function, combining->where,
                           &out->env));
    out->numbers[1] = !merges && combining->begins_with_initial;
    out->numbers[2] = combining->first_counts;
    out->numbers[3] = combining->result != NULL;
    if (combining->result != NULL)
        out->initial_record = combining->record;
    if (options->initial != NULL && !merges)
        return step_set_initial(out, combining->record, options->initial, pool);
    return NULL;
}

/* Accumulators of the rows of `input`, which lie together by key. */
static barks_rdd *combine_here(barks_rdd *input, const struct combining *combining, bool merges)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_COMBINE, &input, 1, combining->where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = combining->result != NULL ? combining->result : combining->record;
    rdd->node.partition_count = input->node.partition_count;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_step(combining, merges, input->context->pool, &rdd->node.step);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* Rows, or accumulators, brought together by the keys: columns of them. */
static barks_rdd *bring_by(barks_rdd *input, const struct combining *combining,
                           const uint32_t *columns, uint32_t partition_count)
{
    if (combining->goes_to_index)
        return dataset_by_index(input, columns[0], (uint64_t)combining->index_count,
                                partition_count, combining->where);
    return dataset_hash_by(input, columns, combining->key_count, partition_count, combining->where);
}

/* Rows are combined, exchanged, and combined again. */
static barks_rdd *combine_twice(barks_rdd *input, const struct combining *combining,
                                uint32_t partition_count)
{
    barks_rdd *rdd = bring_by(input, combining, combining->keys, partition_count);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = combining->record;
    barks_status *status =
        fill_step(combining, false, input->context->pool, &rdd->node.exchange.step);
    if (status != NULL)
        dataset_fail(rdd, status);
    return combine_here(rdd, combining, true);
}

/* The first error stays with a dataset of its own. */
barks_rdd *failed_combine(barks_rdd *input, const struct combining *combining, barks_status *status)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_COMBINE, &input, 1, combining->where);
    rdd->node.record = combining->record;
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *combine_by(barks_rdd *input, struct combining *combining, const char *keys)
{
    uint32_t wanted = combining->options->partitions, partition_count = 0;
    if (input->context == NULL || input->node.error != NULL)
        return failed_combine(input, combining, NULL);
    barks_status *status = fill_combining(combining, input, keys);
    if (status == NULL)
        status = choose_partitions(input, wanted, combining->where, &partition_count);
    barks_rdd *made = NULL;
    if (status != NULL)
        made = failed_combine(input, combining, status);
    else if (combining->stays)
        made = combine_here(input, combining, false);
    else if (!combining->goes_to_index &&
             partitioning_groups(&input->node, combining->columns, combining->key_count, wanted))
        made = combine_here(input, combining, false);
    else if (combining->options->map_side_combine == BARKS_NEVER)
        made = combine_here(bring_by(input, combining, combining->columns, partition_count),
                            combining, false);
    else
        made = combine_twice(input, combining, partition_count);
    combining_drop(combining);
    return made;
}

barks_rdd *combine_all(barks_rdd *input, struct combining *combining)
{
    struct combining in_partitions = *combining;
    in_partitions.result = NULL;
    barks_rdd *parts = combine_here(input, &in_partitions, false);
    barks_rdd *made =
        combine_here(dataset_exchange(parts, PARTITION_ONE, 1, combining->where), combining, true);
    if (made->context != NULL)
        made->node.step.numbers[0] = 1;
    combining_drop(combining);
    return made;
}

barks_rdd *barks_reduce_by_key_at(barks_rdd *rdd, const char *keys, const barks_function *function,
                                  const barks_exchange_options *options, const char *where)
{
    struct combining combining = {.record = function->in,
                                  .update = function,
                                  .merge = function,
                                  .options = options,
                                  .where = where};
    return combine_by(rdd, &combining, keys);
}

barks_rdd *barks_aggregate_by_key_at(barks_rdd *rdd, const char *keys, const barks_function *update,
                                     const barks_function *merge,
                                     const barks_exchange_options *options, const char *where)
{
    struct combining combining = {.record = update->out,
                                  .update = update,
                                  .merge = merge,
                                  .options = options,
                                  .where = where};
    if (!schema_equal(&update->out->schema, &merge->in->schema))
        return failed_combine(
            rdd, &combining,
            barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                             "%s: '%s' makes accumulators '%s', and '%s' merges '%s'", where,
                             update->name, update->out->name, merge->name, merge->in->name));
    return combine_by(rdd, &combining, keys);
}

barks_rdd *barks_fold_by_key_at(barks_rdd *rdd, const char *keys, const barks_function *function,
                                const barks_exchange_options *options, const char *where)
{
    struct combining combining = {.record = function->in,
                                  .update = function,
                                  .merge = function,
                                  .begins_with_initial = true,
                                  .options = options,
                                  .where = where};
    return combine_by(rdd, &combining, keys);
}

barks_rdd *barks_combine_by_key_at(barks_rdd *rdd, const char *keys, const barks_function *create,
                                   const barks_function *merge,
                                   const barks_exchange_options *options, const char *where)
{
    barks_exchange_options merging = *options;
    merging.env = options->merge_env;
    return barks_reduce_by_key_at(barks_apply_at(rdd, create, options->env, where), keys, merge,
                                  &merging, where);
}

/* ---- distinct ---- */

barks_rdd *barks_distinct_at(barks_rdd *input, const char *keys,
                             const barks_exchange_options *options, const char *where)
{
    struct combining combining = {.record = input->node.record,
                                  .options = options,
                                  .first_counts = keys != NULL,
                                  .where = where};
    if (input->context == NULL || input->node.error != NULL || keys != NULL)
        return combine_by(input, &combining, keys);
    combining.key_count = input->node.record->schema.field_count;
    combining.keys = calloc((size_t)combining.key_count + 1, sizeof *combining.keys);
    if (combining.keys == NULL)
        return failed_combine(input, &combining,
                              barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                               "%s: no memory for the keys", where));
    for (uint32_t i = 0; i < combining.key_count; i++)
        combining.keys[i] = i;
    return combine_by(input, &combining, NULL);
}

/* ---- order ---- */

static barks_rdd *sort_here(barks_rdd *input, struct sort_key *order, uint32_t order_count,
                            const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_SORT, &input, 1, where);
    if (rdd->context == NULL) {
        free(order);
        return rdd;
    }
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    rdd->node.step.order = order;
    rdd->node.step.order_count = order_count;
    return rdd;
}

/* Rows in ranges by order, of which it takes a copy. */
static barks_rdd *range_by(barks_rdd *input, const struct sort_key *order, uint32_t order_count,
                           uint32_t partition_count, const char *where)
{
    barks_rdd *rdd = dataset_exchange(input, PARTITION_RANGE, partition_count, where);
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    rdd->node.exchange.order_count = order_count;
    barks_status *status =
        copy_bytes(order, order_count * sizeof *order, (void **)&rdd->node.exchange.order);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_sort_by_at(barks_rdd *input, const char *order,
                            const barks_exchange_options *options, const char *where)
{
    uint32_t partition_count = 0, order_count = 0;
    struct sort_key *keys = NULL;
    if (input->context == NULL || input->node.error != NULL)
        return sort_here(input, NULL, 0, where);
    barks_status *status = choose_partitions(input, options->partitions, where, &partition_count);
    if (status == NULL)
        status = parse_order(order, &input->node.record->schema, where, &keys, &order_count);
    if (status != NULL)
        return dataset_fail(sort_here(input, NULL, 0, where), status);
    if (partition_count > 1 || input->node.partition_count != 1)
        input = range_by(input, keys, order_count, partition_count, where);
    return sort_here(input, keys, order_count, where);
}

barks_rdd *barks_merge_sorted_at(barks_rdd *const *rdds, size_t rdd_count, const char *order,
                                 const barks_exchange_options *options, const char *where)
{
    barks_rdd *all = dataset_chain(rdds, rdd_count, where), *largest = all;
    uint32_t partition_count = 0, order_count = 0;
    struct sort_key *keys = NULL;
    if (all->context == NULL || all->node.error != NULL)
        return all;
    for (size_t i = 0; i < rdd_count; i++)
        if (i == 0 || rdds[i]->node.partition_count > largest->node.partition_count)
            largest = rdds[i];
    barks_status *status = choose_partitions(largest, options->partitions, where, &partition_count);
    if (status == NULL)
        status = parse_order(order, &all->node.record->schema, where, &keys, &order_count);
    if (status != NULL)
        return dataset_fail(sort_here(all, NULL, 0, where), status);
    if (partition_count > 1 || all->node.partition_count != 1)
        all = range_by(all, keys, order_count, partition_count, where);
    barks_rdd *rdd = sort_here(all, keys, order_count, where);
    if (rdd->context != NULL)
        rdd->node.step.numbers[1] = 1;
    return rdd;
}

/* ---- where rows lie ---- */

static bool is_whole(const barks_rdd *rdd)
{
    return rdd->context != NULL && rdd->node.error == NULL;
}

/* Of operations whose arguments cannot be read. */
static barks_rdd *failed_exchange(barks_rdd *input, barks_status *status, const char *where)
{
    return dataset_fail(dataset_exchange(input, PARTITION_HASH, 1, where), status);
}

barks_rdd *barks_partition_by_at(barks_rdd *input, const char *keys,
                                 const barks_exchange_options *options, const char *where)
{
    uint32_t *fields = NULL, field_count = 0, partition_count = 0;
    if (!is_whole(input))
        return dataset_exchange(input, PARTITION_HASH, 1, where);
    barks_status *status =
        parse_keys(keys, &input->node.record->schema, where, &fields, &field_count);
    if (status == NULL)
        status = choose_partitions(input, options->partitions, where, &partition_count);
    barks_rdd *made = input;
    if (status != NULL)
        made = failed_exchange(input, status, where);
    else if (!partitioning_is_hash_of(&input->node, fields, field_count) ||
             input->node.partition_count != partition_count)
        made = dataset_hash_by(input, fields, field_count, partition_count, where);
    free(fields);
    return made;
}

barks_rdd *barks_partition_by_range_at(barks_rdd *input, const char *order,
                                       const barks_exchange_options *options, const char *where)
{
    struct sort_key *keys = NULL;
    uint32_t key_count = 0, partition_count = 0;
    if (!is_whole(input))
        return dataset_exchange(input, PARTITION_RANGE, 1, where);
    barks_status *status =
        parse_order(order, &input->node.record->schema, where, &keys, &key_count);
    if (status == NULL)
        status = choose_partitions(input, options->partitions, where, &partition_count);
    barks_rdd *made = status != NULL ? failed_exchange(input, status, where)
                                     : range_by(input, keys, key_count, partition_count, where);
    free(keys);
    return made;
}

BARKS_CHECKED static barks_status *fill_chosen(barks_rdd *rdd, const barks_rdd *input,
                                               const barks_function *function, const void *env,
                                               const char *where)
{
    struct step *step = &rdd->node.exchange.step;
    step->kind = STEP_FUNCTION;
    step->function = function;
    BARKS_TRY(check_fields(input, function->in, function->name, where));
    return copy_env(env, function, where, &step->env);
}

barks_rdd *barks_partition_with_at(barks_rdd *input, const barks_function *function,
                                   const barks_exchange_options *options, const char *where)
{
    uint32_t partition_count = 0;
    if (!is_whole(input))
        return dataset_exchange(input, PARTITION_CHOSEN, 1, where);
    barks_status *status = choose_partitions(input, options->partitions, where, &partition_count);
    if (status != NULL)
        return failed_exchange(input, status, where);
    barks_rdd *rdd = dataset_exchange(input, PARTITION_CHOSEN, partition_count, where);
    if (rdd->context == NULL)
        return rdd;
    status = fill_chosen(rdd, input, function, options->env, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_repartition_at(barks_rdd *input, uint32_t partition_count, const char *where)
{
    uint32_t count = 0;
    if (!is_whole(input))
        return dataset_exchange(input, PARTITION_ROUND_ROBIN, 1, where);
    barks_status *status = choose_partitions(input, partition_count, where, &count);
    return status != NULL ? failed_exchange(input, status, where)
                          : dataset_exchange(input, PARTITION_ROUND_ROBIN, count, where);
}

/* Partition i of the fewer is made of neighbours: those m with m * fewer / more == i, the same ones
 * whether rows move or not. */
BARKS_CHECKED static barks_status *fill_coalesce(barks_rdd *rdd, uint32_t more, uint32_t fewer)
{
    struct index_list *firsts = &rdd->node.step.columns[0];
    BARKS_TRY(index_list_copy(NULL, fewer + 1, firsts));
    for (uint32_t i = 0; i <= fewer; i++)
        firsts->items[i] = (uint32_t)(((uint64_t)i * more + fewer - 1) / fewer);
    return NULL;
}

barks_rdd *barks_coalesce_at(barks_rdd *input, uint32_t partition_count, const char *where)
{
    if (!is_whole(input) || (partition_count >= input->node.partition_count && partition_count > 0))
        return input;
    if (partition_count == 0)
        return failed_exchange(
            input,
            barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                             "%s: coalesce to 0 partitions; there must be at least 1", where),
            where);
    /* What comes through an exchange, or is kept, lies on the executor that has it. */
    if (node_reads_exchange(&input->node))
        return dataset_exchange(input, PARTITION_ONE, partition_count, where);
    barks_rdd *rdd = dataset_create(input->context, STEP_COALESCE, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = partition_count;
    barks_status *status = fill_coalesce(rdd, input->node.partition_count, partition_count);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_repartition_and_sort_at(barks_rdd *input, const char *keys, const char *order,
                                         const barks_exchange_options *options, const char *where)
{
    uint32_t *fields = NULL, field_count = 0, sort_count = 0;
    struct sort_key *sort_keys = NULL;
    if (!is_whole(input))
        return sort_here(input, NULL, 0, where);
    const barks_schema *schema = &input->node.record->schema;
    barks_status *status = parse_keys(keys, schema, where, &fields, &field_count);
    if (status == NULL)
        status = parse_order(order, schema, where, &sort_keys, &sort_count);
    if (status != NULL) {
        free(fields);
        return dataset_fail(sort_here(input, NULL, 0, where), status);
    }
    barks_rdd *together = dataset_group_by(input, fields, field_count, options->partitions, where);
    free(fields);
    return sort_here(together, sort_keys, sort_count, where);
}
