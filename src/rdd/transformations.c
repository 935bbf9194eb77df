/* Datasets made of datasets. */
#include "base/config.h"
#include "batch/bind.h"
#include "batch/schema.h"
#include "rdd/dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- functions ---- */

BARKS_CHECKED static barks_status *fill_function(barks_rdd *rdd, barks_rdd *input,
                                                 const barks_function *function, const void *env,
                                                 const char *where)
{
    rdd->node.step.function = function;
    rdd->node.partition_count = input->node.partition_count;
    BARKS_TRY(check_fields(input, function->in, function->name, where));
    return copy_env(env, function, where, &rdd->node.step.env);
}

barks_rdd *barks_apply_at(barks_rdd *input, const barks_function *function, const void *env,
                          const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_FUNCTION, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = function->kind == BARKS_KIND_FILTER ? input->node.record : function->out;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_function(rdd, input, function, env, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_apply_batches_at(barks_rdd *input, const barks_function *function, const void *env,
                                  const barks_batch_options *options, const char *where)
{
    barks_rdd *rdd = barks_apply_at(input, function, env, where);
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    if (options->rows > FUNCTION_BATCH_ROWS_MAX)
        return dataset_fail(rdd, barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                                  "%s: batches of %" PRIu32
                                                  " rows are over the limit of %d",
                                                  where, options->rows, FUNCTION_BATCH_ROWS_MAX));
    rdd->node.step.numbers[0] = options->rows;
    return rdd;
}

barks_rdd *barks_apply_keeping_at(barks_rdd *input, const barks_function *function, const void *env,
                                  const char *where)
{
    barks_rdd *rdd = barks_apply_at(input, function, env, where);
    if (rdd->context != NULL)
        rdd->node.step.keeps_keys = true;
    return rdd;
}

/* ---- union ---- */

/* Whether all inputs are partitioned alike: then partition p of the union is made of their
 * partitions p, and rows of equal keys stay together (A17). */
static bool are_partitioned_alike(barks_rdd *const *inputs, size_t count)
{
    struct node *first = &inputs[0]->node;
    const struct index_list *fields = &first->partitioning.fields;
    partitioning_know(first);
    if (first->partitioning.kind == PARTITIONED_ANYHOW)
        return false;
    for (size_t i = 1; i < count; i++)
        if (!partitioning_pairs(first, fields->items, &inputs[i]->node, fields->items,
                                fields->count))
            return false;
    return count > 1;
}

BARKS_CHECKED static barks_status *fill_union(barks_rdd *rdd, barks_rdd *const *inputs,
                                              size_t count, bool is_chain, const char *where)
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
    if (!is_chain && are_partitioned_alike(inputs, count)) {
        rdd->node.step.numbers[0] = 1;
        partition_count = inputs[0]->node.partition_count;
        for (size_t i = 0; i < count; i++) {
            barks_rdd *aligned = dataset_aligned(inputs[i], where);
            if (aligned->context == NULL)
                BARKS_FAIL(BARKS_NO_MEMORY, "%s: union: no memory for a dataset", where);
            rdd->node.inputs[i] = &aligned->node;
        }
        node_find_place(&rdd->node);
    }
    if (partition_count > INT32_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%s: union: %" PRIu64 " partitions are too many", where,
                   partition_count);
    rdd->node.partition_count = (uint32_t)partition_count;
    return NULL;
}

static barks_rdd *make_union(barks_rdd *const *rdds, size_t rdd_count, bool is_chain,
                             const char *where)
{
    barks_context *context = rdd_count > 0 ? rdds[0]->context : context_alive();
    barks_rdd *rdd = dataset_create(context, STEP_UNION, rdds, (uint32_t)rdd_count, where);
    if (rdd->context == NULL)
        return rdd;
    if (rdd_count == 0)
        return dataset_fail(rdd, barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                                  "%s: union of no datasets", where));
    rdd->node.record = rdds[0]->node.record;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_union(rdd, rdds, rdd_count, is_chain, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_union_at(barks_rdd *const *rdds, size_t rdd_count, const char *where)
{
    return make_union(rdds, rdd_count, false, where);
}

barks_rdd *dataset_chain(barks_rdd *const *rdds, size_t rdd_count, const char *where)
{
    return make_union(rdds, rdd_count, true, where);
}
