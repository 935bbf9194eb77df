/* Lines of text files as rows of one str column. */
#pragma once

#include "io/source.h"

#include <stddef.h>
#include <stdint.h>

struct pool;
struct split;

struct text_source_options {
    uint64_t line_bytes_max; /* 0: TEXT_LINE_BYTES_MAX; at most TEXT_LINE_BYTES_LIMIT */
    size_t chunk_bytes; /* what is read at a time; 0: TEXT_CHUNK_BYTES; tests take small ones */
};

enum {
    TEXT_LINE_BYTES_MAX = 1 << 30,
    TEXT_CHUNK_BYTES =
        256 * 1024 - 64, /* with a block's slack one block of the pool; half of a small second-level
                            cache, so that the table of a word count has room beside it */
    TEXT_CHUNK_BYTES_MIN = 16,
};
#define TEXT_LINE_BYTES_LIMIT UINT64_C(0xf0000000) /* a string's length has 32 bits */

/* "text", str, never null. */
const barks_schema *text_source_schema(void);

/**
 * Reads the lines that begin inside of the splits, in their order.
 *
 * A line ends at \n; one \r before it is dropped. A last line without \n counts, an empty file has
 * no lines, NUL and bytes that are no UTF-8 are data. A byte-order mark at the start of a file is
 * dropped. Splits of a file that do not overlap and leave nothing out give each line exactly once,
 * wherever their bounds lie.
 *
 * Ownership: borrows splits until source_close. Strings point into blocks that the batches hold; a
 * block that nobody else holds is read into again, so that a pipeline which lets go of its batches
 * stays in the cache. Errors:    (open) BARKS_INVALID: options. (next) those of input_stream_read;
 * BARKS_LIMIT: a line above line_bytes_max, with path and offset, or the budget. Cost:      each
 * byte is read once and looked at once; a line that crosses chunks is copied, amortised once.
 */
BARKS_CHECKED barks_status *text_source_open(struct pool *pool,
                                             const struct text_source_options *options,
                                             const struct split *splits, size_t split_count,
                                             struct source **out_source);
