#include "exec/numbered_rows.h"

#include <stdlib.h>
#include <string.h>

static const barks_type number_type = {.id = BARKS_I64};

barks_status *numbered_rows_init(struct numbered_rows *numbered, const barks_schema *schema,
                                 const uint32_t *columns, uint32_t column_count)
{
    *numbered = (struct numbered_rows){0};
    numbered->fields = calloc((size_t)column_count + 1, sizeof *numbered->fields);
    numbered->from = calloc((size_t)column_count + 1, sizeof *numbered->from);
    numbered->view.base.columns = calloc((size_t)column_count + 1, sizeof(barks_column));
    if (numbered->fields == NULL || numbered->from == NULL || numbered->view.base.columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of a join");
    for (uint32_t i = 0; i < column_count; i++) {
        numbered->from[i] = columns[i];
        numbered->fields[i] = schema->fields[columns[i]];
    }
    numbered->fields[column_count] = (barks_field){.name = "", .type = &number_type};
    numbered->schema = (barks_schema){.field_count = column_count + 1, .fields = numbered->fields};
    numbered->view.base.schema = &numbered->schema;
    return NULL;
}

void numbered_rows_drop(struct numbered_rows *numbered)
{
    free(numbered->fields);
    free(numbered->from);
    free(numbered->view.base.columns);
    free(numbered->numbers);
    *numbered = (struct numbered_rows){0};
}

BARKS_CHECKED static barks_status *reserve(struct numbered_rows *numbered, uint32_t row_count)
{
    if (row_count <= numbered->capacity)
        return NULL;
    int64_t *numbers = realloc(numbered->numbers, row_count * sizeof *numbers);
    if (numbers == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to number %u rows", row_count);
    numbered->numbers = numbers;
    numbered->capacity = row_count;
    return NULL;
}

barks_status *numbered_rows_see(struct numbered_rows *numbered, const struct batch *batch,
                                const struct batch **out_view)
{
    struct batch *view = &numbered->view;
    uint32_t row_count = batch->base.row_count, last = numbered_rows_column(numbered);
    BARKS_TRY(reserve(numbered, row_count));
    for (uint32_t i = 0; i < row_count; i++)
        numbered->numbers[i] = (int64_t)numbered->row_count++;
    for (uint32_t i = 0; i < last; i++)
        view->base.columns[i] = batch->base.columns[numbered->from[i]];
    view->base.columns[last] = (barks_column){
        .type = &number_type, .values = numbered->numbers, .capacity = numbered->capacity};
    view->base.row_count = row_count;
    /* By its blocks it is judged how wide rows are: those of a few columns are not. */
    bool has_all = last == batch->base.schema->field_count;
    view->blocks = has_all ? batch->blocks : NULL;
    view->block_count = has_all ? batch->block_count : 0;
    *out_view = view;
    return NULL;
}
