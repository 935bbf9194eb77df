#include "store/kept_pieces.h"

#include "base/pool.h"
#include "batch/block.h"
#include "batch/column.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <stdlib.h>

/* ---- lists of pieces ---- */

BARKS_CHECKED static barks_status *append(struct kept_pieces *pieces, struct kept_piece piece,
                                          uint32_t row_count)
{
    if (pieces->count == pieces->capacity) {
        uint32_t capacity = pieces->capacity > 0 ? 2 * pieces->capacity : 4;
        struct kept_piece *items = realloc(pieces->items, capacity * sizeof *items);
        if (items == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the pieces of a kept partition");
        pieces->items = items;
        pieces->capacity = capacity;
    }
    pieces->items[pieces->count++] = piece;
    pieces->row_count += row_count;
    if (piece.batch != NULL)
        pieces->memory_bytes += batch_memory_bytes(piece.batch);
    else if (piece.packed.bytes != NULL)
        pieces->memory_bytes += pool_size_class(piece.packed.stored_bytes);
    else
        pieces->disk_bytes += piece.spilled.place.size_bytes;
    return NULL;
}

static void drop_piece(struct kept_piece *piece)
{
    batch_destroy(piece->batch);
    packed_rows_drop(&piece->packed);
    spilled_drop(&piece->spilled);
}

void kept_pieces_drop(struct kept_pieces *pieces)
{
    for (uint32_t i = 0; i < pieces->count; i++)
        drop_piece(&pieces->items[i]);
    free(pieces->items);
    *pieces = (struct kept_pieces){0};
}

/* ---- the forms ---- */

barks_status *kept_pieces_add_batch(struct kept_pieces *pieces, struct batch *batch)
{
    return append(pieces, (struct kept_piece){.batch = batch}, batch->base.row_count);
}

/* Takes the piece, also where it fails. */
BARKS_CHECKED static barks_status *append_or_drop(struct kept_pieces *pieces,
                                                  struct kept_piece piece, uint32_t row_count)
{
    barks_status *status = append(pieces, piece, row_count);
    if (status != NULL)
        drop_piece(&piece);
    return status;
}

barks_status *kept_pieces_add_encoded(struct kept_pieces *pieces, const struct spill_room *room,
                                      const struct batch *batch, bool compress)
{
    struct kept_piece piece = {0};
    uint32_t row_count = batch->base.row_count;
    BARKS_TRY(packed_rows_make(room->pool, &batch->base, 0, row_count, compress, &piece.packed));
    return append_or_drop(pieces, piece, row_count);
}

barks_status *kept_pieces_add_on_disk(struct kept_pieces *pieces, const struct spill_room *room,
                                      const struct batch *batch, bool compress)
{
    struct kept_piece piece = {0};
    uint32_t row_count = batch->base.row_count;
    BARKS_TRY(spill_rows(room, &batch->base, 0, row_count, compress, &piece.spilled));
    return append_or_drop(pieces, piece, row_count);
}

BARKS_CHECKED static barks_status *copy_to_disk(const struct kept_piece *piece,
                                                const struct spill_room *room, bool compress,
                                                struct kept_pieces *to)
{
    if (piece->batch != NULL)
        return kept_pieces_add_on_disk(to, room, piece->batch, compress);
    struct kept_piece moved = {0};
    BARKS_TRY(spill_packed(room, &piece->packed, &moved.spilled));
    return append_or_drop(to, moved, 0); /* rows: counted by the caller */
}

barks_status *kept_pieces_to_disk(const struct kept_pieces *pieces, const struct spill_room *room,
                                  bool compress, struct kept_pieces *out_pieces)
{
    struct kept_pieces copies = {0};
    barks_status *status = NULL;
    for (uint32_t i = 0; i < pieces->count && status == NULL; i++)
        status = copy_to_disk(&pieces->items[i], room, compress, &copies);
    copies.row_count = pieces->row_count;
    if (status != NULL) {
        kept_pieces_drop(&copies);
        return status;
    }
    *out_pieces = copies;
    return NULL;
}

/* ---- reading ---- */

BARKS_CHECKED static barks_status *read_piece(const struct kept_piece *piece,
                                              const struct spill_room *room, struct batch *rows)
{
    const struct packed_rows *packed = &piece->packed;
    if (packed->bytes == NULL)
        return spilled_read(&piece->spilled, rows);
    return packed_rows_decode(room->pool, packed->bytes, packed->stored_bytes,
                              packed->encoded_bytes, rows);
}

/* Not a want of memory. */
static bool is_damage(const barks_status *status)
{
    return barks_status_code(status) == BARKS_IO || barks_status_code(status) == BARKS_BAD_INPUT;
}

barks_status *kept_pieces_visit(const struct kept_pieces *pieces, const struct spill_room *room,
                                const barks_schema *schema,
                                barks_status *(*visit)(void *context, struct batch *batch),
                                void *context, bool *out_is_damaged)
{
    struct batch *decoded = NULL;
    barks_status *status = NULL;
    *out_is_damaged = false;
    for (uint32_t i = 0; i < pieces->count && status == NULL; i++) {
        const struct kept_piece *piece = &pieces->items[i];
        if (piece->batch != NULL) {
            status = visit(context, piece->batch);
            continue;
        }
        if (decoded == NULL)
            status = batch_create(room->pool, schema, 0, &decoded);
        else
            batch_clear(decoded);
        if (status == NULL)
            status = read_piece(piece, room, decoded);
        if (status == NULL)
            status = visit(context, decoded);
        else
            *out_is_damaged = is_damage(status);
    }
    batch_destroy(decoded);
    return status;
}
