#include "exec/column_aggregates.h"

#include "barks/sum.h"
#include "base/checked.h"
#include "batch/schema.h"
#include "batch/validity.h"
#include "exec/column_folding.h"
#include "exec/column_number.h"
#include "shuffle/accumulator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- states ---- */

static inline bool *valid_of(void *accumulator, const struct column_aggregate *item)
{
    return (bool *)((char *)accumulator + item->valid_offset);
}

static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b); /* NaN is the largest */
    return (a > b) - (a < b);
}

/* Row of column against the value of its type that is kept at `kept`. */
static int compare_with(const barks_column *column, uint32_t row, const void *kept)
{
    switch (column->type->id) {
    case BARKS_BOOL:
        return (int)((const uint8_t *)column->values)[row] - (int)*(const uint8_t *)kept;
    case BARKS_I32:
    case BARKS_I64: {
        int64_t a = integer_at(column, row);
        int64_t b = column->type->id == BARKS_I32 ? *(const int32_t *)kept : *(const int64_t *)kept;
        return (a > b) - (a < b);
    }
    case BARKS_F32:
        return compare_doubles(number_at(column, row), (double)*(const float *)kept);
    case BARKS_F64:
        return compare_doubles(number_at(column, row), *(const double *)kept);
    case BARKS_STR:
    case BARKS_BYTES:
        return barks_str_compare(((const barks_str *)column->values)[row],
                                 *(const barks_str *)kept);
    case BARKS_LIST:
    case BARKS_STRUCT:
        break;
    }
    return 0;
}

/* Row of column becomes the value that is kept. */
static void keep_value(barks_call *call, const struct column_aggregate *item,
                       const barks_column *column, uint32_t row, void *accumulator)
{
    size_t bytes = type_value_bytes(column->type);
    void *kept = state_of(accumulator, item, 0);
    bool is_valid = barks_is_valid(column, row);
    *valid_of(accumulator, item) = is_valid;
    if (!is_valid)
        memset(kept, 0, bytes);
    else if (column->type->id == BARKS_STR || column->type->id == BARKS_BYTES)
        *(barks_str *)kept = barks_keep(call, ((const barks_str *)column->values)[row]);
    else
        memcpy(kept, (const char *)column->values + row * bytes, bytes);
}

/* ---- folding ---- */

static void fold_count(const struct folding *folding)
{
    const barks_column *column = column_of(folding, 0);
    for (uint32_t k = 0; k < folding->count; k++) {
        int64_t *counted = state_of(folding->accumulators[k], folding->item, 0);
        uint32_t row = folding->first_row + k;
        *counted += folding->merges ? integer_at(column, row)
                                    : (column == NULL || barks_is_valid(column, row));
    }
}

static void fold_integers(const struct folding *folding)
{
    const barks_column *column = column_of(folding, 0);
    for (uint32_t k = 0; k < folding->count; k++) {
        uint32_t row = folding->first_row + k;
        int64_t *sum = state_of(folding->accumulators[k], folding->item, 0);
        if (!barks_is_valid(column, row))
            continue;
        *valid_of(folding->accumulators[k], folding->item) = true;
        if (ckd_add(sum, *sum, integer_at(column, row))) {
            folding->call->row_index = row;
            barks_call_fail(folding->call, BARKS_HERE,
                            "a sum is beyond what an i64 holds; sum floats instead");
            return;
        }
    }
}

/* The sum that a row of a column of barks_sum holds. */
static struct barks_sum sum_at(const barks_column *column, uint32_t row)
{
    const barks_column *const children[] = {
        &column->children[0], &column->children[1], &column->children[2], &column->children[3],
        &column->children[4], &column->children[5], &column->children[6], &column->children[7]};
    struct barks_sum sum;
    barks_record_barks_sum.from_columns(children, &row, 1, &sum);
    return sum;
}

/* A sum and how many values are in it. */
static void fold_floats(const struct folding *folding)
{
    const barks_column *column = column_of(folding, 0);
    const barks_column *counts = folding->merges ? column_of(folding, 1) : NULL;
    for (uint32_t k = 0; k < folding->count; k++) {
        uint32_t row = folding->first_row + k;
        struct barks_sum *sum = state_of(folding->accumulators[k], folding->item, 0);
        int64_t *counted = state_of(folding->accumulators[k], folding->item, 1);
        if (folding->merges) {
            struct barks_sum more = sum_at(column, row);
            barks_sum_merge(sum, &more);
            *counted += integer_at(counts, row);
        } else if (barks_is_valid(column, row)) {
            barks_sum_add(sum, number_at(column, row));
            ++*counted;
        }
    }
}

static void fold_extreme(const struct folding *folding)
{
    const barks_column *column = column_of(folding, 0);
    int wanted = folding->item->op == COLUMN_MIN ? -1 : 1;
    for (uint32_t k = 0; k < folding->count; k++) {
        uint32_t row = folding->first_row + k;
        void *accumulator = folding->accumulators[k];
        if (!barks_is_valid(column, row))
            continue;
        if (!*valid_of(accumulator, folding->item) ||
            wanted * compare_with(column, row, state_of(accumulator, folding->item, 0)) > 0)
            keep_value(folding->call, folding->item, column, row, accumulator);
    }
}

/* A value and whether there was a row. */
static void fold_end_value(const struct folding *folding)
{
    const barks_column *column = column_of(folding, 0);
    bool is_last = folding->item->op == COLUMN_LAST;
    for (uint32_t k = 0; k < folding->count; k++) {
        int64_t *seen = state_of(folding->accumulators[k], folding->item, 1);
        if (*seen == 0 || is_last)
            keep_value(folding->call, folding->item, column, folding->first_row + k,
                       folding->accumulators[k]);
        *seen = 1;
    }
}

static void fold_item(const struct folding *folding)
{
    switch ((enum column_op)folding->item->op) {
    case COLUMN_COUNT:
        fold_count(folding);
        return;
    case COLUMN_SUM:
    case COLUMN_AVERAGE:
        if (folding->item->is_float)
            fold_floats(folding);
        else
            fold_integers(folding);
        return;
    case COLUMN_MIN:
    case COLUMN_MAX:
        fold_extreme(folding);
        return;
    case COLUMN_FIRST:
    case COLUMN_LAST:
        fold_end_value(folding);
        return;
    case COLUMN_LIST:
        fold_list(folding);
        return;
    case COLUMN_DISTINCT:
        fold_distinct(folding);
        return;
    }
}

static void fold(barks_call *call, void *const *accumulators, uint32_t first_row, uint32_t count,
                 bool merges)
{
    const struct column_aggregates *plan = call->env;
    for (uint32_t i = 0; i < plan->count && call->status == NULL; i++) {
        struct folding folding = {.call = call,
                                  .item = &plan->items[i],
                                  .accumulators = accumulators,
                                  .first_row = first_row,
                                  .count = count,
                                  .merges = merges};
        fold_item(&folding);
    }
}

static void fold_rows(barks_call *call, void *const *accumulators, uint32_t first_row,
                      uint32_t count)
{
    fold(call, accumulators, first_row, count, false);
}

static void fold_accumulators(barks_call *call, void *const *accumulators, uint32_t first_row,
                              uint32_t count)
{
    fold(call, accumulators, first_row, count, true);
}

const barks_function column_aggregates_update = {
    .name = "barks:columns",
    .kind = BARKS_KIND_AGGREGATE,
    .where = BARKS_HERE,
    .env_size = sizeof(struct column_aggregates),
    .fold = fold_rows,
};
const barks_function column_aggregates_merge = {
    .name = "barks:columns_merge",
    .kind = BARKS_KIND_REDUCE,
    .where = BARKS_HERE,
    .env_size = sizeof(struct column_aggregates),
    .fold = fold_accumulators,
};

static __attribute__((constructor)) void register_functions(void)
{
    barks_register(&column_aggregates_update);
    barks_register(&column_aggregates_merge);
}

/* ---- types ---- */

static const barks_type type_i64 = {.id = BARKS_I64}, type_f64 = {.id = BARKS_F64},
                        type_bytes = {.id = BARKS_BYTES};

static bool is_integer(const barks_type *type)
{
    return type->id == BARKS_I32 || type->id == BARKS_I64;
}

static bool is_float(const barks_type *type)
{
    return type->id == BARKS_F32 || type->id == BARKS_F64;
}

barks_status *column_aggregate_types(enum column_op op, const barks_field *column,
                                     const char *where, struct column_types *out)
{
    static const barks_type type_sum = {.id = BARKS_STRUCT,
                                        .fields = &barks_record_barks_sum.schema};
    const barks_type *type = column != NULL ? column->type : NULL;
    bool adds = op == COLUMN_SUM || op == COLUMN_AVERAGE;
    *out = (struct column_types){.state_count = 1};
    if (adds && !is_integer(type) && !is_float(type))
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' is %s; only numbers are added", where, column->name,
                   type_id_name(type->id));
    if (op != COLUMN_COUNT && op != COLUMN_DISTINCT &&
        (type->id == BARKS_LIST || type->id == BARKS_STRUCT))
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' is %s; use barks_group_by_key for such fields", where,
                   column->name, type_id_name(type->id));
    if (op == COLUMN_COUNT) {
        out->state[0] = out->result = (barks_field){.type = &type_i64};
    } else if (op == COLUMN_LIST) {
        out->list = (barks_type){.id = BARKS_LIST, .item = type};
        out->state[0] = out->result = (barks_field){.type = &out->list};
    } else if (op == COLUMN_DISTINCT) {
        out->state[0] = (barks_field){.type = &type_bytes};
        out->state[1] = out->result = (barks_field){.type = &type_i64};
        out->state_count = 2;
    } else if (op == COLUMN_SUM && is_integer(type)) {
        out->state[0] = out->result = (barks_field){.type = &type_i64, .nullable = true};
    } else if (adds) {
        out->state[0] = (barks_field){.type = &type_sum};
        out->state[1] = (barks_field){.type = &type_i64};
        out->state_count = 2;
        out->result = (barks_field){.type = &type_f64, .nullable = true};
    } else {
        out->state[0] = out->result = (barks_field){.type = type, .nullable = true};
        out->state[1] = (barks_field){.type = &type_i64};
        out->state_count = op == COLUMN_FIRST || op == COLUMN_LAST ? 2 : 1;
    }
    return NULL;
}

barks_status *column_aggregates_lay_out(const barks_record *record, struct column_aggregates *plan)
{
    struct accumulator_field *fields = NULL;
    BARKS_TRY(accumulator_fields_create(record, &fields));
    for (uint32_t i = 0; i < plan->count; i++) {
        struct column_aggregate *item = &plan->items[i];
        item->offsets[0] = (uint32_t)fields[item->fields[0]].offset; /* of a struct of some KiB */
        item->valid_offset = (uint32_t)fields[item->fields[0]].valid_offset;
        if (item->fields[1] != COLUMN_NONE)
            item->offsets[1] = (uint32_t)fields[item->fields[1]].offset;
    }
    accumulator_fields_destroy(fields, record->schema.field_count);
    return NULL;
}

/* ---- results ---- */

struct column_results {
    const struct column_aggregates *plan; /* borrowed */
    struct batch *computed; /* of the result's schema: the columns that are computed */
    struct batch view;      /* lent: columns of accumulators, or of computed */
    barks_column *columns;  /* owned: of view */
};

void column_results_destroy(struct column_results *results)
{
    if (results == NULL)
        return;
    batch_destroy(results->computed);
    free(results->columns);
    free(results);
}

barks_status *column_results_create(struct pool *pool, const struct column_aggregates *plan,
                                    const barks_schema *schema, struct column_results **out_results)
{
    struct column_results *results = calloc(1, sizeof *results);
    if (results == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the rows of an aggregate");
    results->plan = plan;
    results->columns = calloc((size_t)schema->field_count + 1, sizeof *results->columns);
    barks_status *status = results->columns == NULL
                               ? barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                                  "no memory for the rows of an aggregate")
                               : batch_create(pool, schema, BATCH_ROWS, &results->computed);
    if (status != NULL) {
        column_results_destroy(results);
        return status;
    }
    *out_results = results;
    return NULL;
}

static bool is_computed(const struct column_aggregate *item)
{
    return item->is_float || item->op == COLUMN_DISTINCT;
}

static void compute(const struct column_aggregate *item, const struct batch *accumulators,
                    barks_column *out)
{
    const barks_column *sums = &accumulators->base.columns[item->fields[0]];
    const barks_column *counts = &accumulators->base.columns[item->fields[1]];
    for (uint32_t row = 0; row < accumulators->base.row_count; row++) {
        if (item->op == COLUMN_DISTINCT) {
            ((int64_t *)out->values)[row] = distinct_state_count(item, sums, counts, row);
            continue;
        }
        int64_t counted = integer_at(counts, row);
        struct barks_sum sum = sum_at(sums, row);
        double value = counted > 0 ? barks_sum_value(&sum) : 0;
        if (counted > 0 && item->op == COLUMN_AVERAGE)
            value /= (double)counted;
        ((double *)out->values)[row] = value;
        uint64_t bit = UINT64_C(1) << (row % 64);
        out->validity[row / 64] = (out->validity[row / 64] & ~bit) | (counted > 0 ? bit : 0);
    }
}

barks_status *column_results_make(struct column_results *results, const struct batch *accumulators,
                                  struct batch **out_rows)
{
    const struct column_aggregates *plan = results->plan;
    batch_clear(results->computed);
    BARKS_TRY(batch_reserve(results->computed, accumulators->base.row_count));
    /* So that the next clearing finds the rows whose nulls it takes away. */
    results->computed->base.row_count = accumulators->base.row_count;
    for (uint32_t k = 0; k < plan->key_count; k++)
        results->columns[k] = accumulators->base.columns[k];
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct column_aggregate *item = &plan->items[i];
        uint32_t at = plan->key_count + i;
        if (is_computed(item))
            compute(item, accumulators, &results->computed->base.columns[at]);
        results->columns[at] = is_computed(item) ? results->computed->base.columns[at]
                                                 : accumulators->base.columns[item->fields[0]];
    }
    results->view = *accumulators;
    results->view.base.schema = results->computed->base.schema;
    results->view.base.columns = results->columns;
    results->view.made = NULL;
    *out_rows = &results->view;
    return NULL;
}
