#include "shuffle/link_meter.h"

#include "base/clock.h"

/* Small rounds take as long as their latency, and tell nothing. */
#define ROUND_BYTES_TELLING (UINT64_C(256) << 10)
#define JUDGED_BYTES (UINT64_C(32) << 20)
/* One core compresses and another one decompresses about so fast: a link that is faster has to wait
 * for them. */
#define SLOW_BYTES_PER_S UINT64_C(400000000)

#define TRIED_BYTES (UINT64_C(8) << 20)
#define PLAIN_BYTES (INT64_C(128) << 20)
enum { SAVED_PARTS = 10 }; /* it pays where it saves one part of so many */

bool link_wants_packed(struct link_meter *meter, uint64_t encoded_bytes)
{
    if (meter->mode != LINK_AUTO)
        return meter->mode == LINK_LZ4;
    if (!atomic_load_explicit(&meter->is_slow, memory_order_relaxed))
        return false;
    if (atomic_load_explicit(&meter->plain_bytes, memory_order_relaxed) <= 0)
        return true;
    atomic_fetch_sub_explicit(&meter->plain_bytes, (int64_t)encoded_bytes, memory_order_relaxed);
    return false;
}

void link_note_packed(struct link_meter *meter, uint64_t encoded_bytes, uint64_t packed_bytes)
{
    uint64_t packed = packed_bytes + atomic_fetch_add_explicit(&meter->packed_bytes, packed_bytes,
                                                               memory_order_relaxed);
    uint64_t tried = encoded_bytes + atomic_fetch_add_explicit(&meter->tried_bytes, encoded_bytes,
                                                               memory_order_relaxed);
    if (tried < TRIED_BYTES)
        return;
    atomic_store_explicit(&meter->tried_bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&meter->packed_bytes, 0, memory_order_relaxed);
    if (packed > tried - tried / SAVED_PARTS)
        atomic_store_explicit(&meter->plain_bytes, PLAIN_BYTES, memory_order_relaxed);
}

void link_note_round(struct link_meter *meter, uint64_t bytes, uint64_t ns)
{
    if (bytes < ROUND_BYTES_TELLING)
        return;
    meter->bytes += bytes;
    meter->ns += ns;
    if (meter->bytes < JUDGED_BYTES)
        return;
    bool is_slow = (double)meter->bytes * NS_PER_S < (double)SLOW_BYTES_PER_S * (double)meter->ns;
    atomic_store_explicit(&meter->is_slow, is_slow, memory_order_relaxed);
    meter->bytes = 0;
    meter->ns = 0;
}
