/* Sums, counts and the like of columns by key, told in words: "count() as n, sum(price)". */
#include "batch/schema.h"
#include "exec/column_aggregates.h"
#include "exec/record_registry.h"
#include "exec/registers.h"
#include "rdd/combining.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 128, WORDS_BYTES = 2048 };

/* What the text asks for, as it is read. */
struct wanted {
    struct column_aggregates plan;
    char names[COLUMN_AGGREGATES_MAX][NAME_BYTES];
    struct column_types types[COLUMN_AGGREGATES_MAX];
    bool order_counts;
};

static const struct {
    const char *name;
    enum column_op op;
} ops[] = {{"count", COLUMN_COUNT}, {"sum", COLUMN_SUM},
           {"avg", COLUMN_AVERAGE}, {"min", COLUMN_MIN},
           {"max", COLUMN_MAX},     {"first", COLUMN_FIRST},
           {"last", COLUMN_LAST},   {"mean", COLUMN_AVERAGE},
           {"list", COLUMN_LIST},   {"approx_count_distinct", COLUMN_DISTINCT}};

/* The word at *text, to its end; false where there is none or it is too long. */
static bool next_name(const char **text, char *out)
{
    size_t length = 0;
    while (isspace((unsigned char)**text))
        (*text)++;
    while (isalnum((unsigned char)**text) || **text == '_') {
        if (length + 1 == NAME_BYTES)
            return false;
        out[length++] = *(*text)++;
    }
    out[length] = '\0';
    while (isspace((unsigned char)**text))
        (*text)++;
    return length > 0;
}

static bool next_is(const char **text, char byte)
{
    if (**text != byte)
        return false;
    (*text)++;
    while (isspace((unsigned char)**text))
        (*text)++;
    return true;
}

BARKS_CHECKED static barks_status *not_understood(const char *where, const char *text)
{
    BARKS_FAIL(BARKS_INVALID,
               "%s: '%.40s' is no aggregate; write \"count() as n, sum(field) as total, ...\" of "
               "count, sum, avg, min, max, first, last, list and approx_count_distinct",
               where, text);
}

BARKS_CHECKED static barks_status *find_field(const char *name, const barks_schema *rows,
                                              const char *where, uint32_t *out_column)
{
    uint32_t *found = NULL, count = 0;
    BARKS_TRY(parse_keys(name, rows, where, &found, &count));
    *out_column = found[0];
    free(found);
    return NULL;
}

/* The deviation after the fields of DISTINCT, where there is one. */
BARKS_CHECKED static barks_status *read_deviation(const char **text, const char *where,
                                                  struct column_aggregate *item)
{
    double deviation = 0.05;
    if (isdigit((unsigned char)**text) || **text == '.') {
        char *end = NULL;
        deviation = strtod(*text, &end);
        *text = end;
        while (isspace((unsigned char)**text))
            (*text)++;
    }
    BARKS_TRY(registers_check_deviation(deviation, where));
    item->precision = registers_precision(deviation);
    return NULL;
}

/* The fields of DISTINCT behind the first one, and its deviation. */
BARKS_CHECKED static barks_status *read_distinct(const char **text, const barks_schema *rows,
                                                 const char *where, struct column_aggregate *item)
{
    char field[NAME_BYTES];
    item->columns[item->column_count++] = item->column;
    while (next_is(text, ',') && !isdigit((unsigned char)**text) && **text != '.') {
        if (item->column_count == COLUMN_FIELDS_MAX)
            BARKS_FAIL(BARKS_LIMIT, "%s: approx_count_distinct of more than %d fields", where,
                       COLUMN_FIELDS_MAX);
        if (!next_name(text, field))
            return not_understood(where, *text);
        BARKS_TRY(find_field(field, rows, where, &item->columns[item->column_count++]));
    }
    return read_deviation(text, where, item);
}

/* One "op(field) as name" at *text. */
BARKS_CHECKED static barks_status *read_one(const char **text, const barks_schema *rows,
                                            const char *where, struct wanted *out)
{
    char op[NAME_BYTES], field[NAME_BYTES] = "", as[NAME_BYTES];
    const char *begin = *text;
    struct column_aggregate *item = &out->plan.items[out->plan.count];
    char *name = out->names[out->plan.count];
    if (!next_name(text, op) || !next_is(text, '('))
        return not_understood(where, begin);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (strcmp(ops[i].name, op) == 0)
            item->op = ops[i].op;
    bool has_field = next_name(text, field);
    item->column = COLUMN_NONE;
    if (item->op == 0 || (!has_field && item->op != COLUMN_COUNT))
        return not_understood(where, begin);
    if (has_field)
        BARKS_TRY(find_field(field, rows, where, &item->column));
    if (item->op == COLUMN_DISTINCT)
        BARKS_TRY(read_distinct(text, rows, where, item));
    if (!next_is(text, ')'))
        return not_understood(where, begin);
    snprintf(name, NAME_BYTES, has_field ? "%.60s_%.60s" : "%.60s", op, field);
    if (isalpha((unsigned char)**text) &&
        (!next_name(text, as) || strcmp(as, "as") != 0 || !next_name(text, name)))
        return not_understood(where, begin);
    out->order_counts |=
        item->op == COLUMN_FIRST || item->op == COLUMN_LAST || item->op == COLUMN_LIST;
    return column_aggregate_types((enum column_op)item->op,
                                  has_field ? &rows->fields[item->column] : NULL, where,
                                  &out->types[out->plan.count++]);
}

BARKS_CHECKED static barks_status *read_all(const char *text, const barks_schema *rows,
                                            const char *where, struct wanted *out)
{
    do {
        if (out->plan.count == COLUMN_AGGREGATES_MAX)
            BARKS_FAIL(BARKS_LIMIT, "%s: more than %d aggregates", where, COLUMN_AGGREGATES_MAX);
        BARKS_TRY(read_one(&text, rows, where, out));
    } while (next_is(&text, ','));
    return *text == '\0' ? NULL : not_understood(where, text);
}

/* Schemas as they are put together; names are borrowed. */
struct making {
    barks_field *fields; /* owned */
    uint32_t count;
};

static uint32_t add_field(struct making *making, const barks_field *field, const char *name)
{
    making->fields[making->count] = *field;
    making->fields[making->count].name = name;
    return making->count++;
}

BARKS_CHECKED static barks_status *check_names(const struct making *result, const char *where)
{
    for (uint32_t i = 0; i < result->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(result->fields[i].name, result->fields[k].name) == 0)
                BARKS_FAIL(BARKS_INVALID,
                           "%s: two fields would be named '%s'; write \"... as "
                           "other_name\"",
                           where, result->fields[i].name);
    return NULL;
}

BARKS_CHECKED static barks_status *derive(const struct making *making,
                                          const barks_record **out_record)
{
    const barks_schema schema = {.field_count = making->count, .fields = making->fields};
    return registry_derive_record(&schema, out_record);
}

/* Keys, then states or results. */
BARKS_CHECKED static barks_status *make_records(const barks_schema *rows,
                                                const struct combining *combining,
                                                struct wanted *wanted, struct making *state,
                                                struct making *result, char (*names)[NAME_BYTES])
{
    for (uint32_t k = 0; k < combining->key_count; k++) {
        const barks_field *key = &rows->fields[combining->columns[k]];
        add_field(state, key, key->name);
        add_field(result, key, key->name);
    }
    for (uint32_t i = 0; i < wanted->plan.count; i++) {
        struct column_aggregate *item = &wanted->plan.items[i];
        const struct column_types *types = &wanted->types[i];
        for (uint32_t k = 0; k < 2; k++) {
            char *name = names[2 * i + k];
            snprintf(name, NAME_BYTES, "barks:state_%u_%u", i, k);
            item->fields[k] =
                k < types->state_count ? add_field(state, &types->state[k], name) : COLUMN_NONE;
        }
        item->is_float = types->state[0].type->id == BARKS_STRUCT;
        add_field(result, &types->result, wanted->names[i]);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *plan_records(const barks_schema *rows,
                                                struct combining *combining, struct wanted *wanted)
{
    size_t most = (size_t)combining->key_count + 2 * COLUMN_AGGREGATES_MAX + 1;
    struct making state = {.fields = calloc(most, sizeof(barks_field))};
    struct making result = {.fields = calloc(most, sizeof(barks_field))};
    char(*names)[NAME_BYTES] = calloc(2 * COLUMN_AGGREGATES_MAX, sizeof *names);
    barks_status *status = NULL;
    if (state.fields == NULL || result.fields == NULL || names == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory for aggregates",
                                  combining->where);
    if (status == NULL)
        status = make_records(rows, combining, wanted, &state, &result, names);
    if (status == NULL)
        status = check_names(&result, combining->where);
    if (status == NULL)
        status = derive(&state, &combining->record);
    if (status == NULL)
        status = derive(&result, &combining->result);
    if (status == NULL)
        status = column_aggregates_lay_out(combining->record, &wanted->plan);
    free(state.fields);
    free(result.fields);
    free(names);
    return status;
}

/* The keys are the accumulator's first fields. */
BARKS_CHECKED static barks_status *plan_aggregate(const barks_schema *rows, const char *keys,
                                                  const char *aggregates,
                                                  struct combining *combining,
                                                  struct wanted *wanted)
{
    BARKS_TRY(read_all(aggregates, rows, combining->where, wanted));
    if (keys != NULL && keys[strspn(keys, " ")] != '\0')
        BARKS_TRY(
            parse_keys(keys, rows, combining->where, &combining->columns, &combining->key_count));
    wanted->plan.key_count = combining->key_count;
    combining->first_counts = wanted->order_counts;
    combining->keys = calloc((size_t)combining->key_count + 1, sizeof *combining->keys);
    if (combining->keys == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the keys", combining->where);
    for (uint32_t k = 0; k < combining->key_count; k++)
        combining->keys[k] = k;
    return plan_records(rows, combining, wanted);
}

static barks_rdd *aggregate(barks_rdd *input, const char *keys, const char *aggregates,
                            const barks_exchange_options *options, bool stays, const char *where)
{
    barks_exchange_options own = *options;
    struct combining combining = {.record = input->node.record,
                                  .update = &column_aggregates_update,
                                  .merge = &column_aggregates_merge,
                                  .options = &own,
                                  .stays = stays,
                                  .where = where};
    if (input->context == NULL || input->node.error != NULL)
        return failed_combine(input, &combining, NULL);
    struct wanted *wanted = calloc(1, sizeof *wanted);
    barks_status *status =
        wanted == NULL
            ? barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory", where)
            : plan_aggregate(&input->node.record->schema, keys, aggregates, &combining, wanted);
    if (wanted != NULL)
        own.env = &wanted->plan;
    barks_rdd *made = NULL;
    if (status == NULL) {
        made = combining.key_count > 0 ? combine_by(input, &combining, NULL)
                                       : combine_all(input, &combining);
    } else {
        made = failed_combine(input, &combining, status);
        free(combining.keys);
        free(combining.columns);
    }
    free(wanted);
    return made;
}

barks_rdd *barks_aggregate_at(barks_rdd *input, const char *keys, const char *aggregates,
                              const barks_exchange_options *options, const char *where)
{
    return aggregate(input, keys, aggregates, options, false, where);
}

barks_rdd *count_in_partitions(barks_rdd *input, const char *keys, const char *where)
{
    return aggregate(input, keys, "count() as count", &(barks_exchange_options){0}, true, where);
}

barks_rdd *barks_count_approx_distinct_by_key_at(barks_rdd *input, const char *keys,
                                                 const char *fields, double deviation,
                                                 const barks_exchange_options *options,
                                                 const char *where)
{
    char text[WORDS_BYTES];
    int length =
        snprintf(text, sizeof text, "approx_count_distinct(%s, %.17f) as count", fields, deviation);
    struct combining combining = {.record = input->node.record, .where = where};
    if (input->context == NULL || input->node.error != NULL)
        return failed_combine(input, &combining, NULL);
    barks_status *status = registers_check_deviation(deviation, where);
    if (status == NULL && (length < 0 || (size_t)length >= sizeof text))
        status = barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE, "%s: names of over %d bytes",
                                  where, WORDS_BYTES);
    return status != NULL ? failed_combine(input, &combining, status)
                          : barks_aggregate_at(input, keys, text, options, where);
}
