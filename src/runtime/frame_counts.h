/* How many frames an attempt has sent to each slot. The driver holds these numbers for each task
 * and executor, so they have as few bytes as the largest of them needs: mostly one. */
#pragma once

#include "barks/status.h"

#include <stddef.h>
#include <stdint.h>

struct exchange_sent;
struct packer;
struct unpacker;

/* The bytes that travel: that of a number, then the numbers, by slot from 1; those of the last
 * slots are left out where they are 0. Zeroed: of an attempt that fills no shuffle. */
struct frame_counts {
    uint8_t *bytes; /* owned */
    size_t size_bytes;
};

/* sent: of the slots 1 to slot_count; NULL: it fills no shuffle. Without memory packer fails. */
void frame_counts_pack(struct packer *packer, const struct exchange_sent *sent,
                       uint32_t slot_count);
/* Errors stick to the unpacker; *out is zeroed then. */
void frame_counts_unpack(struct unpacker *unpacker, struct frame_counts *out);
void frame_counts_drop(struct frame_counts *counts);

/* 0 for slots that there are not. O(1). */
uint64_t frame_counts_of(const struct frame_counts *counts, uint32_t slot);
/* All together. O(slots). */
uint64_t frame_counts_sum(const struct frame_counts *counts);
