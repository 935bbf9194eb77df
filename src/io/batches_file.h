/* Files of encoded batches: the rows as they are in memory, to be read again by barks.
 *
 *     "barksbat"  8 bytes
 *     schema      u64 length, then as schema_encode writes it
 *     batches     u64 length (not 0), then as codec_encode writes it; each
 *     end         u64 0, u64 number of rows in the file
 *
 * Numbers are little-endian. What a batch may hold the codec checks, by its own checksum. */
#pragma once

enum { BATCHES_MAGIC_BYTES = 8, BATCHES_SCHEMA_BYTES_MAX = 16 * 1024 * 1024 };
#define BATCHES_MAGIC "barksbat"
