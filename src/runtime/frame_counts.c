#include "runtime/frame_counts.h"

#include "base/pack.h"
#include "shuffle/exchange.h"

#include <stdlib.h>
#include <string.h>

/* The bytes of one of the numbers: 1, 2, 4 or 8. */
static size_t width_for(uint64_t greatest)
{
    size_t width = 1;
    while (width < sizeof greatest && greatest >> (8 * width) != 0)
        width *= 2;
    return width;
}

/* Low bytes come first on all machines that barks runs on. */
void frame_counts_pack(struct packer *packer, const struct exchange_sent *sent, uint32_t slot_count)
{
    uint64_t greatest = 0;
    if (sent == NULL) {
        pack_bytes(packer, NULL, 0);
        return;
    }
    while (slot_count > 0 && sent[slot_count - 1].frame_count == 0)
        slot_count--;
    for (uint32_t i = 0; i < slot_count; i++)
        if (sent[i].frame_count > greatest)
            greatest = sent[i].frame_count;
    size_t width = width_for(greatest), size_bytes = 1 + width * slot_count;
    uint8_t *bytes = malloc(size_bytes);
    if (bytes == NULL) {
        packer->failed = true;
        return;
    }
    bytes[0] = (uint8_t)width;
    for (uint32_t i = 0; i < slot_count; i++)
        memcpy(bytes + 1 + width * i, &sent[i].frame_count, width);
    pack_bytes(packer, bytes, size_bytes);
    free(bytes);
}

static bool is_well_formed(const uint8_t *bytes, size_t size_bytes)
{
    size_t width = size_bytes > 0 ? bytes[0] : 0;
    bool is_width = width == 1 || width == 2 || width == 4 || width == 8;
    return is_width && (size_bytes - 1) % width == 0;
}

void frame_counts_unpack(struct unpacker *unpacker, struct frame_counts *out)
{
    size_t size_bytes = 0;
    const uint8_t *bytes = unpack_bytes(unpacker, &size_bytes);
    *out = (struct frame_counts){0};
    if (bytes == NULL)
        return;
    if (!is_well_formed(bytes, size_bytes)) {
        unpacker_fail(unpacker, "numbers of frames");
        return;
    }
    uint8_t *copy = unpack_array(unpacker, 1, size_bytes);
    if (copy == NULL)
        return;
    memcpy(copy, bytes, size_bytes);
    *out = (struct frame_counts){.bytes = copy, .size_bytes = size_bytes};
}

void frame_counts_drop(struct frame_counts *counts)
{
    free(counts->bytes);
    *counts = (struct frame_counts){0};
}

static uint32_t slot_count_of(const struct frame_counts *counts)
{
    return counts->bytes != NULL ? (uint32_t)((counts->size_bytes - 1) / counts->bytes[0]) : 0;
}

uint64_t frame_counts_of(const struct frame_counts *counts, uint32_t slot)
{
    uint64_t count = 0;
    if (slot == 0 || slot > slot_count_of(counts))
        return 0;
    size_t width = counts->bytes[0];
    memcpy(&count, counts->bytes + 1 + width * (slot - 1), width);
    return count;
}

uint64_t frame_counts_sum(const struct frame_counts *counts)
{
    uint64_t sum = 0;
    for (uint32_t slot = 1; slot <= slot_count_of(counts); slot++)
        sum += frame_counts_of(counts, slot);
    return sum;
}
