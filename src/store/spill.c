#include "store/spill.h"

#include "base/pool.h"
#include "base/scope.h"
#include "batch/block.h"
#include "batch/codec.h"
#include "store/packed_rows.h"

BARKS_CHECKED static barks_status *write(const struct spill_room *room, const uint8_t *bytes,
                                         uint64_t stored_bytes, uint64_t encoded_bytes,
                                         struct spilled *out_spilled)
{
    struct scratch_place place = {0};
    BARKS_TRY(scratch_write(room->scratch, bytes, stored_bytes, &place));
    *out_spilled = (struct spilled){.room = room, .place = place, .encoded_bytes = encoded_bytes};
    return NULL;
}

barks_status *spill_packed(const struct spill_room *room, const struct packed_rows *packed,
                           struct spilled *out_spilled)
{
    return write(room, packed->bytes, packed->stored_bytes, packed->encoded_bytes, out_spilled);
}

BARKS_CHECKED static barks_status *pack_and_write(const struct spill_room *room,
                                                  const barks_batch *rows, uint32_t first,
                                                  uint32_t row_count, bool compress,
                                                  struct spilled *out_spilled)
{
    BARKS_AUTO(packed_rows) packed = {0};
    BARKS_TRY(
        packed_rows_make(room->pool, rows, first, row_count, compress && !room->is_plain, &packed));
    return spill_packed(room, &packed, out_spilled);
}

/* Where memory is used up, what puts rows on disk must not fail for want of it. */
barks_status *spill_rows(const struct spill_room *room, const barks_batch *rows, uint32_t first,
                         uint32_t row_count, bool compress, struct spilled *out_spilled)
{
    barks_status *status = pack_and_write(room, rows, first, row_count, compress, out_spilled);
    if (status == NULL || barks_status_code(status) != BARKS_LIMIT ||
        !pool_begin_giving(room->pool))
        return status;
    barks_status_free(status);
    status = pack_and_write(room, rows, first, row_count, compress, out_spilled);
    pool_end_giving(room->pool);
    return status;
}

barks_status *spill_encoded(const struct spill_room *room, const uint8_t *encoded,
                            uint64_t encoded_bytes, bool compress, struct spilled *out_spilled)
{
    BARKS_AUTO(packed_rows) packed = {0};
    if (compress && !room->is_plain)
        BARKS_TRY(packed_rows_compress(room->pool, encoded, encoded_bytes, &packed));
    if (packed.bytes == NULL)
        return write(room, encoded, encoded_bytes, encoded_bytes, out_spilled);
    return spill_packed(room, &packed, out_spilled);
}

/* Straight into the block that the views of batch will need. */
BARKS_CHECKED static barks_status *read_plain(const struct spilled *spilled, struct batch *batch)
{
    struct block *block = NULL;
    BARKS_TRY(block_create(spilled->room->pool, (size_t)spilled->encoded_bytes, &block));
    barks_status *status = scratch_read(spilled->room->scratch, spilled->place, block->bytes);
    if (status == NULL)
        status = codec_decode(block->bytes, block->size_bytes, block, batch);
    block_release(block);
    return status;
}

BARKS_CHECKED static barks_status *read_packed(const struct spilled *spilled, struct batch *batch)
{
    struct pool *pool = spilled->room->pool;
    size_t stored_bytes = (size_t)spilled->place.size_bytes;
    void *stored = NULL;
    BARKS_TRY(pool_acquire(pool, stored_bytes, &stored));
    barks_status *status = scratch_read(spilled->room->scratch, spilled->place, stored);
    if (status == NULL)
        status = packed_rows_decode(pool, stored, stored_bytes, spilled->encoded_bytes, batch);
    pool_release(pool, stored, stored_bytes);
    return status;
}

barks_status *spilled_read(const struct spilled *spilled, struct batch *batch)
{
    bool is_plain = spilled->place.size_bytes == spilled->encoded_bytes;
    barks_status *status = is_plain ? read_plain(spilled, batch) : read_packed(spilled, batch);
    if (status == NULL || barks_status_code(status) != BARKS_BAD_INPUT)
        return status;
    return scratch_damaged(spilled->room->scratch, spilled->place, status);
}

void spilled_drop(struct spilled *spilled)
{
    if (is_spilled(spilled))
        scratch_free(spilled->room->scratch, spilled->place);
    *spilled = (struct spilled){0};
}
