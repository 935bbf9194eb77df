/* The one encoding of batches: wire = spill = checkpoint. */
#pragma once

#include "batch/batch.h"

struct block;

/* Layout, little-endian, drawn in codec.c: header (magic, version, schema hash, row count, body
 * bytes, xxh3 of the rest), then for each column its buffers, lengths first. */
enum { CODEC_HEADER_BYTES = 40 };

/* Exactly how many bytes codec_encode will write for rows [first, first + row_count). */
uint64_t codec_encoded_bytes(const barks_batch *batch, uint32_t first, uint32_t row_count);

/* Writes them to out, which has room for codec_encoded_bytes. */
void codec_encode(const barks_batch *batch, uint32_t first, uint32_t row_count, uint8_t *out);

/* Bytes of the whole encoded batch that begins at bytes, from its header alone (which must be
 * there: CODEC_HEADER_BYTES). Errors: BARKS_BAD_INPUT (not one of ours, another version). */
BARKS_CHECKED barks_status *codec_peek(const uint8_t *bytes, size_t size_bytes,
                                       uint64_t *out_encoded_bytes);

/* Appends the encoded rows at bytes to batch, whose schema must be the encoded one's. Long strings
 * become views into block, which holds the bytes and is kept by the batch; block NULL: they are
 * copied. Errors: BARKS_BAD_INPUT (checksum, truncated, another schema, lengths that do not fit):
 * nothing is appended then. */
BARKS_CHECKED barks_status *codec_decode(const uint8_t *bytes, size_t size_bytes,
                                         struct block *block, struct batch *batch);
