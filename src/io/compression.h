/* Which files are compressed, and how. */
#pragma once

#include "barks/status.h"

#include <stddef.h>
#include <stdint.h>

/* The numbers are part of encoded splits: never reuse one. */
enum compression {
    COMPRESSION_NONE = 0,
    COMPRESSION_GZIP = 1,
    COMPRESSION_ZSTD = 2,
    COMPRESSION_BZIP2 = 3,
    COMPRESSION_XZ = 4,
    COMPRESSION_LZ4 = 5,
    COMPRESSION_SNAPPY = 6,
};
#define COMPRESSION_LAST COMPRESSION_SNAPPY

enum {
    COMPRESSION_HEAD_BYTES = 6
}; /* what detection wants to see, fewer where the file has fewer */

const char *compression_name(enum compression kind);

/* Judges by the first bytes, since they decide what can be read, and holds a name that promises
 * otherwise against them: a "x.gz" that is not gzip is an error, an empty one is an empty file.
 * Errors: BARKS_BAD_INPUT: such a name; a compression that barks cannot read (the old compress, and
 * bzip2, xz, lz4, snappy in a build without them). */
BARKS_CHECKED barks_status *compression_detect(const char *path, const uint8_t *head,
                                               size_t head_bytes, enum compression *out_kind);
