#include "batch/batch.h"
#include "batch/schema.h"

#include <assert.h>
#include <math.h>

static int sign(bool greater, bool less) { return (int)greater - (int)less; }

/* NaN is equal to itself and above infinity; -0.0 equals 0.0. */
static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b))
        return sign(isnan(a), isnan(b));
    return sign(a > b, a < b);
}

/* Integers of either width, so that keys of a join may differ in it. */
static int64_t integer_at(const barks_column *column, uint32_t row)
{
    return column->type->id == BARKS_I32 ? ((const int32_t *)column->values)[row]
                                         : ((const int64_t *)column->values)[row];
}

static double double_at(const barks_column *column, uint32_t row)
{
    return column->type->id == BARKS_F32 ? (double)((const float *)column->values)[row]
                                         : ((const double *)column->values)[row];
}

static int compare_values(const barks_column *a, uint32_t i, const barks_column *b, uint32_t j);

/* Inside of lists and structs null is the largest value and equal to null. */
static int compare_inner(const barks_column *a, uint32_t i, const barks_column *b, uint32_t j)
{
    bool a_is_there = barks_is_valid(a, i);
    bool b_is_there = barks_is_valid(b, j);
    if (!a_is_there || !b_is_there)
        return sign(!a_is_there, !b_is_there);
    return compare_values(a, i, b, j);
}

static int compare_lists(const barks_column *a, uint32_t i, const barks_column *b, uint32_t j)
{
    barks_list_slice a_items = ((const barks_list_slice *)a->values)[i];
    barks_list_slice b_items = ((const barks_list_slice *)b->values)[j];
    uint32_t common = a_items.length < b_items.length ? a_items.length : b_items.length;
    for (uint32_t item = 0; item < common; item++) {
        int order = compare_inner(&a->children[0], a_items.offset + item, &b->children[0],
                                  b_items.offset + item);
        if (order != 0)
            return order;
    }
    return sign(a_items.length > b_items.length, a_items.length < b_items.length);
}

static int compare_structs(const barks_column *a, uint32_t i, const barks_column *b, uint32_t j)
{
    for (uint32_t field = 0; field < a->type->fields->field_count; field++) {
        int order = compare_inner(&a->children[field], i, &b->children[field], j);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Of values that are there, of types that are equal but for the width of numbers. */
static int compare_values(const barks_column *a, uint32_t i, const barks_column *b, uint32_t j)
{
    switch (a->type->id) {
    case BARKS_BOOL:
        return ((const uint8_t *)a->values)[i] - ((const uint8_t *)b->values)[j];
    case BARKS_I32:
    case BARKS_I64: {
        int64_t a_value = integer_at(a, i);
        int64_t b_value = integer_at(b, j);
        return sign(a_value > b_value, a_value < b_value);
    }
    case BARKS_F32:
    case BARKS_F64:
        return compare_doubles(double_at(a, i), double_at(b, j));
    case BARKS_STR:
    case BARKS_BYTES:
        return barks_str_compare(((const barks_str *)a->values)[i],
                                 ((const barks_str *)b->values)[j]);
    case BARKS_LIST:
        return compare_lists(a, i, b, j);
    case BARKS_STRUCT:
        return compare_structs(a, i, b, j);
    }
    return 0;
}

int batch_compare_rows(const barks_batch *a, uint32_t i, const barks_batch *b, uint32_t j,
                       const struct sort_key *keys, uint32_t key_count)
{
    assert(i < a->row_count && j < b->row_count);
    for (const struct sort_key *key = keys; key < keys + key_count; key++) {
        const barks_column *a_column = &a->columns[key->column];
        const barks_column *b_column = &b->columns[key->column];
        bool a_is_there = barks_is_valid(a_column, i);
        bool b_is_there = barks_is_valid(b_column, j);
        int order = 0;
        if (!a_is_there || !b_is_there)
            order =
                key->nulls_first ? sign(a_is_there, b_is_there) : sign(!a_is_there, !b_is_there);
        else if (key->descending)
            order = compare_values(b_column, j, a_column, i);
        else
            order = compare_values(a_column, i, b_column, j);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Equality of strings sees most differences in the first 8 bytes, so it is not left to
 * compare_values. */
static bool columns_equal_at(const barks_column *a, uint32_t i, const barks_column *b, uint32_t j)
{
    if ((a->type->id == BARKS_STR || a->type->id == BARKS_BYTES) && a->validity == NULL &&
        b->validity == NULL)
        return barks_str_equal(((const barks_str *)a->values)[i],
                               ((const barks_str *)b->values)[j]);
    return compare_inner(a, i, b, j) == 0;
}

bool batch_rows_equal(const barks_batch *a, uint32_t i, const uint32_t *a_columns,
                      const barks_batch *b, uint32_t j, const uint32_t *b_columns,
                      uint32_t column_count)
{
    assert(i < a->row_count && j < b->row_count);
    for (uint32_t k = 0; k < column_count; k++)
        if (!columns_equal_at(&a->columns[a_columns[k]], i, &b->columns[b_columns[k]], j))
            return false;
    return true;
}

bool batch_equal(const barks_batch *a, const barks_batch *b)
{
    if (a->row_count != b->row_count || !schema_equal(a->schema, b->schema))
        return false;
    for (uint32_t i = 0; i < a->schema->field_count; i++)
        for (uint32_t row = 0; row < a->row_count; row++)
            if (!columns_equal_at(&a->columns[i], row, &b->columns[i], row))
                return false;
    return true;
}
