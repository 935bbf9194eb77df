/* Rows of equal keys together: as lists, or handed to functions. */
#include "batch/schema.h"
#include "exec/record_registry.h"
#include "rdd/pairing.h"

#include <stdlib.h>

static bool are_sound(barks_rdd *const *rdds, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        if (rdds[k]->context == NULL || rdds[k]->node.error != NULL)
            return false;
    return true;
}

/* ---- lists ---- */

/* Keys as they are, the other columns as lists of their values. */
BARKS_CHECKED static barks_status *derive_lists(const barks_rdd *input,
                                                const struct index_list *keys,
                                                const struct index_list *others, const char *what,
                                                const char *where, const barks_record **out)
{
    const barks_schema *given = &input->node.record->schema;
    uint32_t count = keys->count + others->count;
    barks_field *fields = calloc((size_t)count + 1, sizeof *fields);
    barks_type *types = calloc((size_t)count + 1, sizeof *types);
    barks_status *status = NULL;
    if (fields == NULL || types == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory for a record",
                                  where);
    for (uint32_t i = 0; i < count && status == NULL; i++) {
        bool is_key = i < keys->count;
        fields[i] = given->fields[is_key ? keys->items[i] : others->items[i - keys->count]];
        if (is_key)
            continue;
        if (fields[i].nullable)
            status = barks_status_new(
                BARKS_INVALID, NULL, BARKS_HERE,
                "%s: %s: the field '%s' may be null, and lists hold no nulls: leave it out with "
                "barks_drop, or group with a BARKS_GROUP",
                where, what, fields[i].name);
        types[i] = (barks_type){.id = BARKS_LIST, .item = fields[i].type};
        fields[i].type = &types[i];
    }
    const barks_schema schema = {.field_count = count, .fields = fields};
    if (status == NULL)
        status = registry_derive_record(&schema, out);
    free(fields);
    free(types);
    return status;
}

barks_rdd *barks_glom_at(barks_rdd *input, const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_GLOM, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    if (rdd->node.error != NULL)
        return rdd;
    const struct index_list none = {0};
    struct index_list all = {0};
    barks_status *status = list_columns(input, NULL, 0, false, &all);
    if (status == NULL)
        status = derive_lists(input, &none, &all, "glom", where, &rdd->node.record);
    index_list_drop(&all);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- groups of one dataset ---- */

BARKS_CHECKED static barks_status *fill_group(barks_rdd *rdd, barks_rdd *input,
                                              const struct key_columns *keys,
                                              const barks_function *function,
                                              const barks_group_options *options, const char *where)
{
    struct step *step = &rdd->node.step;
    rdd->node.partition_count = input->node.partition_count;
    BARKS_TRY(index_list_copy(keys->columns[0], keys->count, &step->keys[0]));
    if (options->order != NULL)
        BARKS_TRY(parse_order(options->order, &input->node.record->schema, where, &step->order,
                              &step->order_count));
    if (function != NULL)
        return set_function(rdd, &input, 1, function, options->env, where);
    BARKS_TRY(list_columns(input, keys->columns[0], keys->count, true, &step->columns[0]));
    return derive_lists(input, &step->keys[0], &step->columns[0], "group_by_key", where,
                        &rdd->node.record);
}

barks_rdd *barks_group_at(barks_rdd *input, const char *keys, const barks_function *function,
                          const barks_group_options *options, const char *where)
{
    struct key_columns columns = {0};
    barks_status *status = NULL;
    bool is_sound = are_sound(&input, 1);
    if (is_sound)
        status = key_columns_parse(&input, 1, &keys, "group", where, &columns);
    if (is_sound && status == NULL)
        input =
            dataset_group_by(input, columns.columns[0], columns.count, options->partitions, where);
    barks_rdd *rdd = dataset_create(input->context, STEP_GROUP, &input, 1, where);
    if (rdd->context != NULL)
        rdd->node.record = function != NULL ? function->out : input->node.record;
    if (rdd->context != NULL && rdd->node.error == NULL && status == NULL)
        status = fill_group(rdd, input, &columns, function, options, where);
    key_columns_drop(&columns);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- groups of several ---- */

static barks_rdd *make_cogroup(barks_rdd *const *rdds, uint32_t count,
                               const struct key_columns *keys, const barks_function *function,
                               const void *env, barks_status *status, const char *where)
{
    barks_rdd *rdd = dataset_create(rdds[0]->context, STEP_COGROUP, rdds, count, where);
    if (rdd->context == NULL) {
        barks_status_free(status);
        return rdd;
    }
    rdd->node.record = function->out;
    rdd->node.partition_count = rdds[0]->node.partition_count;
    if (rdd->node.error == NULL && status == NULL)
        status = set_function(rdd, rdds, count, function, env, where);
    for (uint32_t k = 0; k < count && status == NULL && keys->count > 0; k++)
        status = index_list_copy(keys->columns[k], keys->count, &rdd->node.step.keys[k]);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_cogroup_at(barks_rdd *const *given, uint32_t count, const char *keys,
                            const barks_function *function, const barks_group_options *options,
                            const char *where)
{
    barks_rdd *rdds[STEP_INPUTS_MAX] = {0};
    const char *names[STEP_INPUTS_MAX] = {0};
    struct key_columns columns = {0};
    barks_status *status = NULL;
    for (uint32_t k = 0; k < count; k++) {
        rdds[k] = given[k];
        names[k] = k > 0 && options->other_keys != NULL ? options->other_keys : keys;
    }
    if (are_sound(rdds, count)) {
        status = key_columns_parse(rdds, count, names, "cogroup", where, &columns);
        if (status == NULL)
            status = bring_together(rdds, count, &columns, options->partitions, where);
    }
    barks_rdd *rdd = make_cogroup(rdds, count, &columns, function, options->env, status, where);
    key_columns_drop(&columns);
    return rdd;
}

barks_rdd *barks_zip_partitions_at(barks_rdd *const *given, uint32_t count,
                                   const barks_function *function, const void *env,
                                   const char *where)
{
    barks_rdd *rdds[STEP_INPUTS_MAX] = {0};
    const struct key_columns none = {0};
    barks_status *status = NULL;
    for (uint32_t k = 0; k < count; k++)
        rdds[k] = given[k];
    if (are_sound(rdds, count))
        status = check_partition_counts(rdds, count, "zip_partitions", where);
    return make_cogroup(rdds, count, &none, function, env, status, where);
}
