/* Columns chosen, dropped and renamed, and rows as they are described. */
#include "base/buffer.h"
#include "base/copy.h"
#include "base/scope.h"
#include "batch/schema.h"
#include "exec/record_registry.h"
#include "rdd/dataset.h"

#include <stdlib.h>
#include <string.h>

enum { SCHEMA_TEXT_BYTES_MAX = 1 << 20 };

/* Columns of the input's rows, and the names that they get. */
struct chosen {
    struct named_field *fields; /* owned, names too */
    uint32_t count;
};

static void chosen_drop(struct chosen *chosen)
{
    named_fields_destroy(chosen->fields, chosen->count);
}

BARKS_CHECKED static barks_status *check_names(const struct chosen *chosen, const char *where)
{
    if (chosen->count == 0)
        BARKS_FAIL(BARKS_INVALID, "%s: no field is left of the rows", where);
    for (uint32_t i = 0; i < chosen->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(chosen->fields[i].name, chosen->fields[k].name) == 0)
                BARKS_FAIL(BARKS_INVALID,
                           "%s: two fields would be named '%s'; write \"field as other_name\"",
                           where, chosen->fields[i].name);
    return NULL;
}

/* The record of rows of these fields. */
BARKS_CHECKED static barks_status *derive(const barks_schema *schema, const struct chosen *chosen,
                                          const barks_record **out_record)
{
    barks_field *fields = calloc((size_t)chosen->count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u fields", chosen->count);
    for (uint32_t i = 0; i < chosen->count; i++) {
        fields[i] = schema->fields[chosen->fields[i].field];
        fields[i].name = chosen->fields[i].name;
    }
    const barks_schema made = {.field_count = chosen->count, .fields = fields};
    barks_status *status = registry_derive_record(&made, out_record);
    free(fields);
    return status;
}

BARKS_CHECKED static barks_status *fill_project(barks_rdd *rdd, const barks_rdd *input,
                                                const struct chosen *chosen, const char *where)
{
    BARKS_TRY(check_names(chosen, where));
    BARKS_TRY(derive(&input->node.record->schema, chosen, &rdd->node.record));
    BARKS_TRY(index_list_copy(NULL, chosen->count, &rdd->node.step.columns[0]));
    for (uint32_t i = 0; i < chosen->count; i++)
        rdd->node.step.columns[0].items[i] = chosen->fields[i].field;
    return NULL;
}

/* Takes chosen and status, that of making it. */
static barks_rdd *project(barks_rdd *input, struct chosen *chosen, barks_status *status,
                          const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_PROJECT, &input, 1, where);
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    if (status == NULL && rdd->context != NULL && rdd->node.error == NULL)
        status = fill_project(rdd, input, chosen, where);
    chosen_drop(chosen);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

static bool is_whole(const barks_rdd *rdd)
{
    return rdd->context != NULL && rdd->node.error == NULL;
}

static bool is_named(const struct named_field *fields, uint32_t count, uint32_t field)
{
    for (uint32_t i = 0; i < count; i++)
        if (fields[i].field == field)
            return true;
    return false;
}

barks_rdd *barks_select_at(barks_rdd *rdd, const char *fields, const char *where)
{
    struct chosen chosen = {0};
    barks_status *status = NULL;
    if (is_whole(rdd))
        status =
            parse_fields(fields, &rdd->node.record->schema, where, &chosen.fields, &chosen.count);
    return project(rdd, &chosen, status, where);
}

/* All fields but those that are named. */
BARKS_CHECKED static barks_status *choose_others(const barks_schema *schema,
                                                 const struct chosen *named, struct chosen *out)
{
    out->fields = calloc((size_t)schema->field_count + 1, sizeof *out->fields);
    if (out->fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u fields", schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (is_named(named->fields, named->count, i))
            continue;
        out->fields[out->count].field = i;
        BARKS_TRY(copy_text(schema->fields[i].name, &out->fields[out->count++].name));
    }
    return NULL;
}

barks_rdd *barks_drop_at(barks_rdd *rdd, const char *fields, const char *where)
{
    struct chosen named = {0}, chosen = {0};
    barks_status *status = NULL;
    if (is_whole(rdd)) {
        const barks_schema *schema = &rdd->node.record->schema;
        status = parse_fields(fields, schema, where, &named.fields, &named.count);
        if (status == NULL)
            status = choose_others(schema, &named, &chosen);
    }
    chosen_drop(&named);
    return project(rdd, &chosen, status, where);
}

/* All fields, those that are named by their new names. */
BARKS_CHECKED static barks_status *choose_renamed(const barks_schema *schema,
                                                  const struct chosen *named, struct chosen *out)
{
    out->fields = calloc((size_t)schema->field_count + 1, sizeof *out->fields);
    if (out->fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u fields", schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const char *name = schema->fields[i].name;
        for (uint32_t k = 0; k < named->count; k++)
            if (named->fields[k].field == i)
                name = named->fields[k].name;
        out->fields[out->count].field = i;
        BARKS_TRY(copy_text(name, &out->fields[out->count++].name));
    }
    return NULL;
}

barks_rdd *barks_rename_at(barks_rdd *rdd, const char *fields, const char *where)
{
    struct chosen named = {0}, chosen = {0};
    barks_status *status = NULL;
    if (is_whole(rdd)) {
        const barks_schema *schema = &rdd->node.record->schema;
        status = parse_fields(fields, schema, where, &named.fields, &named.count);
        if (status == NULL)
            status = choose_renamed(schema, &named, &chosen);
    }
    chosen_drop(&named);
    return project(rdd, &chosen, status, where);
}

/* ---- keys by a function ---- */

/* The function's rows beside those that it is given: the input's fields but those of the function's
 * names, then the function's. */
BARKS_CHECKED static barks_status *fill_beside(barks_rdd *rdd, const barks_rdd *input,
                                               const barks_function *function, const void *env,
                                               const char *where)
{
    const barks_schema *rows = &input->node.record->schema, *made = &function->out->schema;
    struct step *step = &rdd->node.step;
    uint32_t count = 0;
    step->function = function;
    BARKS_TRY(check_fields(input, function->in, function->name, where));
    BARKS_TRY(copy_env(env, function, where, &step->env));
    BARKS_TRY(index_list_copy(NULL, rows->field_count, &step->columns[0]));
    barks_field *fields = calloc((size_t)rows->field_count + made->field_count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for %u fields", where, rows->field_count);
    for (uint32_t i = 0; i < rows->field_count; i++) {
        if (schema_find(made, rows->fields[i].name) >= 0)
            continue;
        step->columns[0].items[count] = i;
        fields[count++] = rows->fields[i];
    }
    step->columns[0].count = count;
    memcpy(fields + count, made->fields, made->field_count * sizeof *fields);
    const barks_schema schema = {.field_count = count + made->field_count, .fields = fields};
    barks_status *status = registry_derive_record(&schema, &rdd->node.record);
    free(fields);
    return status;
}

/* The rows of a function beside its input's, not yet in any order that was asked for. */
static barks_rdd *beside(barks_rdd *input, const barks_function *function, const void *env,
                         const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_FUNCTION, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_beside(rdd, input, function, env, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* The last key_count fields come first. */
BARKS_CHECKED static barks_status *choose_keys_first(const barks_schema *schema, uint32_t key_count,
                                                     struct chosen *out)
{
    out->fields = calloc((size_t)schema->field_count + 1, sizeof *out->fields);
    if (out->fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u fields", schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        uint32_t field = (i + schema->field_count - key_count) % schema->field_count;
        out->fields[out->count].field = field;
        BARKS_TRY(copy_text(schema->fields[field].name, &out->fields[out->count++].name));
    }
    return NULL;
}

barks_rdd *barks_key_by_at(barks_rdd *input, const barks_function *function, const void *env,
                           const char *where)
{
    struct chosen chosen = {0};
    barks_status *status = NULL;
    barks_rdd *rdd = beside(input, function, env, where);
    if (!is_whole(rdd))
        return rdd;
    for (uint32_t i = 0; i < function->out->schema.field_count && status == NULL; i++) {
        const char *name = function->out->schema.fields[i].name;
        if (schema_find(&input->node.record->schema, name) >= 0)
            status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                      "%s: the rows have a field '%s' already, which '%s' would "
                                      "add; rename it by barks_rename, or replace it by "
                                      "barks_with_columns",
                                      where, name, function->name);
    }
    if (status == NULL)
        status = choose_keys_first(&rdd->node.record->schema, function->out->schema.field_count,
                                   &chosen);
    return project(rdd, &chosen, status, where);
}

/* ---- columns by a function ---- */

BARKS_CHECKED static barks_status *choose(struct chosen *out, const barks_schema *schema,
                                          const char *name)
{
    out->fields[out->count].field = (uint32_t)schema_find(schema, name);
    return copy_text(name, &out->fields[out->count++].name);
}

/* As the input has them; those that are new come last. */
BARKS_CHECKED static barks_status *choose_in_place(const barks_schema *rows,
                                                   const barks_schema *made,
                                                   const barks_schema *schema, struct chosen *out)
{
    out->fields = calloc((size_t)schema->field_count + 1, sizeof *out->fields);
    if (out->fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u fields", schema->field_count);
    for (uint32_t i = 0; i < rows->field_count; i++)
        BARKS_TRY(choose(out, schema, rows->fields[i].name));
    for (uint32_t i = 0; i < made->field_count; i++)
        if (schema_find(rows, made->fields[i].name) < 0)
            BARKS_TRY(choose(out, schema, made->fields[i].name));
    return NULL;
}

barks_rdd *barks_with_columns_at(barks_rdd *input, const barks_function *function, const void *env,
                                 const char *where)
{
    struct chosen chosen = {0};
    barks_rdd *rdd = beside(input, function, env, where);
    if (!is_whole(rdd))
        return rdd;
    barks_status *status = choose_in_place(&input->node.record->schema, &function->out->schema,
                                           &rdd->node.record->schema, &chosen);
    bool is_in_order = status == NULL;
    for (uint32_t i = 0; i < chosen.count; i++)
        is_in_order = is_in_order && chosen.fields[i].field == i;
    if (!is_in_order)
        return project(rdd, &chosen, status, where);
    chosen_drop(&chosen);
    return rdd;
}

/* ---- what a dataset is ---- */

barks_rdd *barks_set_name(barks_rdd *rdd, const char *name)
{
    char *copy = NULL;
    if (rdd->context == NULL)
        return rdd;
    barks_status *status = copy_text(name, &copy);
    if (status != NULL)
        return dataset_fail(rdd, status);
    free(rdd->node.name);
    rdd->node.name = copy;
    return rdd;
}

uint32_t barks_partition_count(const barks_rdd *rdd)
{
    return is_whole(rdd) ? rdd->node.partition_count : 0;
}

const char *barks_schema_text(barks_rdd *rdd)
{
    BARKS_AUTO(buffer) text = {.limit_bytes = SCHEMA_TEXT_BYTES_MAX};
    if (!is_whole(rdd))
        return NULL;
    barks_status *status = schema_print(&rdd->node.record->schema, &text);
    return dataset_keep_text(rdd, &text, status);
}
