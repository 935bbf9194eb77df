/* Datasets made of datasets. */
#include "base/config.h"
#include "base/copy.h"
#include "batch/bind.h"
#include "batch/schema.h"
#include "rdd/dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- functions ---- */

BARKS_CHECKED static barks_status *check_fields(const barks_rdd *rdd, const barks_record *wanted,
                                                const char *what, const char *where)
{
    uint32_t *columns = calloc((size_t)wanted->schema.field_count + 1, sizeof *columns);
    if (columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for columns", where);
    barks_status *status =
        bind_columns(&rdd->node.record->schema, &wanted->schema, what, where, columns);
    free(columns);
    return status;
}

BARKS_CHECKED static barks_status *copy_env(const void *env, const barks_function *function,
                                            const char *where, void **out)
{
    *out = NULL;
    if (function->env_size == 0)
        return NULL;
    if (env == NULL)
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' wants an env (%s), and was given NULL", where,
                   function->name, function->where);
    return copy_bytes(env, function->env_size, out);
}

BARKS_CHECKED static barks_status *fill_function(barks_rdd *rdd, barks_rdd *input,
                                                 const barks_function *function, const void *env,
                                                 const char *where)
{
    rdd->node.function = function;
    rdd->node.partition_count = input->node.partition_count;
    BARKS_TRY(check_fields(input, function->in, function->name, where));
    return copy_env(env, function, where, &rdd->node.env);
}

barks_rdd *barks_apply_at(barks_rdd *input, const barks_function *function, const void *env,
                          const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, NODE_FUNCTION, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = function->kind == BARKS_KIND_FILTER ? input->node.record : function->out;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_function(rdd, input, function, env, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- union ---- */

BARKS_CHECKED static barks_status *fill_union(barks_rdd *rdd, barks_rdd *const *inputs,
                                              size_t count, const char *where)
{
    const barks_schema *schema = &inputs[0]->node.record->schema;
    uint64_t partition_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!schema_equal(schema, &inputs[i]->node.record->schema))
            BARKS_FAIL(BARKS_INVALID,
                       "%s: union: dataset %zu has rows '%s' and the first has '%s': fields must "
                       "be equal by name "
                       "and type",
                       where, i, inputs[i]->node.record->name, rdd->node.record->name);
        partition_count += inputs[i]->node.partition_count;
    }
    if (partition_count > INT32_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%s: union: %" PRIu64 " partitions are too many", where,
                   partition_count);
    rdd->node.partition_count = (uint32_t)partition_count;
    return NULL;
}

barks_rdd *barks_union_at(barks_rdd *const *rdds, size_t rdd_count, const char *where)
{
    barks_context *context = rdd_count > 0 ? rdds[0]->context : context_alive();
    barks_rdd *rdd = dataset_create(context, NODE_UNION, rdds, (uint32_t)rdd_count, where);
    if (rdd->context == NULL)
        return rdd;
    if (rdd_count == 0)
        return dataset_fail(rdd, barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                                  "%s: union of no datasets", where));
    rdd->node.record = rdds[0]->node.record;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_union(rdd, rdds, rdd_count, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- exchanges ---- */

/* As many as the input has, within the limit, at least one (S47). */
BARKS_CHECKED static barks_status *choose_partitions(const barks_rdd *input, uint32_t wanted,
                                                     const char *where, uint32_t *out_count)
{
    uint32_t max = (uint32_t)config_int(&input->context->config, CONFIG_PARTITIONS_MAX);
    if (wanted > max)
        BARKS_FAIL(BARKS_INVALID,
                   "%s: %" PRIu32 " partitions are over the limit of %" PRIu32
                   " (--barks-partitions-max)",
                   where, wanted, max);
    uint32_t count = wanted > 0 ? wanted : input->node.partition_count;
    if (count > max)
        count = max;
    *out_count = count > 0 ? count : 1;
    return NULL;
}

BARKS_CHECKED static barks_status *fill_aggregate(barks_rdd *rdd, barks_rdd *input,
                                                  const char *keys,
                                                  const barks_exchange_options *options,
                                                  const char *where)
{
    struct node *node = &rdd->node;
    BARKS_TRY(choose_partitions(input, options->partitions, where, &node->partition_count));
    if (node->function != NULL)
        BARKS_TRY(check_fields(input, node->function->in, node->function->name, where));
    if (node->function != NULL && node->function->env_size > 0)
        BARKS_TRY(copy_env(options->env, node->function, where, &node->env));
    if (node->merge != NULL && node->merge->env_size > 0 && node->env == NULL)
        BARKS_TRY(copy_env(options->env, node->merge, where, &node->env));
    if (options->initial != NULL)
        BARKS_TRY(copy_bytes(options->initial, node->record->size, &node->initial));
    return parse_keys(keys, &node->record->schema, where, &node->key_fields, &node->key_count);
}

BARKS_CHECKED static barks_status *check_key_types(const barks_rdd *rdd, const barks_rdd *input,
                                                   const char *where)
{
    for (uint32_t k = 0; k < rdd->node.key_count; k++) {
        const barks_field *field = &rdd->node.record->schema.fields[rdd->node.key_fields[k]];
        int32_t column = schema_find(&input->node.record->schema, field->name);
        if (column < 0)
            BARKS_FAIL(BARKS_INVALID, "%s: the key '%s' is no field of the rows '%s'", where,
                       field->name, input->node.record->name);
        const barks_field *given = &input->node.record->schema.fields[column];
        if (!type_equal(given->type, field->type) || given->nullable != field->nullable)
            BARKS_FAIL(
                BARKS_INVALID,
                "%s: the key '%s' is %s%s in the rows and %s%s in the accumulator; make them equal",
                where, field->name, type_id_name(given->type->id),
                given->nullable ? " that may be null" : "", type_id_name(field->type->id),
                field->nullable ? " that may be null" : "");
    }
    return NULL;
}

static barks_rdd *aggregate(barks_rdd *input, const char *keys, const barks_record *record,
                            const barks_function *update, const barks_function *merge,
                            const barks_exchange_options *options, const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, NODE_AGGREGATE, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = record;
    rdd->node.function = update;
    rdd->node.merge = merge;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_aggregate(rdd, input, keys, options, where);
    if (status == NULL)
        status = check_key_types(rdd, input, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_reduce_by_key_at(barks_rdd *rdd, const char *keys, const barks_function *function,
                                  const barks_exchange_options *options, const char *where)
{
    return aggregate(rdd, keys, function->in, function, function, options, where);
}

barks_rdd *barks_aggregate_by_key_at(barks_rdd *rdd, const char *keys, const barks_function *update,
                                     const barks_function *merge,
                                     const barks_exchange_options *options, const char *where)
{
    barks_rdd *result = aggregate(rdd, keys, update->out, update, merge, options, where);
    if (result->context != NULL && result->node.error == NULL &&
        !schema_equal(&update->out->schema, &merge->in->schema))
        return dataset_fail(
            result,
            barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                             "%s: '%s' makes accumulators '%s', and '%s' merges '%s'", where,
                             update->name, update->out->name, merge->name, merge->in->name));
    return result;
}

barks_rdd *barks_distinct_at(barks_rdd *input, const barks_exchange_options *options,
                             const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, NODE_AGGREGATE, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    if (rdd->node.error != NULL)
        return rdd;
    uint32_t field_count = input->node.record->schema.field_count;
    void *fields = NULL;
    barks_status *status = copy_bytes(NULL, field_count * sizeof(uint32_t), &fields);
    if (status == NULL)
        status = choose_partitions(input, options->partitions, where, &rdd->node.partition_count);
    rdd->node.key_fields = fields;
    rdd->node.key_count = field_count;
    for (uint32_t i = 0; i < field_count && fields != NULL; i++)
        rdd->node.key_fields[i] = i;
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_sort_by_at(barks_rdd *input, const char *order,
                            const barks_exchange_options *options, const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, NODE_SORT, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status =
        choose_partitions(input, options->partitions, where, &rdd->node.partition_count);
    if (status == NULL)
        status = parse_order(order, &rdd->node.record->schema, where, &rdd->node.sort_keys,
                             &rdd->node.sort_key_count);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}
