#include "store/kept_pieces.h"

#include "base/pool.h"
#include "batch/block.h"
#include "batch/codec.h"
#include "batch/column.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <lz4.h>

#include <stdlib.h>
#include <string.h>

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
        pieces->memory_bytes += kept_batch_bytes(piece.batch);
    else if (piece.bytes != NULL)
        pieces->memory_bytes += pool_size_class(piece.stored_bytes);
    else
        pieces->disk_bytes += piece.stored_bytes;
    return NULL;
}

void kept_pieces_drop(struct kept_pieces *pieces, const struct kept_room *room)
{
    for (uint32_t i = 0; i < pieces->count; i++) {
        struct kept_piece *piece = &pieces->items[i];
        batch_destroy(piece->batch);
        pool_release(room->pool, piece->bytes, piece->stored_bytes);
        if (piece->batch == NULL && piece->bytes == NULL)
            scratch_free(room->scratch, piece->place);
    }
    free(pieces->items);
    *pieces = (struct kept_pieces){0};
}

static uint64_t column_bytes(const barks_column *column)
{
    uint64_t bytes = 0;
    if (column->values != NULL)
        bytes += pool_size_class(column->capacity * type_value_bytes(column->type));
    if (column->validity != NULL)
        bytes += pool_size_class(validity_words(column->capacity) * sizeof(uint64_t));
    for (uint32_t i = 0; i < column_child_count(column->type); i++)
        bytes += column_bytes(&column->children[i]);
    return bytes;
}

uint64_t kept_batch_bytes(const struct batch *batch)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < batch->base.schema->field_count; i++)
        bytes += column_bytes(&batch->base.columns[i]);
    for (uint32_t i = 0; i < batch->block_count; i++)
        bytes += batch->blocks[i]->acquired_bytes;
    return bytes;
}

/* ---- encoded bytes ---- */

/* Bytes of the pool that a scope drops. */
struct run {
    struct pool *pool;
    uint8_t *bytes;
    uint64_t size_bytes;
};

static void run_drop(struct run *run) { pool_release(run->pool, run->bytes, run->size_bytes); }

BARKS_CHECKED static barks_status *run_make(struct pool *pool, uint64_t size_bytes,
                                            struct run *out_run)
{
    void *bytes = NULL;
    BARKS_TRY(pool_acquire(pool, size_bytes, &bytes));
    *out_run = (struct run){.pool = pool, .bytes = bytes, .size_bytes = size_bytes};
    return NULL;
}

/* The rows as the codec writes them, through LZ4 where that is wanted and makes them smaller. */
BARKS_CHECKED static barks_status *encode(struct pool *pool, const struct batch *batch,
                                          bool compress, struct run *out_run,
                                          uint64_t *out_encoded_bytes)
{
    __attribute__((cleanup(run_drop))) struct run plain = {0}, packed = {0};
    uint64_t encoded_bytes = codec_encoded_bytes(&batch->base, 0, batch->base.row_count);
    BARKS_TRY(run_make(pool, encoded_bytes, &plain));
    codec_encode(&batch->base, 0, batch->base.row_count, plain.bytes);
    *out_encoded_bytes = encoded_bytes;
    int packed_bytes = 0;
    if (compress && encoded_bytes <= LZ4_MAX_INPUT_SIZE) {
        int bound = LZ4_compressBound((int)encoded_bytes);
        BARKS_TRY(run_make(pool, (uint64_t)bound, &packed));
        packed_bytes = LZ4_compress_default((const char *)plain.bytes, (char *)packed.bytes,
                                            (int)encoded_bytes, bound);
    }
    if (packed_bytes > 0 && (uint64_t)packed_bytes < encoded_bytes) {
        struct run fitting = {0};
        BARKS_TRY(run_make(pool, (uint64_t)packed_bytes, &fitting));
        memcpy(fitting.bytes, packed.bytes, (size_t)packed_bytes);
        *out_run = fitting;
        return NULL;
    }
    *out_run = plain;
    plain = (struct run){0};
    return NULL;
}

/* The opposite, of a piece that lies at stored. */
BARKS_CHECKED static barks_status *decode(struct pool *pool, const struct kept_piece *piece,
                                          const uint8_t *stored, struct batch *batch)
{
    __attribute__((cleanup(run_drop))) struct run plain = {0};
    const uint8_t *encoded = stored;
    if (piece->stored_bytes < piece->encoded_bytes) {
        BARKS_TRY(run_make(pool, piece->encoded_bytes, &plain));
        int got = LZ4_decompress_safe((const char *)stored, (char *)plain.bytes,
                                      (int)piece->stored_bytes, (int)piece->encoded_bytes);
        if (got < 0 || (uint64_t)got != piece->encoded_bytes)
            BARKS_FAIL(BARKS_BAD_INPUT, "kept rows cannot be decompressed: they were changed");
        encoded = plain.bytes;
    }
    return codec_decode(encoded, piece->encoded_bytes, NULL, batch);
}

/* ---- the forms ---- */

barks_status *kept_pieces_add_batch(struct kept_pieces *pieces, struct batch *batch)
{
    return append(pieces, (struct kept_piece){.batch = batch}, batch->base.row_count);
}

barks_status *kept_pieces_add_encoded(struct kept_pieces *pieces, const struct kept_room *room,
                                      const struct batch *batch, bool compress)
{
    struct run run = {0};
    struct kept_piece piece = {0};
    BARKS_TRY(encode(room->pool, batch, compress, &run, &piece.encoded_bytes));
    piece.bytes = run.bytes;
    piece.stored_bytes = run.size_bytes;
    barks_status *status = append(pieces, piece, batch->base.row_count);
    if (status != NULL)
        run_drop(&run);
    return status;
}

barks_status *kept_pieces_add_on_disk(struct kept_pieces *pieces, const struct kept_room *room,
                                      const struct batch *batch, bool compress)
{
    __attribute__((cleanup(run_drop))) struct run run = {0};
    struct kept_piece piece = {0};
    BARKS_TRY(encode(room->pool, batch, compress, &run, &piece.encoded_bytes));
    piece.stored_bytes = run.size_bytes;
    BARKS_TRY(scratch_write(room->scratch, run.bytes, run.size_bytes, &piece.place));
    barks_status *status = append(pieces, piece, batch->base.row_count);
    if (status != NULL)
        scratch_free(room->scratch, piece.place);
    return status;
}

BARKS_CHECKED static barks_status *copy_to_disk(const struct kept_piece *piece,
                                                const struct kept_room *room, bool compress,
                                                struct kept_pieces *to)
{
    if (piece->batch != NULL)
        return kept_pieces_add_on_disk(to, room, piece->batch, compress);
    struct kept_piece moved = {.encoded_bytes = piece->encoded_bytes,
                               .stored_bytes = piece->stored_bytes};
    BARKS_TRY(scratch_write(room->scratch, piece->bytes, piece->stored_bytes, &moved.place));
    barks_status *status = append(to, moved, 0); /* rows: counted by the caller */
    if (status != NULL)
        scratch_free(room->scratch, moved.place);
    return status;
}

barks_status *kept_pieces_to_disk(const struct kept_pieces *pieces, const struct kept_room *room,
                                  bool compress, struct kept_pieces *out_pieces)
{
    struct kept_pieces copies = {0};
    barks_status *status = NULL;
    for (uint32_t i = 0; i < pieces->count && status == NULL; i++)
        status = copy_to_disk(&pieces->items[i], room, compress, &copies);
    copies.row_count = pieces->row_count;
    if (status != NULL) {
        kept_pieces_drop(&copies, room);
        return status;
    }
    *out_pieces = copies;
    return NULL;
}

/* ---- reading ---- */

BARKS_CHECKED static barks_status *read_piece(const struct kept_piece *piece,
                                              const struct kept_room *room, struct batch *rows)
{
    __attribute__((cleanup(run_drop))) struct run stored = {0};
    if (piece->bytes != NULL)
        return decode(room->pool, piece, piece->bytes, rows);
    BARKS_TRY(run_make(room->pool, piece->stored_bytes, &stored));
    BARKS_TRY(scratch_read(room->scratch, piece->place, stored.bytes));
    return decode(room->pool, piece, stored.bytes, rows);
}

barks_status *kept_pieces_visit(const struct kept_pieces *pieces, const struct kept_room *room,
                                const barks_schema *schema,
                                barks_status *(*visit)(void *context, struct batch *batch),
                                void *context)
{
    struct batch *decoded = NULL;
    barks_status *status = NULL;
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
    }
    batch_destroy(decoded);
    return status;
}
