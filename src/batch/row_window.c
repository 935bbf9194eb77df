#include "batch/row_window.h"

#include "batch/bind.h"
#include "batch/column.h"
#include "batch/schema.h"

#include <assert.h>
#include <stdlib.h>

/* Of a struct the fields are shown from the place on too; lists count items, which stay. */
BARKS_CHECKED static barks_status *create_fields(barks_column *shown, const barks_type *type)
{
    if (type->id != BARKS_STRUCT)
        return NULL;
    uint32_t count = type->fields->field_count;
    shown->children = calloc((size_t)count + 1, sizeof *shown->children);
    if (shown->children == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the fields of a record");
    for (uint32_t i = 0; i < count; i++)
        BARKS_TRY(create_fields(&shown->children[i], type->fields->fields[i].type));
    return NULL;
}

static void drop_fields(barks_column *shown, const barks_type *type)
{
    if (type->id != BARKS_STRUCT)
        return;
    for (uint32_t i = 0; shown->children != NULL && i < type->fields->field_count; i++)
        drop_fields(&shown->children[i], type->fields->fields[i].type);
    free(shown->children);
}

barks_status *row_window_init(struct row_window *window, const barks_schema *given,
                              const barks_schema *wanted, const char *what, const char *where)
{
    uint32_t count = wanted->field_count;
    window->columns = calloc((size_t)count + 1, sizeof *window->columns);
    window->shown = calloc((size_t)count + 1, sizeof *window->shown);
    window->bound = calloc((size_t)count + 1, sizeof(const barks_column *));
    if (window->columns == NULL || window->shown == NULL || window->bound == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of '%s'", what);
    window->wanted = wanted;
    for (uint32_t i = 0; i < count; i++) {
        window->bound[i] = &window->shown[i];
        BARKS_TRY(create_fields(&window->shown[i], wanted->fields[i].type));
    }
    return bind_columns(given, wanted, what, where, window->columns);
}

void row_window_drop(struct row_window *window)
{
    for (uint32_t i = 0; window->wanted != NULL && i < window->wanted->field_count; i++)
        drop_fields(&window->shown[i], window->wanted->fields[i].type);
    free(window->columns);
    free(window->shown);
    free(window->bound);
    *window = (struct row_window){0};
}

static void show(barks_column *shown, const barks_column *column, uint32_t first)
{
    barks_column *fields = shown->children;
    *shown = *column;
    if (column->values != NULL)
        shown->values = (uint8_t *)column->values + first * type_value_bytes(column->type);
    if (column->validity != NULL)
        shown->validity = column->validity + first / ROW_WINDOW_ALIGNMENT;
    if (column->type->id != BARKS_STRUCT)
        return;
    shown->children = fields;
    for (uint32_t i = 0; i < column->type->fields->field_count; i++)
        show(&fields[i], &column->children[i], first);
}

void row_window_show(struct row_window *window, const barks_batch *batch, uint32_t first)
{
    assert(first % ROW_WINDOW_ALIGNMENT == 0 && first <= batch->row_count);
    for (uint32_t i = 0; i < window->wanted->field_count; i++)
        show(&window->shown[i], &batch->columns[window->columns[i]], first);
}
