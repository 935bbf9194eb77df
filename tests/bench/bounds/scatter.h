/* Items of one thread thrown into buckets, without counting them first: a bucket is a chain of
 * pieces of a page each, of which the last is being filled. */
#pragma once

#include "bound.h"

enum {
    PIECE_BYTES = 4096,
    PIECE_HEAD_BYTES = 16, /* struct piece_head */
    ARENA_BYTES = 32 << 20,
};

struct piece_head {
    const char *before; /* the piece before, or NULL */
    uint64_t first;     /* offset of the first item */
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

/* The first piece of a bucket is filled from somewhere in the middle: were all of them filled from
 * their begin, evenly, the ends of all buckets would fall on the same few sets of the caches. */
static __attribute__((noinline)) char *scatter_grow(struct scatter *scatter, size_t bucket,
                                                    size_t item_bytes, const char *end)
{
    if (scatter->arena_left_bytes == 0) {
        scatter->arena = map_memory(ARENA_BYTES);
        scatter->arena_left_bytes = ARENA_BYTES;
    }
    char *piece = scatter->arena;
    scatter->arena += PIECE_BYTES;
    scatter->arena_left_bytes -= PIECE_BYTES;
    struct piece_head head = {.first = PIECE_HEAD_BYTES};
    if (end != NULL)
        head.before = end - PIECE_BYTES;
    else
        head.first += bucket * 41 % ((PIECE_BYTES - PIECE_HEAD_BYTES) / item_bytes) * item_bytes;
    memcpy(piece, &head, sizeof head);
    return piece + head.first;
}

/* Where the next item of the bucket goes. */
static inline void *scatter_add(struct scatter *scatter, size_t bucket, size_t item_bytes)
{
    char *end = scatter->ends[bucket];
    if (__builtin_expect(((uintptr_t)end & (PIECE_BYTES - 1)) == 0, 0))
        end = scatter_grow(scatter, bucket, item_bytes, end);
    scatter->ends[bucket] = end + item_bytes;
    return end;
}

/* Items of a bucket that lie one after the other; scatter_first and scatter_next give them piece by
 * piece, from the last, while they return true. */
struct scatter_piece {
    const char *first, *end;
    const char *before;
};

static inline struct scatter_piece scatter_piece_of(const char *piece, const char *end)
{
    struct piece_head head;
    memcpy(&head, piece, sizeof head);
    return (struct scatter_piece){.first = piece + head.first, .end = end, .before = head.before};
}

static inline bool scatter_first(const struct scatter *scatter, size_t bucket,
                                 struct scatter_piece *out_piece)
{
    const char *end = scatter->ends[bucket];
    if (end == NULL)
        return false;
    *out_piece = scatter_piece_of(end - 1 - ((uintptr_t)(end - 1) & (PIECE_BYTES - 1)), end);
    return true;
}

static inline bool scatter_next(struct scatter_piece *piece)
{
    if (piece->before == NULL)
        return false;
    *piece = scatter_piece_of(piece->before, piece->before + PIECE_BYTES);
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
