/* The memory of columns: trees of them that follow a schema, grow together and are cut back. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* Rows of a batch and items of a list column: so that an index, and the sum of two, fit a uint32_t.
 */
#define COLUMN_ROWS_MAX (UINT32_C(1) << 31)

/* Columns without rows or memory for every field of schema. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *columns_create(const barks_schema *schema, barks_column **out_columns);
/* NULL is fine. */
void columns_destroy(struct pool *pool, const barks_schema *schema, barks_column *columns);

/* Room for needed_rows rows, of which row_count are in use, in column and, for a struct, in its
 * fields. New validity bits are set. Errors: as pool_acquire, BARKS_LIMIT past COLUMN_ROWS_MAX;
 * what is in use is then as before. */
BARKS_CHECKED barks_status *column_grow(struct pool *pool, barks_column *column, bool nullable,
                                        uint32_t row_count, uint64_t needed_rows);

/* The same for an empty column alone, without its fields, whose values are those of another
 * library: they are read only until column_own, and outlive the column. A struct has none. */
BARKS_CHECKED barks_status *column_borrow(struct pool *pool, barks_column *column, bool nullable,
                                          uint32_t row_count, const void *values);
/* Copies foreign values of row_count rows, of fields too, so that they may be written to. Errors:
 * as pool_acquire. */
BARKS_CHECKED barks_status *column_own(struct pool *pool, barks_column *column, bool nullable,
                                       uint32_t row_count);
/* Forgets foreign values, of fields too: such a column is then empty and without memory. */
void column_disown(struct pool *pool, barks_column *column);

/* Says what rows may have been written to beyond those in use. */
#define COLUMN_ALL_DIRTY UINT32_MAX

/* Forgets rows [row_count, dirty_rows): their validity bits are set again, their items given up. */
void column_truncate(barks_column *column, uint32_t row_count, uint32_t dirty_rows);

/* The child columns of a list or struct, how many, and whether one may hold nulls. */
uint32_t column_child_count(const barks_type *type);
bool column_child_is_nullable(const barks_type *type, uint32_t child);

/* Values from row on; NULL where a column has no memory yet. */
static inline barks_str *column_strings(const barks_column *column, uint32_t row)
{
    return column->values == NULL ? NULL : (barks_str *)column->values + row;
}

static inline barks_list_slice *column_slices(const barks_column *column, uint32_t row)
{
    return column->values == NULL ? NULL : (barks_list_slice *)column->values + row;
}

bool column_is_sound(const barks_column *column, uint32_t row_count);
