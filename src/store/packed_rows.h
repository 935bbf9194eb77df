/* Rows as one run of bytes: encoded (batch/codec.h), and through LZ4 where that makes them smaller.
 */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block;
struct pool;

/* Begins zeroed, ends with packed_rows_drop. Compressed where stored_bytes < encoded_bytes. */
struct packed_rows {
    struct pool *pool; /* borrowed */
    uint8_t *bytes;    /* owned: stored_bytes of the pool */
    uint64_t stored_bytes;
    uint64_t encoded_bytes;
};
void packed_rows_drop(struct packed_rows *packed);

/* Rows [first, first + row_count). Errors: as pool_acquire. */
BARKS_CHECKED barks_status *packed_rows_make(struct pool *pool, const barks_batch *rows,
                                             uint32_t first, uint32_t row_count, bool compress,
                                             struct packed_rows *out_packed);

/* Compresses what is encoded already; *out_packed stays zeroed where that does not make it smaller,
 * or finds no room. Errors: as pool_acquire. */
BARKS_CHECKED barks_status *packed_rows_compress(struct pool *pool, const uint8_t *encoded,
                                                 uint64_t encoded_bytes,
                                                 struct packed_rows *out_packed);

/* Appends rows to batch, whose views go into a block of their own. stored is as long as
 * stored_bytes; it is only read. Errors: as pool_acquire, BARKS_BAD_INPUT: the bytes have changed.
 */
BARKS_CHECKED barks_status *packed_rows_decode(struct pool *pool, const uint8_t *stored,
                                               uint64_t stored_bytes, uint64_t encoded_bytes,
                                               struct batch *batch);
