/* What keeps the long strings of rows that were just appended: blocks by reference, or copies. */
#pragma once

#include "batch/batch.h"
#include "batch/block.h"

/* True when [bytes, bytes + size_bytes) lies inside the block. */
static inline bool block_contains(const struct block *block, const void *bytes, size_t size_bytes)
{
    size_t offset = (uintptr_t)bytes - (uintptr_t)block->bytes; /* huge where bytes is below */
    return offset <= block->size_bytes && block->size_bytes - offset >= size_bytes;
}

#define BATCH_NO_BLOCK UINT32_MAX

/* Index of the batch's block that holds the bytes, or BATCH_NO_BLOCK. */
uint32_t batch_find_block(const struct batch *batch, const void *bytes, size_t size_bytes);

bool batch_holds_block(const struct batch *batch, const struct block *block);

/* Starts a made block with room for n bytes. Errors: as pool_acquire. */
BARKS_CHECKED barks_status *batch_new_made_block(struct batch *batch, size_t n);

/* Takes back what was written beyond the rows that count, after an append that failed half-way. */
void batch_forget_uncounted(struct batch *batch);

/**
 * Makes batch keep what its rows [row_count, row_count + new_row_count) point to: they are written,
 * with their items, but not counted yet.
 *
 * from: the batch they were copied from, whose blocks may be held; NULL: everything is copied.
 * Errors: as pool_acquire; the new rows must then be forgotten.
 */
BARKS_CHECKED barks_status *batch_own_strings(struct batch *batch, uint32_t new_row_count,
                                              const struct batch *from, enum batch_strings strings);

/* Where moved strings go to: take gives length bytes inside a block, which take's side holds until
 * the batch does. */
struct string_room {
    barks_status *(*take)(struct string_room *room, size_t length, struct block **out_block,
                          uint8_t **out_bytes);
};

/* Copies the long strings of all rows to what room gives, and lets go of all other blocks.
 * Errors: those of take; the batch must be cleared then. */
BARKS_CHECKED barks_status *batch_move_strings(struct batch *batch, struct string_room *room);
