/* The table of batch_print:
 *
 *     word   count
 *     str      i64
 *     -----  -----
 *     apple      3
 *     ...
 *     (1 of 7 rows)
 */
#include "base/buffer.h"
#include "base/scope.h"
#include "batch/schema.h"
#include "batch/value_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_CHARACTERS_MAX = 40, CELL_BYTES_MAX = 1 << 20, COLUMN_GAP = 2 };

/* The cells of the table, all its rows one behind the other; a cell is its length in bytes, its
 * width in characters and its bytes. */
struct cell {
    uint32_t offset;
    uint32_t length;
    uint32_t width;
};

struct table {
    struct buffer text;
    struct cell *cells; /* owned; row_count * column_count */
    uint32_t *widths;   /* owned; of each column */
    uint32_t column_count;
    uint32_t row_count; /* with both rows of the head */
};

static void table_drop(struct table *table)
{
    buffer_drop(&table->text);
    free(table->cells);
    free(table->widths);
}

BARKS_CHECKED static barks_status *put_spaces(struct buffer *out, uint32_t count)
{
    static const char spaces[] = "                ";
    for (; count > sizeof spaces - 1; count -= (uint32_t)sizeof spaces - 1)
        BARKS_TRY(buffer_append(out, spaces, sizeof spaces - 1));
    return buffer_append(out, spaces, count);
}

BARKS_CHECKED static barks_status *put_cell(struct table *table, struct cell *cell,
                                            const char *value, size_t value_bytes)
{
    cell->offset = (uint32_t)table->text.size_bytes;
    BARKS_TRY(shown_print(value, value_bytes, CELL_CHARACTERS_MAX, &table->text, &cell->width));
    cell->length = (uint32_t)table->text.size_bytes - cell->offset;
    return NULL;
}

BARKS_CHECKED static barks_status *fill_head(struct table *table, const barks_field *field,
                                             uint32_t column)
{
    BARKS_AUTO(buffer) type = {.limit_bytes = CELL_BYTES_MAX};
    BARKS_TRY(type_print(field->type, &type));
    if (field->nullable)
        BARKS_TRY(buffer_append(&type, "?", 1));
    BARKS_TRY(put_cell(table, &table->cells[column], field->name, strlen(field->name)));
    return put_cell(table, &table->cells[table->column_count + column], (const char *)type.data,
                    type.size_bytes);
}

BARKS_CHECKED static barks_status *fill_table(struct table *table, const barks_batch *batch)
{
    for (uint32_t column = 0; column < table->column_count; column++) {
        BARKS_TRY(fill_head(table, &batch->schema->fields[column], column));
        for (uint32_t row = 2; row < table->row_count; row++) {
            BARKS_AUTO(buffer) value = {.limit_bytes = SIZE_MAX};
            BARKS_TRY(value_print(&batch->columns[column], row - 2, &value));
            BARKS_TRY(put_cell(table, &table->cells[row * table->column_count + column],
                               (const char *)value.data, value.size_bytes));
        }
        for (uint32_t row = 0; row < table->row_count; row++) {
            uint32_t width = table->cells[row * table->column_count + column].width;
            if (width > table->widths[column])
                table->widths[column] = width;
        }
    }
    return NULL;
}

static bool is_number(const barks_type *type)
{
    return type->id == BARKS_I32 || type->id == BARKS_I64 || type->id == BARKS_F32 ||
           type->id == BARKS_F64;
}

BARKS_CHECKED static barks_status *put_row(const struct table *table, const barks_batch *batch,
                                           uint32_t row, struct buffer *out)
{
    for (uint32_t column = 0; column < table->column_count; column++) {
        const struct cell *cell = &table->cells[row * table->column_count + column];
        uint32_t padding = table->widths[column] - cell->width;
        bool right = is_number(batch->schema->fields[column].type);
        if (column > 0)
            BARKS_TRY(put_spaces(out, COLUMN_GAP));
        if (right)
            BARKS_TRY(put_spaces(out, padding));
        BARKS_TRY(buffer_append(out, table->text.data + cell->offset, cell->length));
        if (!right && column + 1 < table->column_count) /* no blanks at the end of a line */
            BARKS_TRY(put_spaces(out, padding));
    }
    return buffer_append(out, "\n", 1);
}

BARKS_CHECKED static barks_status *put_rule(const struct table *table, struct buffer *out)
{
    for (uint32_t column = 0; column < table->column_count; column++) {
        if (column > 0)
            BARKS_TRY(put_spaces(out, COLUMN_GAP));
        for (uint32_t i = 0; i < table->widths[column]; i++)
            BARKS_TRY(buffer_append(out, "-", 1));
    }
    return buffer_append(out, "\n", 1);
}

barks_status *batch_print(const barks_batch *batch, uint32_t row_count_max, struct buffer *out)
{
    uint32_t shown = batch->row_count < row_count_max ? batch->row_count : row_count_max;
    BARKS_AUTO(table) table = {.text = {.limit_bytes = UINT32_MAX},
                               .column_count = batch->schema->field_count,
                               .row_count = shown + 2};
    /* One more, since calloc of nothing may give NULL. */
    table.cells = calloc((size_t)table.row_count * table.column_count + 1, sizeof *table.cells);
    table.widths = calloc((size_t)table.column_count + 1, sizeof *table.widths);
    if (table.cells == NULL || table.widths == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a table of %u rows", shown);
    BARKS_TRY(fill_table(&table, batch));
    BARKS_TRY(put_row(&table, batch, 0, out));
    BARKS_TRY(put_row(&table, batch, 1, out));
    BARKS_TRY(put_rule(&table, out));
    for (uint32_t row = 2; row < table.row_count; row++)
        BARKS_TRY(put_row(&table, batch, row, out));
    char summary[64];
    int length =
        shown < batch->row_count
            ? snprintf(summary, sizeof summary, "...\n(%u of %u rows)\n", shown, batch->row_count)
            : snprintf(summary, sizeof summary, "(%u row%s)\n", shown, shown == 1 ? "" : "s");
    return buffer_append(out, summary, (size_t)length);
}
