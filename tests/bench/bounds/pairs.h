/* Tables of the bounds for grouping and joining: rows of an integer key and an integer value, which
 * threads read in chunks. */
#pragma once

#include "scatter.h"

#include <stdatomic.h>

struct pair { /* as gen_table --binary writes it */
    int64_t key, value;
};

enum { CHUNK_ROWS = 16384 };

struct pairs {
    int fd;
    uint64_t row_count;
    _Atomic uint64_t next_row; /* relaxed: it hands out numbers and publishes nothing */
};

static inline void pairs_open(struct pairs *pairs, const char *path)
{
    uint64_t bytes = 0;
    pairs->fd = open_input(path, &bytes);
    pairs->row_count = bytes / sizeof(struct pair);
    if (bytes % sizeof(struct pair) != 0) {
        errno = EINVAL;
        die(path);
    }
}

/* The next rows, at most CHUNK_ROWS, or 0 at the end. */
static inline size_t pairs_read(struct pairs *pairs, struct pair *out)
{
    uint64_t row = atomic_fetch_add_explicit(&pairs->next_row, CHUNK_ROWS, memory_order_relaxed);
    if (row >= pairs->row_count)
        return 0;
    uint64_t end = row + CHUNK_ROWS < pairs->row_count ? row + CHUNK_ROWS : pairs->row_count;
    return read_at(pairs->fd, out, row * sizeof *out, end * sizeof *out) / sizeof *out;
}
