#include "exec/emit.h"

#include "batch/schema.h"

#include <stdlib.h>
#include <string.h>

void emitter_fail(struct emitter *emitter, barks_status *status)
{
    if (emitter->failed == NULL)
        emitter->failed = status;
    else
        barks_status_free(status);
    emitter->out.stopped = true;
}

static void count_made(struct emitter *emitter, uint64_t bytes)
{
    emitter->made_bytes += bytes;
    emitter->out.is_full |= emitter->made_bytes >= BATCH_BYTES;
}

void *barks_out_bytes(barks_out *out, size_t n)
{
    struct emitter *emitter = out->operator_self;
    void *bytes = NULL;
    count_made(emitter, n);
    barks_status *status = batch_make_bytes(emitter->maker, n, &bytes);
    if (status == NULL)
        return bytes;
    emitter_fail(emitter, status);
    return NULL;
}

barks_list_slice barks_put_items(barks_out *out, const barks_column *list, const void *items,
                                 uint32_t count)
{
    struct emitter *emitter = out->operator_self;
    /* One of the batch's own columns, which are handed out as const only to the user's side. */
    barks_column *column = (barks_column *)(uintptr_t)list;
    barks_list_slice slice = {.offset = column->item_count, .length = count};
    barks_status *status = column_reserve_items(emitter->rows, column, count);
    if (status != NULL) {
        emitter_fail(emitter, status);
        return (barks_list_slice){0};
    }
    size_t item_bytes = type_value_bytes(column->type->item);
    count_made(emitter, (uint64_t)count * item_bytes);
    if (count > 0)
        memcpy((uint8_t *)column->children[0].values + (size_t)slice.offset * item_bytes, items,
               count * item_bytes);
    column->item_count += count;
    return slice;
}

/* Turns the structs into rows of views, whose strings are still the caller's. */
BARKS_CHECKED static barks_status *rows_to_views(const barks_record *record, const void *rows,
                                                 uint32_t row_count, struct batch *views)
{
    uint32_t field_count = record->schema.field_count;
    const barks_column **columns = calloc((size_t)field_count + 1, sizeof(const barks_column *));
    if (columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of %u rows", row_count);
    for (uint32_t i = 0; i < field_count; i++)
        columns[i] = &views->base.columns[i];
    struct emitter emitter = {.out = {.columns = columns}, .rows = views, .maker = views};
    emitter.out.operator_self = &emitter;
    barks_status *status = batch_reserve(views, row_count);
    if (status == NULL) {
        record->to_columns(rows, row_count, columns, 0, &emitter.out);
        views->base.row_count = row_count;
        status = emitter.failed;
    }
    free(columns);
    return status;
}

barks_status *rows_to_batch(const barks_record *record, const void *rows, uint32_t row_count,
                            struct pool *pool, struct batch *batch)
{
    struct batch *views = NULL;
    if (record->to_columns == NULL)
        BARKS_FAIL(BARKS_INVALID, "rows of %s are in no C struct: declare a BARKS_RECORD",
                   record->name);
    BARKS_TRY(batch_create(pool, &record->schema, row_count + 1, &views));
    barks_status *status = rows_to_views(record, rows, row_count, views);
    if (status == NULL)
        status = batch_append(batch, views, 0, row_count, BATCH_COPY);
    batch_destroy(views);
    return status;
}
