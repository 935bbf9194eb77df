/* Whether frames are compressed on their way: where the link is slower than the codec, and as long
 * as it makes them smaller. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum link_compression {
    LINK_PLAIN = 0, /* never */
    LINK_AUTO,      /* by measurement */
    LINK_LZ4,       /* always */
};

/* Begins as {.mode = m}. Threads: link_note_round is the communication thread's, the rest
 * anybody's; numbers are relaxed, since a wrong guess costs time only. */
struct link_meter {
    enum link_compression mode;
    atomic_bool is_slow;
    uint64_t bytes, ns; /* of rounds since the last judgement */
    /* Of what was compressed since it was last seen whether that pays, and how much is still to go
     * as it is because it did not. */
    _Atomic uint64_t tried_bytes, packed_bytes;
    _Atomic int64_t plain_bytes;
};

/* A frame of so many bytes is about to be sent. */
bool link_wants_packed(struct link_meter *meter, uint64_t encoded_bytes);

/* What became of a frame that was to be compressed. */
void link_note_packed(struct link_meter *meter, uint64_t encoded_bytes, uint64_t packed_bytes);

/* A round's payload of so many bytes took so long. */
void link_note_round(struct link_meter *meter, uint64_t bytes, uint64_t ns);
