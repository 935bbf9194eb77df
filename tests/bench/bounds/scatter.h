/* Items of one thread thrown into buckets, without counting them first: a bucket is a chain of
 * pieces of a page each, of which the last is being filled. */
#pragma once

#include "bound.h"

enum {
    PIECE_BYTES = 4096,
    PIECE_HEAD_BYTES = 16, /* the address of the piece before, or 0 */
    ARENA_BYTES = 32 << 20,
};

/* Items have one size, which divides what a piece holds: 8, 16, 24. */
struct scatter {
    char **ends; /* of each bucket's items; at a multiple of PIECE_BYTES there is no room for more
                    (in an empty bucket it is 0) */
    char *arena;
    size_t arena_left_bytes;
};

static inline void scatter_init(struct scatter *scatter, size_t bucket_count)
{
    *scatter = (struct scatter){.ends = map_memory(bucket_count * sizeof *scatter->ends)};
}

static __attribute__((noinline)) char *scatter_grow(struct scatter *scatter, char *end)
{
    if (scatter->arena_left_bytes == 0) {
        scatter->arena = map_memory(ARENA_BYTES);
        scatter->arena_left_bytes = ARENA_BYTES;
    }
    char *piece = scatter->arena, *full = end != NULL ? end - PIECE_BYTES : NULL;
    scatter->arena += PIECE_BYTES;
    scatter->arena_left_bytes -= PIECE_BYTES;
    memcpy(piece, &full, sizeof full);
    return piece + PIECE_HEAD_BYTES;
}

/* Where the next item of the bucket goes. */
static inline void *scatter_add(struct scatter *scatter, size_t bucket, size_t item_bytes)
{
    char *end = scatter->ends[bucket];
    if (__builtin_expect(((uintptr_t)end & (PIECE_BYTES - 1)) == 0, 0))
        end = scatter_grow(scatter, end);
    scatter->ends[bucket] = end + item_bytes;
    return end;
}

/* Items of a bucket that lie one after the other; scatter_first and scatter_next give them piece by
 * piece, from the last, while they return true. */
struct scatter_piece {
    const char *first, *end;
};

static inline bool scatter_first(const struct scatter *scatter, size_t bucket,
                                 struct scatter_piece *out_piece)
{
    const char *end = scatter->ends[bucket];
    if (end == NULL)
        return false;
    const char *piece = end - 1 - ((uintptr_t)(end - 1) & (PIECE_BYTES - 1));
    *out_piece = (struct scatter_piece){.first = piece + PIECE_HEAD_BYTES, .end = end};
    return true;
}

static inline bool scatter_next(struct scatter_piece *piece)
{
    const char *before = NULL;
    memcpy(&before, piece->first - PIECE_HEAD_BYTES, sizeof before);
    if (before == NULL)
        return false;
    *piece =
        (struct scatter_piece){.first = before + PIECE_HEAD_BYTES, .end = before + PIECE_BYTES};
    return true;
}

static inline uint64_t scatter_count(const struct scatter *scatter, size_t bucket,
                                     size_t item_bytes)
{
    struct scatter_piece piece;
    uint64_t count = 0;
    for (bool more = scatter_first(scatter, bucket, &piece); more; more = scatter_next(&piece))
        count += (uint64_t)(piece.end - piece.first) / item_bytes;
    return count;
}
