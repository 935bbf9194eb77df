/* Dense datasets: one row, or one call of a function, for each index from 0 on. */
#include "batch/schema.h"
#include "rdd/combining.h"
#include "rdd/pairing.h"
#include "rdd/places.h"

#include <inttypes.h>
#include <stdlib.h>

/* The one field that is the index. */
BARKS_CHECKED static barks_status *find_index(const barks_schema *schema, const char *key,
                                              int64_t index_count, const char *what,
                                              const char *where, uint32_t *out_field)
{
    uint32_t *fields = NULL, count = 0;
    if (index_count < 0)
        BARKS_FAIL(BARKS_INVALID, "%s: %s: there are %" PRId64 " indices; write 0 or more", where,
                   what, index_count);
    BARKS_TRY(parse_keys(key, schema, where, &fields, &count));
    uint32_t field = fields[0];
    free(fields);
    if (count != 1 || schema->fields[field].type->id != BARKS_I64 || schema->fields[field].nullable)
        BARKS_FAIL(BARKS_INVALID,
                   "%s: %s: the index must be one field, an i64 that is never null; '%s' is %s%s%s",
                   where, what, key, count != 1 ? "several: " : "",
                   type_id_name(schema->fields[field].type->id),
                   schema->fields[field].nullable ? " that may be null" : "");
    *out_field = field;
    return NULL;
}

/* What is left to say of a step of STEP_INDEX over input. */
static barks_rdd *make_index(barks_rdd *input, uint32_t column, int64_t index_count,
                             const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_INDEX, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    if (rdd->node.error != NULL)
        return rdd;
    rdd->node.step.numbers[0] = index_count;
    barks_status *status = index_list_copy(&column, 1, &rdd->node.step.keys[0]);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- one row for each ---- */

/* The row of an index that no row has: as given, or all zero. */
BARKS_CHECKED static barks_status *set_neutral(barks_rdd *rdd, const barks_record *record,
                                               const void *neutral, const char *where)
{
    struct pool *pool = rdd->context->pool;
    if (neutral != NULL)
        return step_set_initial(&rdd->node.step, record, neutral, pool);
    void *zero = calloc(1, record->size + 1);
    if (zero == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a row of '%s'", where, record->name);
    barks_status *status = step_set_initial(&rdd->node.step, record, zero, pool);
    free(zero);
    return status;
}

barks_rdd *barks_reduce_to_index_at(barks_rdd *input, const char *key, int64_t index_count,
                                    const barks_function *function,
                                    const barks_exchange_options *options, const char *where)
{
    barks_exchange_options reducing = *options;
    reducing.initial = NULL;
    struct combining combining = {.record = function->in,
                                  .update = function,
                                  .merge = function,
                                  .options = &reducing,
                                  .where = where};
    uint32_t column = 0;
    if (input->context == NULL || input->node.error != NULL)
        return failed_combine(input, &combining, NULL);
    barks_status *status =
        find_index(&function->in->schema, key, index_count, "reduce_to_index", where, &column);
    if (status != NULL)
        return failed_combine(input, &combining, status);
    combining.goes_to_index = true;
    combining.index_count = index_count;
    barks_rdd *rdd = make_index(combine_by(input, &combining, key), column, index_count, where);
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    status = set_neutral(rdd, function->in, options->initial, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- one call for each ---- */

barks_rdd *barks_group_to_index_at(barks_rdd *input, const char *key, int64_t index_count,
                                   const barks_function *function,
                                   const barks_index_options *options, const char *where)
{
    uint32_t column = 0, partition_count = 0;
    barks_status *status = NULL;
    bool is_sound = input->context != NULL && input->node.error == NULL;
    const barks_schema *schema = is_sound ? &input->node.record->schema : NULL;
    if (is_sound)
        status = find_index(schema, key, index_count, "group_to_index", where, &column);
    if (is_sound && status == NULL)
        status = choose_partitions(input, options->partitions, where, &partition_count);
    barks_rdd *placed = input;
    if (is_sound && status == NULL)
        placed = dataset_by_index(input, column, (uint64_t)index_count, partition_count, where);
    barks_rdd *rdd = make_index(placed, column, index_count, where);
    if (rdd->context == NULL) {
        barks_status_free(status);
        return rdd;
    }
    rdd->node.record = function->out;
    if (rdd->node.error == NULL && status == NULL && options->order != NULL)
        status = parse_order(options->order, schema, where, &rdd->node.step.order,
                             &rdd->node.step.order_count);
    if (rdd->node.error == NULL && status == NULL)
        status = set_function(rdd, &placed, 1, function, options->env, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}
