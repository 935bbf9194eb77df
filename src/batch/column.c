#include "batch/column.h"

#include "base/checked.h"
#include "base/pool.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Few enough to waste little on small batches, and whole words of validity. */
enum { COLUMN_ROWS_MIN = 64 };

/* Values of so many bytes grow where they lie (pool_grow_zeroed), so that they need not double. */
enum { GROWN_BYTES_MIN = 2 << 20 };

uint32_t column_child_count(const barks_type *type)
{
    if (type->id == BARKS_LIST)
        return 1;
    return type->id == BARKS_STRUCT ? type->fields->field_count : 0;
}

bool column_child_is_nullable(const barks_type *type, uint32_t child)
{
    return type->id == BARKS_STRUCT && type->fields->fields[child].nullable;
}

static const barks_type *child_type(const barks_type *type, uint32_t child)
{
    return type->id == BARKS_LIST ? type->item : type->fields->fields[child].type;
}

BARKS_CHECKED static barks_status *create_children(barks_column *column, const barks_type *type)
{
    column->type = type;
    uint32_t child_count = column_child_count(type);
    if (child_count == 0)
        return NULL;
    column->children = calloc(child_count, sizeof *column->children);
    if (column->children == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u child columns", child_count);
    /* Every child has its type before any can fail, so that a half-built tree can be destroyed. */
    for (uint32_t child = 0; child < child_count; child++)
        column->children[child].type = child_type(type, child);
    for (uint32_t child = 0; child < child_count; child++)
        BARKS_TRY(create_children(&column->children[child], child_type(type, child)));
    return NULL;
}

/* Of the column alone. */
static void drop_own(struct pool *pool, barks_column *column)
{
    size_t value_bytes = type_value_bytes(column->type);
    if (column->values != NULL && !column->is_foreign)
        pool_release(pool, column->values, column->capacity * value_bytes);
    if (column->validity != NULL)
        pool_release(pool, column->validity, column->capacity / 8);
    column->values = NULL;
    column->validity = NULL;
    column->is_foreign = false;
    column->capacity = 0;
}

static void drop_memory(struct pool *pool, barks_column *column)
{
    if (column->children != NULL) {
        for (uint32_t child = 0; child < column_child_count(column->type); child++)
            drop_memory(pool, &column->children[child]);
        free(column->children);
    }
    drop_own(pool, column);
}

barks_status *columns_create(const barks_schema *schema, barks_column **out_columns)
{
    /* One more, so that a schema without fields has an array too. */
    barks_column *columns = calloc((size_t)schema->field_count + 1, sizeof *columns);
    if (columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u columns", schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++)
        columns[i].type = schema->fields[i].type;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        barks_status *status = create_children(&columns[i], schema->fields[i].type);
        if (status != NULL) {
            columns_destroy(NULL, schema, columns); /* nothing is from a pool yet */
            return status;
        }
    }
    *out_columns = columns;
    return NULL;
}

void columns_destroy(struct pool *pool, const barks_schema *schema, barks_column *columns)
{
    if (columns == NULL)
        return;
    for (uint32_t i = 0; i < schema->field_count; i++)
        drop_memory(pool, &columns[i]);
    free(columns);
}

static bool grows_in_place(const barks_column *column)
{
    return column->values != NULL && !column->is_foreign &&
           column->capacity * type_value_bytes(column->type) >= GROWN_BYTES_MIN;
}

/* Memory for capacity values, in which the first row_count are those of the column, whose own is
 * released. A struct has none. */
BARKS_CHECKED static barks_status *move_values(struct pool *pool, barks_column *column,
                                               uint32_t row_count, uint32_t capacity)
{
    size_t value_bytes = type_value_bytes(column->type);
    size_t old_bytes = column->capacity * value_bytes, bytes = capacity * value_bytes;
    void *values = NULL;
    if (value_bytes == 0)
        return NULL;
    if (grows_in_place(column)) {
        BARKS_TRY(pool_grow_zeroed(pool, column->values, old_bytes, bytes, &values));
    } else {
        BARKS_TRY(pool_acquire(pool, bytes, &values));
        if (column->values != NULL)
            memcpy(values, column->values, row_count * value_bytes);
        if (!column->is_foreign)
            pool_release(pool, column->values, old_bytes);
    }
    column->values = values;
    column->is_foreign = false;
    return NULL;
}

/* Moves values and validity of one column, not its children, to memory for capacity rows. */
BARKS_CHECKED static barks_status *move_memory(struct pool *pool, barks_column *column,
                                               bool nullable, uint32_t row_count, uint32_t capacity)
{
    void *validity = NULL;
    if (nullable) {
        BARKS_TRY(pool_acquire(pool, capacity / 8, &validity));
        if (column->validity != NULL)
            memcpy(validity, column->validity, validity_words(row_count) * sizeof(uint64_t));
        validity_fill(validity, column->validity == NULL ? 0 : row_count, capacity);
    }
    barks_status *status = move_values(pool, column, row_count, capacity);
    if (status != NULL) {
        pool_release(pool, validity, capacity / 8);
        return status;
    }
    pool_release(pool, column->validity, column->capacity / 8);
    column->validity = validity;
    column->capacity = capacity;
    return NULL;
}

/* At least double, or by half where that copies nothing, in whole words of validity, and all that
 * the pool's block for so many values holds. */
static uint32_t new_capacity(const barks_column *column, uint64_t needed_rows)
{
    uint64_t capacity = column->capacity;
    capacity += grows_in_place(column) ? capacity / 2 : capacity;
    if (capacity < needed_rows)
        capacity = needed_rows;
    capacity = (capacity + COLUMN_ROWS_MIN - 1) / COLUMN_ROWS_MIN * COLUMN_ROWS_MIN;
    size_t value_bytes = type_value_bytes(column->type);
    size_t block_bytes = value_bytes == 0 ? SIZE_MAX : pool_size_class(capacity * value_bytes);
    if (block_bytes != SIZE_MAX)
        capacity = block_bytes / value_bytes / COLUMN_ROWS_MIN * COLUMN_ROWS_MIN;
    return capacity < COLUMN_ROWS_MAX ? (uint32_t)capacity : COLUMN_ROWS_MAX;
}

barks_status *column_grow(struct pool *pool, barks_column *column, bool nullable,
                          uint32_t row_count, uint64_t needed_rows)
{
    if (needed_rows > COLUMN_ROWS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%llu rows are more than the %u that a column holds",
                   (unsigned long long)needed_rows, COLUMN_ROWS_MAX);
    if (needed_rows <= column->capacity)
        return NULL;
    uint32_t capacity = new_capacity(column, needed_rows);
    if (column->type->id ==
        BARKS_STRUCT) /* first, so that they always have room for as many rows */
        for (uint32_t child = 0; child < column_child_count(column->type); child++)
            BARKS_TRY(column_grow(pool, &column->children[child],
                                  column_child_is_nullable(column->type, child), row_count,
                                  capacity));
    return move_memory(pool, column, nullable, row_count, capacity);
}

barks_status *column_borrow(struct pool *pool, barks_column *column, bool nullable,
                            uint32_t row_count, const void *values)
{
    uint32_t capacity = validity_words(row_count) * COLUMN_ROWS_MIN;
    void *validity = NULL;
    assert(column->capacity == 0 && row_count > 0 && row_count <= COLUMN_ROWS_MAX);
    if (nullable) {
        BARKS_TRY(pool_acquire(pool, capacity / 8, &validity));
        validity_fill(validity, 0, capacity);
    }
    column->validity = validity;
    column->values = (void *)(uintptr_t)values; /* is_foreign keeps them from being written to */
    column->is_foreign = values != NULL;
    column->capacity = capacity;
    return NULL;
}

barks_status *column_own(struct pool *pool, barks_column *column, bool nullable, uint32_t row_count)
{
    for (uint32_t child = 0;
         column->type->id == BARKS_STRUCT && child < column_child_count(column->type); child++)
        BARKS_TRY(column_own(pool, &column->children[child],
                             column_child_is_nullable(column->type, child), row_count));
    return column->is_foreign
               ? move_memory(pool, column, nullable, row_count, new_capacity(column, row_count))
               : NULL;
}

void column_disown(struct pool *pool, barks_column *column)
{
    bool has_foreign = column->is_foreign;
    for (uint32_t child = 0;
         column->type->id == BARKS_STRUCT && child < column_child_count(column->type); child++) {
        column_disown(pool, &column->children[child]);
        has_foreign |= column->children[child].capacity < column->capacity;
    }
    if (has_foreign) /* a struct has no more room than its fields */
        drop_own(pool, column);
}

/* Items are appended in the order of rows, so those of the rows that stay come first. */
static uint32_t items_in_use(const barks_column *list, uint32_t row_count)
{
    const barks_list_slice *slices = list->values;
    uint32_t end = 0;
    for (uint32_t row = 0; row < row_count; row++)
        if (slices[row].offset + slices[row].length > end)
            end = slices[row].offset + slices[row].length;
    return end;
}

void column_truncate(barks_column *column, uint32_t row_count, uint32_t dirty_rows)
{
    if (column->validity != NULL)
        validity_fill(column->validity, row_count,
                      dirty_rows < column->capacity ? dirty_rows : column->capacity);
    if (column->type->id == BARKS_LIST) {
        uint32_t item_count = items_in_use(column, row_count);
        column_truncate(&column->children[0], item_count,
                        dirty_rows == COLUMN_ALL_DIRTY ? dirty_rows : column->item_count);
        column->item_count = item_count;
    } else if (column->type->id == BARKS_STRUCT) {
        for (uint32_t child = 0; child < column_child_count(column->type); child++)
            column_truncate(&column->children[child], row_count, dirty_rows);
    }
}

bool column_is_sound(const barks_column *column, uint32_t row_count)
{
    if (column->capacity < row_count || column->capacity % COLUMN_ROWS_MIN != 0 ||
        (column->values != NULL) != (column->capacity > 0 && type_value_bytes(column->type) > 0))
        return false;
    if (column->validity != NULL &&
        !validity_is_full(column->validity, row_count, column->capacity - row_count))
        return false;
    if (column->type->id == BARKS_LIST)
        return column_is_sound(&column->children[0], column->item_count);
    for (uint32_t child = 0; child < column_child_count(column->type); child++)
        if (!column_is_sound(&column->children[child], row_count) ||
            column->children[child].capacity < column->capacity)
            return false;
    return true;
}
