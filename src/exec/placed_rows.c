#include "exec/placed_rows.h"

#include <stdlib.h>

barks_status *placed_rows_init(struct placed_rows *placed, const struct spill_room *room,
                               const barks_schema *schema, uint64_t share_bytes)
{
    *placed =
        (struct placed_rows){.schema = schema, .share_bytes = share_bytes, .run = {.room = room}};
    BARKS_TRY(batch_create(room->pool, schema, BATCH_ROWS, &placed->rows));
    return batch_create(room->pool, schema, 1, &placed->spare);
}

void placed_rows_drop(struct placed_rows *placed)
{
    batch_destroy(placed->rows);
    batch_destroy(placed->spare);
    row_run_drop(&placed->run);
    free(placed->piece_ends);
    *placed = (struct placed_rows){0};
}

void placed_rows_begin(struct placed_rows *placed, uint64_t place)
{
    batch_clear(placed->rows);
    row_run_clear(&placed->run);
    placed->begin = place;
    placed->is_on_disk = false;
    placed->first_piece = 0;
}

/* ---- disk ---- */

BARKS_CHECKED static barks_status *add_piece(struct placed_rows *placed, uint32_t first,
                                             uint32_t count)
{
    uint32_t piece = placed->run.piece_count;
    if (piece == placed->piece_capacity) {
        uint32_t capacity = 2 * piece + 16;
        uint64_t *ends = realloc(placed->piece_ends, capacity * sizeof *ends);
        if (ends == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %u pieces of rows", capacity);
        placed->piece_ends = ends;
        placed->piece_capacity = capacity;
    }
    BARKS_TRY(row_run_add(&placed->run, &placed->rows->base, first, count));
    placed->piece_ends[piece] = placed->begin + first + count;
    return NULL;
}

static uint32_t rows_of_piece(const struct batch *rows)
{
    uint64_t bytes = batch_bytes(rows), row_count = rows->base.row_count;
    if (bytes > 2 * (uint64_t)BATCH_BYTES)
        row_count = row_count * BATCH_BYTES / bytes;
    return row_count == 0 ? 1 : row_count < BATCH_ROWS ? (uint32_t)row_count : BATCH_ROWS;
}

BARKS_CHECKED static barks_status *write_rows(struct placed_rows *placed)
{
    uint32_t row_count = placed->rows->base.row_count, piece_rows = rows_of_piece(placed->rows);
    if (!placed->is_on_disk)
        placed->run_begin = placed->begin;
    placed->is_on_disk = true;
    for (uint32_t first = 0; first < row_count; first += piece_rows) {
        uint32_t left = row_count - first;
        BARKS_TRY(add_piece(placed, first, left < piece_rows ? left : piece_rows));
    }
    placed->begin += row_count;
    batch_clear(placed->rows);
    return NULL;
}

barks_status *placed_rows_flush(struct placed_rows *placed)
{
    return placed->is_on_disk && placed->rows->base.row_count > 0 ? write_rows(placed) : NULL;
}

uint32_t placed_rows_piece(const struct placed_rows *placed, uint64_t place)
{
    uint32_t piece = placed->first_piece;
    while (piece < placed->run.piece_count && placed->piece_ends[piece] <= place)
        piece++;
    return piece;
}

/* ---- rows ---- */

barks_status *placed_rows_add(struct placed_rows *placed, const struct batch *batch)
{
    struct batch *rows = placed->rows;
    uint32_t row_count = batch->base.row_count;
    if (placed->is_on_disk &&
        (rows->base.row_count + row_count > BATCH_ROWS || batch_bytes(rows) >= BATCH_BYTES))
        BARKS_TRY(placed_rows_flush(placed));
    barks_status *status = batch_append(rows, batch, 0, row_count, BATCH_KEEP);
    if (status != NULL && barks_status_code(status) == BARKS_LIMIT && rows->base.row_count > 0) {
        barks_status_free(status);
        BARKS_TRY(write_rows(placed));
        status = batch_append(rows, batch, 0, row_count, BATCH_KEEP);
    }
    BARKS_TRY(status);
    bool is_large = !placed->is_on_disk && batch_memory_bytes(rows) > placed->share_bytes;
    return is_large ? write_rows(placed) : NULL;
}

static barks_status *add_visited(void *context, struct batch *batch)
{
    return placed_rows_add(context, batch);
}

barks_status *placed_rows_add_all(struct placed_rows *placed, struct placed_rows *others)
{
    barks_status *status = row_run_visit(&others->run, others->schema, true, add_visited, placed);
    if (status == NULL)
        status = placed_rows_add(placed, others->rows);
    placed_rows_begin(others, 0);
    return status;
}

barks_status *placed_rows_let_go(struct placed_rows *placed, uint64_t place)
{
    uint64_t end = placed_rows_end(placed);
    uint64_t from = place < end ? place : end;
    while (placed->is_on_disk && placed->first_piece < placed->run.piece_count &&
           placed->piece_ends[placed->first_piece] <= from)
        row_run_forget(&placed->run, placed->first_piece++);
    if (from <= placed->begin)
        return NULL;
    struct batch *rows = placed->rows;
    uint32_t first = (uint32_t)(from - placed->begin);
    BARKS_TRY(batch_append(placed->spare, rows, first, rows->base.row_count - first, BATCH_KEEP));
    placed->rows = placed->spare;
    placed->spare = rows;
    placed->begin = from;
    batch_clear(placed->spare);
    return NULL;
}
