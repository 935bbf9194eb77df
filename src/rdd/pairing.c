#include "rdd/pairing.h"

#include "batch/schema.h"
#include "exec/record_registry.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

void key_columns_drop(struct key_columns *keys)
{
    for (uint32_t k = 0; k < STEP_INPUTS_MAX; k++)
        free(keys->columns[k]);
    *keys = (struct key_columns){0};
}

BARKS_CHECKED static barks_status *check_types(const barks_rdd *first, const uint32_t *a,
                                               const barks_rdd *other, const uint32_t *b,
                                               uint32_t count, const char *what, const char *where)
{
    for (uint32_t i = 0; i < count; i++) {
        const barks_field *left = &first->node.record->schema.fields[a[i]];
        const barks_field *right = &other->node.record->schema.fields[b[i]];
        if (!type_equal(left->type, right->type))
            BARKS_FAIL(BARKS_INVALID,
                       "%s: %s: the key '%s' is %s and '%s' on the other side is %s; make them "
                       "equal with a map",
                       where, what, left->name, type_id_name(left->type->id), right->name,
                       type_id_name(right->type->id));
    }
    return NULL;
}

barks_status *key_columns_parse(barks_rdd *const *rdds, uint32_t rdd_count,
                                const char *const *names, const char *what, const char *where,
                                struct key_columns *out)
{
    for (uint32_t k = 0; k < rdd_count; k++) {
        uint32_t count = 0;
        BARKS_TRY_DOING(
            parse_keys(names[k], &rdds[k]->node.record->schema, where, &out->columns[k], &count),
            "%s: keys of dataset %u of %u", what, k + 1, rdd_count);
        if (k == 0)
            out->count = count;
        if (count != out->count)
            BARKS_FAIL(BARKS_INVALID, "%s: %s: '%s' and '%s' are not as many keys", where, what,
                       names[0], names[k]);
        BARKS_TRY(
            check_types(rdds[0], out->columns[0], rdds[k], out->columns[k], count, what, where));
    }
    return NULL;
}

/* ---- where rows meet ---- */

/* Whether all rows lie where those of the anchor of equal keys lie. Places in the list are
 * compared, not datasets: one that stands there twice has rows of equal keys anywhere. */
static bool is_in_place(barks_rdd *const *rdds, const struct key_columns *keys, uint32_t place,
                        uint32_t anchor)
{
    return place == anchor ||
           partitioning_pairs(&rdds[anchor]->node, keys->columns[anchor], &rdds[place]->node,
                              keys->columns[place], keys->count);
}

/* The dataset that need not move: all meet it, or others can be brought to it by hash. */
static uint32_t find_anchor(barks_rdd *const *rdds, uint32_t rdd_count,
                            const struct key_columns *keys, uint32_t wanted)
{
    uint32_t anchor = UINT32_MAX, anchored = 0;
    for (uint32_t k = 0; k < rdd_count; k++) {
        uint32_t count = 0;
        if (wanted != 0 && rdds[k]->node.partition_count != wanted)
            continue;
        for (uint32_t i = 0; i < rdd_count; i++)
            count += is_in_place(rdds, keys, i, k);
        bool can_be_met = count == rdd_count ||
                          partitioning_is_hash_of(&rdds[k]->node, keys->columns[k], keys->count);
        if (can_be_met && (anchor == UINT32_MAX || count > anchored ||
                           (count == anchored &&
                            rdds[k]->node.partition_count > rdds[anchor]->node.partition_count))) {
            anchor = k;
            anchored = count;
        }
    }
    return anchor;
}

/* The earlier place of the same dataset by the same keys, which is exchanged once; or k. */
static uint32_t first_alike(barks_rdd *const *rdds, const struct key_columns *keys, uint32_t k)
{
    for (uint32_t i = 0; i < k; i++)
        if (rdds[i] == rdds[k] &&
            memcmp(keys->columns[i], keys->columns[k], keys->count * sizeof *keys->columns[k]) == 0)
            return i;
    return k;
}

bool must_be_brought(barks_rdd *const *rdds, uint32_t rdd_count, const struct key_columns *keys,
                     uint32_t wanted, uint32_t index)
{
    uint32_t anchor = find_anchor(rdds, rdd_count, keys, wanted);
    return anchor == UINT32_MAX || !is_in_place(rdds, keys, index, anchor);
}

barks_status *bring_together(barks_rdd **rdds, uint32_t rdd_count, const struct key_columns *keys,
                             uint32_t wanted, const char *where)
{
    uint32_t anchor = find_anchor(rdds, rdd_count, keys, wanted);
    bool has_anchor = anchor != UINT32_MAX;
    barks_rdd *given[STEP_INPUTS_MAX], *largest = rdds[0];
    uint32_t count = 0;
    for (uint32_t k = 1; k < rdd_count; k++)
        if (rdds[k]->node.partition_count > largest->node.partition_count)
            largest = rdds[k];
    if (has_anchor)
        count = rdds[anchor]->node.partition_count;
    else
        BARKS_TRY(choose_partitions(largest, wanted, where, &count));
    memcpy(given, rdds, rdd_count * sizeof(barks_rdd *));
    for (uint32_t k = 0; k < rdd_count; k++) {
        uint32_t alike = first_alike(given, keys, k);
        if (alike < k)
            rdds[k] = rdds[alike];
        else if (!has_anchor || !is_in_place(given, keys, k, anchor))
            rdds[k] = dataset_hash_by(rdds[k], keys->columns[k], keys->count, count, where);
    }
    return check_partition_counts(rdds, rdd_count, "partitions", where);
}

barks_status *check_partition_counts(barks_rdd *const *rdds, uint32_t rdd_count, const char *what,
                                     const char *where)
{
    for (uint32_t k = 1; k < rdd_count; k++)
        if (rdds[k]->node.partition_count != rdds[0]->node.partition_count)
            BARKS_FAIL(BARKS_INVALID,
                       "%s: %s: the datasets have %" PRIu32 " and %" PRIu32
                       " partitions, and must have as many; barks_repartition changes that",
                       where, what, rdds[0]->node.partition_count, rdds[k]->node.partition_count);
    return NULL;
}

/* ---- what rows become ---- */

barks_status *list_columns(const barks_rdd *rdd, const uint32_t *keys, uint32_t key_count,
                           bool without_keys, struct index_list *out)
{
    uint32_t field_count = rdd->node.record->schema.field_count, count = 0;
    BARKS_TRY(index_list_copy(NULL, field_count + key_count, out));
    for (uint32_t k = 0; k < key_count && !without_keys; k++)
        out->items[count++] = keys[k];
    for (uint32_t field = 0; field < field_count; field++) {
        bool is_key = false;
        for (uint32_t k = 0; k < key_count; k++)
            is_key |= keys[k] == field;
        if (!is_key)
            out->items[count++] = field;
    }
    out->count = count;
    return NULL;
}

static void add_fields(const barks_rdd *rdd, const struct index_list *columns, bool may_miss,
                       barks_field *fields)
{
    for (uint32_t i = 0; i < columns->count; i++) {
        fields[i] = rdd->node.record->schema.fields[columns->items[i]];
        fields[i].nullable |= may_miss;
    }
}

barks_status *record_of_columns(const barks_rdd *left, const struct index_list *left_columns,
                                bool left_may_miss, const barks_rdd *right,
                                const struct index_list *right_columns, bool right_may_miss,
                                const char *what, const char *where, const barks_record **out)
{
    uint32_t count = left_columns->count + right_columns->count;
    barks_field *fields = calloc((size_t)count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a record", where);
    add_fields(left, left_columns, left_may_miss, fields);
    add_fields(right, right_columns, right_may_miss, fields + left_columns->count);
    barks_schema schema = {.field_count = count, .fields = fields};
    barks_status *status = NULL;
    for (uint32_t i = 0; i < count && status == NULL; i++)
        if (schema_find(&schema, fields[i].name) != (int32_t)i)
            status = barks_status_new(
                BARKS_INVALID, NULL, BARKS_HERE,
                "%s: %s: both sides have a field '%s'; rename one of them with barks_rename, or "
                "say what a pair becomes by the form with a function",
                where, what, fields[i].name);
    if (status == NULL)
        status = registry_derive_record(&schema, out);
    free(fields);
    return status;
}

barks_status *set_function(barks_rdd *rdd, barks_rdd *const *inputs, uint32_t count,
                           const barks_function *function, const void *env, const char *where)
{
    rdd->node.step.function = function;
    rdd->node.record = function->out;
    if (function->input_count != count)
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' (%s) takes %" PRIu32 " datasets, not %" PRIu32, where,
                   function->name, function->where, function->input_count, count);
    for (uint32_t k = 0; k < count; k++)
        BARKS_TRY(check_fields(inputs[k], function->inputs[k], function->name, where));
    return copy_env(env, function, where, &rdd->node.step.env);
}

/* What a pair becomes: what the function says, or all fields of both. */
BARKS_CHECKED static barks_status *fill_pairs(barks_rdd *rdd, barks_rdd *const *sides,
                                              bool may_miss, const barks_function *function,
                                              const void *env, const char *what, const char *where)
{
    struct step *step = &rdd->node.step;
    if (function != NULL)
        return set_function(rdd, sides, 2, function, env, where);
    for (uint32_t k = 0; k < 2; k++)
        BARKS_TRY(list_columns(sides[k], NULL, 0, false, &step->columns[k]));
    return record_of_columns(sides[0], &step->columns[0], may_miss, sides[1], &step->columns[1],
                             may_miss, what, where, &rdd->node.record);
}

barks_rdd *dataset_pair(barks_rdd *const *sides, enum step_kind kind, bool may_miss,
                        const barks_function *function, const void *env, barks_status *status,
                        const char *where)
{
    barks_rdd *rdd = dataset_create(sides[0]->context, kind, sides, 2, where);
    if (rdd->context == NULL) {
        barks_status_free(status);
        return rdd;
    }
    rdd->node.record = function != NULL ? function->out : sides[0]->node.record;
    rdd->node.partition_count = sides[0]->node.partition_count;
    if (rdd->node.error == NULL && status == NULL)
        status = fill_pairs(rdd, sides, may_miss, function, env, step_kind_name(kind), where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_status *record_with_number(const barks_rdd *input, const char *name, const char *where,
                                 const barks_record **out)
{
    static const barks_type number = {.id = BARKS_I64};
    const barks_schema *given = &input->node.record->schema;
    if (schema_find(given, name) >= 0)
        BARKS_FAIL(BARKS_INVALID,
                   "%s: the rows have a field '%s' already; number them under another "
                   "name",
                   where, name);
    barks_field *fields = calloc((size_t)given->field_count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a record", where);
    for (uint32_t i = 0; i < given->field_count; i++)
        fields[i] = given->fields[i];
    fields[given->field_count] = (barks_field){.name = name, .type = &number};
    const barks_schema schema = {.field_count = given->field_count + 1, .fields = fields};
    barks_status *status = registry_derive_record(&schema, out);
    free(fields);
    return status;
}
