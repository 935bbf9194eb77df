#include "store/row_run.h"

#include <stdlib.h>

BARKS_CHECKED static barks_status *reserve(struct row_run *run)
{
    if (run->piece_count < run->piece_capacity)
        return NULL;
    uint32_t capacity = 2 * run->piece_capacity + 4;
    struct spilled *pieces = realloc(run->pieces, capacity * sizeof *pieces);
    if (pieces == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %u pieces of rows", capacity);
    run->pieces = pieces;
    run->piece_capacity = capacity;
    return NULL;
}

barks_status *row_run_add(struct row_run *run, const barks_batch *rows, uint32_t first,
                          uint32_t row_count)
{
    if (row_count == 0)
        return NULL;
    BARKS_TRY(reserve(run));
    struct spilled *piece = &run->pieces[run->piece_count];
    *piece = (struct spilled){0};
    BARKS_TRY(spill_rows(run->room, rows, first, row_count, true, piece));
    run->piece_count++;
    run->row_count += row_count;
    run->disk_bytes += piece->place.size_bytes;
    run->encoded_bytes += piece->encoded_bytes;
    return NULL;
}

barks_status *row_run_read(const struct row_run *run, uint32_t piece, struct batch *batch)
{
    return spilled_read(&run->pieces[piece], batch);
}

void row_run_forget(struct row_run *run, uint32_t piece) { spilled_drop(&run->pieces[piece]); }

barks_status *row_run_visit(struct row_run *run, const barks_schema *schema, bool consume,
                            barks_status *(*visit)(void *context, struct batch *batch),
                            void *context)
{
    struct batch *rows = NULL;
    barks_status *status =
        run->piece_count > 0 ? batch_create(run->room->pool, schema, 0, &rows) : NULL;
    for (uint32_t piece = 0; piece < run->piece_count && status == NULL; piece++) {
        status = row_run_read(run, piece, rows);
        if (consume)
            row_run_forget(run, piece);
        if (status == NULL)
            status = visit(context, rows);
        batch_clear(rows);
    }
    batch_destroy(rows);
    if (consume)
        row_run_clear(run);
    return status;
}

void row_run_clear(struct row_run *run)
{
    for (uint32_t piece = 0; piece < run->piece_count; piece++)
        spilled_drop(&run->pieces[piece]);
    run->piece_count = 0;
    run->row_count = run->disk_bytes = run->encoded_bytes = 0;
}

void row_run_drop(struct row_run *run)
{
    row_run_clear(run);
    free(run->pieces);
    *run = (struct row_run){0};
}
