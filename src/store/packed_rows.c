#include "store/packed_rows.h"

#include "base/pool.h"
#include "base/scope.h"
#include "batch/block.h"
#include "batch/codec.h"

#include <lz4.h>

#include <string.h>

void packed_rows_drop(struct packed_rows *packed)
{
    pool_release(packed->pool, packed->bytes, packed->stored_bytes);
    *packed = (struct packed_rows){0};
}

BARKS_CHECKED static barks_status *make_room(struct pool *pool, uint64_t stored_bytes,
                                             uint64_t encoded_bytes, struct packed_rows *out_packed)
{
    void *bytes = NULL;
    BARKS_TRY(pool_acquire(pool, stored_bytes, &bytes));
    *out_packed = (struct packed_rows){
        .pool = pool, .bytes = bytes, .stored_bytes = stored_bytes, .encoded_bytes = encoded_bytes};
    return NULL;
}

/* Rows are packed where memory is scarce: what is only for the sake of size then does without. */
static barks_status *unless_limit(barks_status *status)
{
    if (status == NULL || barks_status_code(status) != BARKS_LIMIT)
        return status;
    barks_status_free(status);
    return NULL;
}

barks_status *packed_rows_compress(struct pool *pool, const uint8_t *encoded,
                                   uint64_t encoded_bytes, struct packed_rows *out_packed)
{
    BARKS_AUTO(packed_rows) packed = {0};
    if (encoded_bytes > LZ4_MAX_INPUT_SIZE)
        return NULL;
    /* What does not fit below the size that it has is not wanted. */
    uint64_t most_bytes = encoded_bytes - encoded_bytes / 16;
    BARKS_TRY(unless_limit(make_room(pool, most_bytes, encoded_bytes, &packed)));
    if (packed.bytes == NULL)
        return NULL;
    int packed_bytes = LZ4_compress_default((const char *)encoded, (char *)packed.bytes,
                                            (int)encoded_bytes, (int)most_bytes);
    if (packed_bytes <= 0)
        return NULL;
    if (pool_size_class((size_t)packed_bytes) == pool_size_class(most_bytes)) {
        *out_packed = packed;
        packed = (struct packed_rows){0};
        /* Of one class, so that the pool does not mind which of the sizes it is told. */
        out_packed->stored_bytes = (uint64_t)packed_bytes;
        return NULL;
    }
    BARKS_TRY(unless_limit(make_room(pool, (uint64_t)packed_bytes, encoded_bytes, out_packed)));
    if (out_packed->bytes != NULL)
        memcpy(out_packed->bytes, packed.bytes, (size_t)packed_bytes);
    return NULL;
}

barks_status *packed_rows_make(struct pool *pool, const barks_batch *rows, uint32_t first,
                               uint32_t row_count, bool compress, struct packed_rows *out_packed)
{
    BARKS_AUTO(packed_rows) plain = {0};
    uint64_t encoded_bytes = codec_encoded_bytes(rows, first, row_count);
    BARKS_TRY(make_room(pool, encoded_bytes, encoded_bytes, &plain));
    codec_encode(rows, first, row_count, plain.bytes);
    if (compress) {
        BARKS_TRY(packed_rows_compress(pool, plain.bytes, encoded_bytes, out_packed));
        if (out_packed->bytes != NULL)
            return NULL;
    }
    *out_packed = plain;
    plain = (struct packed_rows){0};
    return NULL;
}

barks_status *packed_rows_decode(struct pool *pool, const uint8_t *stored, uint64_t stored_bytes,
                                 uint64_t encoded_bytes, struct batch *batch)
{
    struct block *block = NULL;
    BARKS_TRY(block_create(pool, encoded_bytes, &block));
    barks_status *status = NULL;
    if (stored_bytes == encoded_bytes) {
        memcpy(block->bytes, stored, stored_bytes);
    } else {
        int got = LZ4_decompress_safe((const char *)stored, (char *)block->bytes, (int)stored_bytes,
                                      (int)encoded_bytes);
        if (got < 0 || (uint64_t)got != encoded_bytes)
            status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE,
                                      "rows that were put away cannot be decompressed: their bytes "
                                      "have changed");
    }
    if (status == NULL)
        status = codec_decode(block->bytes, block->size_bytes, block, batch);
    block_release(block);
    return status;
}
