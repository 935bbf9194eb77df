/* What encoder and decoder of batches agree on; the format is drawn in codec.c. */
#pragma once

#include "base/hash.h"
#include "batch/codec.h"

#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are encoded as they stand");

#define CODEC_MAGIC UINT32_C(0x616b7262) /* "brka" */
enum { CODEC_VERSION = 1 };

struct codec_header {
    uint32_t magic;
    uint32_t version;
    uint64_t schema_hash;
    uint64_t row_count;
    uint64_t body_bytes;
    uint64_t checksum;
};

_Static_assert(sizeof(struct codec_header) == CODEC_HEADER_BYTES &&
                   offsetof(struct codec_header, schema_hash) == 8 &&
                   offsetof(struct codec_header, row_count) == 16 &&
                   offsetof(struct codec_header, body_bytes) == 24 &&
                   offsetof(struct codec_header, checksum) == 32,
               "the header is encoded as it stands");

/* Before the bitmap of a nullable column. */
enum { CODEC_ALL_VALID = 0, CODEC_BITMAP = 1 };

/* Of the header before the checksum, and the body. */
static inline uint64_t codec_checksum(const uint8_t *encoded, uint64_t body_bytes)
{
    uint64_t seed = hash_bytes(encoded, offsetof(struct codec_header, checksum));
    return hash_bytes_seeded(encoded + CODEC_HEADER_BYTES, body_bytes, seed);
}
