/* Values changed under their keys. */
#include "batch/schema.h"
#include "exec/record_registry.h"
#include "rdd/pairing.h"

#include <stdlib.h>

/* The keys, then what the function gives. */
BARKS_CHECKED static barks_status *derive_values(barks_rdd *rdd, const barks_rdd *input,
                                                 const char *where)
{
    const struct step *step = &rdd->node.step;
    const struct index_list *keys = &step->columns[0];
    const barks_schema *made = &step->function->out->schema;
    barks_field *fields = calloc((size_t)keys->count + made->field_count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a record", where);
    for (uint32_t i = 0; i < keys->count; i++)
        fields[i] = input->node.record->schema.fields[keys->items[i]];
    barks_status *status = NULL;
    for (uint32_t i = 0; i < made->field_count && status == NULL; i++) {
        const barks_schema before = {.field_count = keys->count, .fields = fields};
        fields[keys->count + i] = made->fields[i];
        if (schema_find(&before, made->fields[i].name) >= 0)
            status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                      "%s: '%s' gives a field '%s', which is a key: keys are kept, "
                                      "so leave it out of '%s'",
                                      where, step->function->name, made->fields[i].name,
                                      step->function->out->name);
    }
    const barks_schema schema = {.field_count = keys->count + made->field_count, .fields = fields};
    if (status == NULL)
        status = registry_derive_record(&schema, &rdd->node.record);
    free(fields);
    return status;
}

BARKS_CHECKED static barks_status *fill_values(barks_rdd *rdd, barks_rdd *input, const char *keys,
                                               const barks_function *function, const void *env,
                                               const char *where)
{
    struct step *step = &rdd->node.step;
    uint32_t *columns = NULL, count = 0;
    step->function = function;
    rdd->node.partition_count = input->node.partition_count;
    BARKS_TRY(check_fields(input, function->in, function->name, where));
    BARKS_TRY(copy_env(env, function, where, &step->env));
    BARKS_TRY(parse_keys(keys, &input->node.record->schema, where, &columns, &count));
    barks_status *status = index_list_copy(columns, count, &step->columns[0]);
    free(columns);
    return status != NULL ? status : derive_values(rdd, input, where);
}

barks_rdd *barks_map_values_at(barks_rdd *input, const char *keys, const barks_function *function,
                               const void *env, const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_FUNCTION, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = function->out;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_values(rdd, input, keys, function, env, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}
