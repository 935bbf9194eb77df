#include "base/pool.h"
#include "batch/batch.h"
#include "batch/column.h"
#include "batch/gather_columns.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The rows to copy: first, first + 1, ... or, where indices is there, those it lists. */
struct row_set {
    const uint32_t *indices; /* borrowed */
    uint32_t first;
    uint32_t count;
    bool has_holes; /* an index may be BARKS_NO_ROW: zero, and null where that can be said */
};

static inline bool is_hole(struct row_set rows, uint32_t k)
{
    return rows.has_holes && rows.indices[k] == BARKS_NO_ROW;
}

static void copy_bytes(uint8_t *to, const uint8_t *from, struct row_set rows)
{
    if (rows.indices == NULL)
        memcpy(to, from + rows.first, rows.count);
    else
        for (uint32_t k = 0; k < rows.count; k++)
            to[k] = is_hole(rows, k) ? 0 : from[rows.indices[k]];
}

static void copy_4(uint32_t *to, const uint32_t *from, struct row_set rows)
{
    if (rows.indices == NULL)
        memcpy(to, from + rows.first, rows.count * sizeof *to);
    else
        for (uint32_t k = 0; k < rows.count; k++)
            to[k] = is_hole(rows, k) ? 0 : from[rows.indices[k]];
}

static void copy_8(uint64_t *to, const uint64_t *from, struct row_set rows)
{
    if (rows.indices == NULL)
        memcpy(to, from + rows.first, rows.count * sizeof *to);
    else
        for (uint32_t k = 0; k < rows.count; k++)
            to[k] = is_hole(rows, k) ? 0 : from[rows.indices[k]];
}

/* Copies views; returns whether one of them has a pointer. */
static bool copy_strings(barks_str *to, const barks_str *from, struct row_set rows)
{
    uint32_t length_max = 0;
    if (rows.indices == NULL) {
        memcpy(to, from + rows.first, rows.count * sizeof *to);
        for (uint32_t k = 0; k < rows.count; k++)
            length_max = to[k].length > length_max ? to[k].length : length_max;
    } else {
        for (uint32_t k = 0; k < rows.count; k++) {
            to[k] = is_hole(rows, k) ? (barks_str){0} : from[rows.indices[k]];
            length_max = to[k].length > length_max ? to[k].length : length_max;
        }
    }
    return length_max > BARKS_STR_INLINE;
}

static void copy_validity_with_holes(barks_column *to, uint32_t to_row, const barks_column *from,
                                     struct row_set rows)
{
    if (to->validity == NULL)
        return; /* within a null struct */
    for (uint32_t k = 0; k < rows.count; k++)
        if (is_hole(rows, k) || !barks_is_valid(from, rows.indices[k]))
            validity_clear(to->validity, to_row + k);
}

static void copy_validity(barks_column *to, uint32_t to_row, const barks_column *from,
                          struct row_set rows)
{
    if (rows.has_holes) {
        copy_validity_with_holes(to, to_row, from, rows);
        return;
    }
    if (from->validity == NULL)
        return; /* the bits beyond the rows in use are set */
    assert(to->validity != NULL);
    if (rows.indices == NULL)
        validity_append(to->validity, to_row, from->validity, rows.first, rows.count);
    else
        validity_gather(to->validity, to_row, from->validity, rows.indices, rows.count);
}

BARKS_CHECKED static barks_status *copy_column(struct batch *batch, barks_column *to,
                                               uint32_t to_row, const barks_column *from,
                                               struct row_set rows, bool *any_long);

static inline barks_list_slice slice_at(const barks_column *list, struct row_set rows, uint32_t k)
{
    const barks_list_slice *slices = list->values;
    if (is_hole(rows, k))
        return (barks_list_slice){0};
    return slices[rows.indices == NULL ? rows.first + k : rows.indices[k]];
}

/* The items of rows as one range of the child column, where they are one. */
static bool items_are_range(const barks_column *from, struct row_set rows, struct row_set *out)
{
    *out = (struct row_set){0};
    for (uint32_t k = 0; k < rows.count; k++) {
        barks_list_slice slice = slice_at(from, rows, k);
        if (slice.length == 0)
            continue;
        if (out->count == 0)
            out->first = slice.offset;
        else if (slice.offset != out->first + out->count)
            return false;
        out->count += slice.length;
    }
    return true;
}

BARKS_CHECKED static barks_status *copy_items(struct batch *batch, barks_column *to,
                                              const barks_column *from, struct row_set rows,
                                              uint32_t item_count, bool *any_long)
{
    barks_column *to_items = &to->children[0];
    const barks_column *from_items = &from->children[0];
    struct row_set items = {0};
    if (items_are_range(from, rows, &items))
        return copy_column(batch, to_items, to->item_count, from_items, items, any_long);
    void *memory = NULL;
    size_t memory_bytes = item_count * sizeof(uint32_t);
    BARKS_TRY(pool_acquire(batch->pool, memory_bytes, &memory));
    uint32_t *indices = memory;
    uint32_t place = 0;
    for (uint32_t k = 0; k < rows.count; k++) {
        barks_list_slice slice = slice_at(from, rows, k);
        for (uint32_t item = 0; item < slice.length; item++)
            indices[place++] = slice.offset + item;
    }
    items = (struct row_set){.indices = indices, .count = item_count};
    barks_status *status =
        copy_column(batch, to_items, to->item_count, from_items, items, any_long);
    pool_release(batch->pool, memory, memory_bytes);
    return status;
}

BARKS_CHECKED static barks_status *copy_list(struct batch *batch, barks_column *to, uint32_t to_row,
                                             const barks_column *from, struct row_set rows,
                                             bool *any_long)
{
    uint64_t item_count = 0;
    for (uint32_t k = 0; k < rows.count; k++)
        item_count += slice_at(from, rows, k).length;
    if (item_count > COLUMN_ROWS_MAX - to->item_count)
        BARKS_FAIL(BARKS_LIMIT,
                   "%llu more items after %u are above the %u that a list column may "
                   "hold in one batch",
                   (unsigned long long)item_count, to->item_count, COLUMN_ROWS_MAX);
    BARKS_TRY(column_reserve_items(batch, to, (uint32_t)item_count));
    barks_list_slice *slices = (barks_list_slice *)to->values + to_row;
    uint32_t offset = to->item_count;
    for (uint32_t k = 0; k < rows.count; k++) {
        uint32_t length = slice_at(from, rows, k).length;
        slices[k] = (barks_list_slice){.offset = length == 0 ? 0 : offset, .length = length};
        offset += length;
    }
    if (item_count > 0)
        BARKS_TRY(copy_items(batch, to, from, rows, (uint32_t)item_count, any_long));
    to->item_count = offset;
    return NULL;
}

/* Writes rows of from to rows [to_row, to_row + rows.count) of to, which has room. */
barks_status *copy_column(struct batch *batch, barks_column *to, uint32_t to_row,
                          const barks_column *from, struct row_set rows, bool *any_long)
{
    copy_validity(to, to_row, from, rows);
    switch (to->type->id) {
    case BARKS_BOOL:
        copy_bytes((uint8_t *)to->values + to_row, from->values, rows);
        return NULL;
    case BARKS_I32:
    case BARKS_F32:
        copy_4((uint32_t *)to->values + to_row, from->values, rows);
        return NULL;
    case BARKS_I64:
    case BARKS_F64:
        copy_8((uint64_t *)to->values + to_row, from->values, rows);
        return NULL;
    case BARKS_STR:
    case BARKS_BYTES:
        *any_long |= copy_strings((barks_str *)to->values + to_row, from->values, rows);
        return NULL;
    case BARKS_LIST:
        return copy_list(batch, to, to_row, from, rows, any_long);
    case BARKS_STRUCT:
        for (uint32_t child = 0; child < column_child_count(to->type); child++)
            BARKS_TRY(copy_column(batch, &to->children[child], to_row, &from->children[child], rows,
                                  any_long));
        return NULL;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *copy_rows(struct batch *batch, const struct batch *from,
                                             struct row_set rows, enum batch_strings strings)
{
    bool any_long = false;
    for (uint32_t i = 0; i < batch->base.schema->field_count; i++)
        BARKS_TRY(copy_column(batch, &batch->base.columns[i], batch->base.row_count,
                              &from->base.columns[i], rows, &any_long));
    return any_long && strings != BATCH_LEND ? batch_own_strings(batch, rows.count, from, strings)
                                             : NULL;
}

BARKS_CHECKED static barks_status *append_rows(struct batch *batch, const struct batch *from,
                                               struct row_set rows, enum batch_strings strings)
{
    assert(batch != from);
    assert(schema_equal(batch->base.schema, from->base.schema));
    if (rows.count == 0)
        return NULL;
    BARKS_TRY(batch_reserve(batch, rows.count));
    barks_status *status = copy_rows(batch, from, rows, strings);
    if (status != NULL) {
        batch_forget_uncounted(batch);
        return status;
    }
    batch->base.row_count += rows.count;
    assert(batch_is_sound(batch));
    return NULL;
}

barks_status *batch_append(struct batch *batch, const struct batch *from, uint32_t first,
                           uint32_t row_count, enum batch_strings strings)
{
    assert((uint64_t)first + row_count <= from->base.row_count);
    struct row_set rows = {.first = first, .count = row_count};
    return append_rows(batch, from, rows, strings);
}

barks_status *batch_gather(struct batch *batch, const struct batch *from,
                           const uint32_t *row_indices, uint32_t row_count,
                           enum batch_strings strings)
{
    struct row_set rows = {.indices = row_indices, .count = row_count};
    return append_rows(batch, from, rows, strings);
}

/* ---- some columns only ---- */

barks_status *columns_gather(struct batch *to, const uint32_t *to_columns, const struct batch *from,
                             const uint32_t *from_columns, uint32_t column_count,
                             const uint32_t *rows, uint32_t row_count)
{
    bool any_long = false;
    struct row_set set = {.indices = rows, .count = row_count, .has_holes = true};
    assert(to != from && to->base.row_count + row_count <= to->capacity_rows);
    for (uint32_t i = 0; i < column_count; i++) {
        barks_column *column = &to->base.columns[to_columns != NULL ? to_columns[i] : i];
        const barks_column *given = &from->base.columns[from_columns[i]];
        assert(type_equal(column->type, given->type));
        BARKS_TRY(copy_column(to, column, to->base.row_count, given, set, &any_long));
    }
    return NULL;
}

barks_status *column_gather_lists(struct batch *to, barks_column *list, uint32_t to_row,
                                  const barks_column *from, const uint32_t *rows,
                                  uint32_t first_row, const uint32_t *lengths, uint32_t list_count)
{
    bool any_long = false;
    uint64_t item_count = 0;
    for (uint32_t k = 0; k < list_count; k++)
        item_count += lengths[k];
    if (item_count > COLUMN_ROWS_MAX - list->item_count)
        BARKS_FAIL(BARKS_LIMIT, "a list of %llu items is above the %u that a column may hold",
                   (unsigned long long)item_count, COLUMN_ROWS_MAX);
    BARKS_TRY(column_reserve_items(to, list, (uint32_t)item_count));
    struct row_set set = {.indices = rows, .first = first_row, .count = (uint32_t)item_count};
    if (item_count > 0)
        BARKS_TRY(copy_column(to, &list->children[0], list->item_count, from, set, &any_long));
    barks_list_slice *slices = (barks_list_slice *)list->values + to_row;
    for (uint32_t k = 0; k < list_count; k++) {
        slices[k] = (barks_list_slice){.offset = lengths[k] == 0 ? 0 : list->item_count,
                                       .length = lengths[k]};
        list->item_count += lengths[k];
    }
    return NULL;
}

barks_status *batch_lend_blocks(struct batch *to, const struct batch *from)
{
    for (uint32_t i = 0; i < from->block_count; i++)
        BARKS_TRY(batch_keep_block(to, from->blocks[i]));
    return NULL;
}

static void canonicalize_f32(float *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        values[i] = isnan(values[i]) ? NAN : values[i] + 0.0f; /* -0.0 + 0.0 is 0.0 */
}

static void canonicalize_f64(double *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        values[i] = isnan(values[i]) ? (double)NAN : values[i] + 0.0;
}

void columns_canonicalize(struct batch *batch, uint32_t column_count, uint32_t row_count)
{
    uint32_t first = batch->base.row_count;
    for (uint32_t i = 0; i < column_count; i++) {
        barks_column *column = &batch->base.columns[i];
        if (column->type->id == BARKS_F32)
            canonicalize_f32((float *)column->values + first, row_count);
        else if (column->type->id == BARKS_F64)
            canonicalize_f64((double *)column->values + first, row_count);
    }
}
