/* Inside of the combine table; for combine*.c alone.
 *
 *     slot      0            8                      8 + accumulator->size, rounded up to 8
 *               | hash       | accumulator (struct) |
 *
 * 2^bits slots in one array, found by linear probing from slot hash >> (64 - bits). So slots are
 * almost in the order of their hashes: only inside a run of taken slots they may not be, and
 * growing reads and writes from front to back. hash 0 marks an empty slot; the lowest bit of a hash
 * is always set.
 *
 * Rows are looked up FIND_ROWS at a time: all hashes, with a prefetch of each slot, then one pass
 * without branches over the slots, most of which are right at once, then the rest.
 */
#pragma once

#include "batch/batch.h"
#include "shuffle/accumulator.h"
#include "shuffle/combine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Rows looked up at a time: their slots (a cache line each) and those of the next look-up take half
 * of a 32 KiB first-level cache, and are enough misses at once for any memory. */
enum { FIND_ROWS = 128 };

/* The first slots, as a power of two: room for one look-up of new keys. */
enum { FIRST_BITS = 10 };

/* A table grows fourfold while it is smaller than this, then twofold. */
#define COMBINE_SMALL_BYTES ((size_t)1 << 20)

/* Taken slots in 8: what a table grows at, and what it may reach when the pool refuses. */
enum { LOAD_EIGHTHS = 5, LOAD_EIGHTHS_MAX = 7 };

/* How keys are hashed and compared; chosen once, by type. */
enum find_kind {
    FIND_ONE, /* no key: one accumulator */
    FIND_STR, /* one str or bytes */
    FIND_I64, /* one of these, never null */
    FIND_I32,
    FIND_ANY,
};

struct slot {
    uint64_t hash; /* 0: empty. The accumulator follows */
};

/* What may stand in place of slots: the accumulator of key window.first_key + i at place i. */
struct key_array {
    uint8_t *places; /* owned; NULL: there is none */
    size_t bytes;
    size_t released_bytes; /* in front, while it is drained */
    struct key_window window;
    uint64_t taken_count;
    bool has_zero; /* the key 0 is there */
};

struct combine {
    struct combine_options options; /* its arrays are owned copies */
    enum find_kind find_kind;
    struct accumulator_field *fields; /* owned; of the accumulator */
    uint32_t field_count;
    bool has_lists;         /* generated code cannot turn them into columns without an operator */
    uint32_t *owned_fields; /* owned; those that may point somewhere, or need the canonical form */
    uint32_t owned_count;
    uint32_t load_count;            /* fields of function->in, or of the accumulator */
    uint32_t *load_columns;         /* owned; their columns in the rows */
    const barks_column **bound;     /* owned; the same in the batch at hand */
    const barks_column **bound_out; /* owned; the columns of output */

    uint8_t *slots; /* owned; NULL before the first row */
    size_t slots_bytes;
    size_t released_bytes; /* of slots, in front, while they are drained */
    size_t stride_bytes;   /* of a slot */
    size_t key_offset;     /* FIND_STR, FIND_I64, FIND_I32: of the key in the accumulator */
    uint32_t bits;         /* 2^bits slots */
    uint32_t first_bits;   /* what the next table begins with */
    uint32_t hash_shift;   /* bits of hashes that all keys share */
    uint64_t row_count;    /* accumulators, those of the array too */
    uint64_t rows_added;
    uint64_t rows_since_drain;
    uint64_t displacement; /* slots between where keys hash to and where they went, since growing */
    uint64_t inserted;     /* keys, since growing */
    uint64_t distance_max; /* the most slots between where a key hashes to and where it is */
    bool is_full;          /* the pool refused to let it grow, or garbage stays for want of room */

    struct key_array array;
    struct key_window window; /* of the last array, or of one that is expected */

    struct keeper keep;
    uint64_t fold_kept_bytes; /* kept by bodies since the last compaction */
    uint64_t live_bytes;      /* that the last compaction left */
    struct call_scope scope;

    struct batch *output; /* owned; what accumulators are drained into */
    uint8_t *staged;      /* owned; BATCH_ROWS accumulators on their way there */
    uint32_t staged_count;

    /* One look-up, and the hashes of the next one in the batch. */
    bool is_test; /* hash_and or hash_or is set */
    uint64_t *hashes;
    uint64_t *next_hashes;
    uint64_t hash_room[2][FIND_ROWS];
    void *accumulators[FIND_ROWS];
    uint32_t misses[FIND_ROWS]; /* rows of the look-up whose first slot was not theirs */
    uint32_t fresh[FIND_ROWS];  /* rows of the look-up that began an accumulator, in order */
    uint32_t fresh_count;
};

static inline uint64_t combine_slot_count(const struct combine *combine)
{
    return combine->slots == NULL ? 0 : UINT64_C(1) << combine->bits;
}

static inline struct slot *combine_slot(const struct combine *combine, uint64_t index)
{
    void *slot = combine->slots + index * combine->stride_bytes;
    return slot;
}

static inline void *slot_accumulator(struct slot *slot) { return slot + 1; }

/* Copies structs that are a few words long: a call for each would cost more. */
static inline void copy_words(void *to, const void *from, size_t bytes)
{
    size_t at = 0;
    for (; at + 8 <= bytes; at += 8)
        memcpy((uint8_t *)to + at, (const uint8_t *)from + at, 8);
    for (; at < bytes; at++)
        ((uint8_t *)to)[at] = ((const uint8_t *)from)[at];
}

/* Where the search for a hash begins. bits is at least 1. */
static inline uint64_t combine_home(const struct combine *combine, uint64_t hash)
{
    return hash >> (64 - combine->bits);
}

/* Slot, which is empty, has the accumulator of a new key from now on, distance slots behind where
 * the search for it begins. */
static inline void combine_take_slot(struct combine *combine, struct slot *slot, uint64_t hash,
                                     uint64_t distance)
{
    slot->hash = hash;
    combine->row_count++;
    combine->inserted++;
    combine->displacement += distance;
    if (distance > combine->distance_max)
        combine->distance_max = distance;
}

static inline uint64_t combine_slots_taken(const struct combine *combine)
{
    return combine->row_count - combine->array.taken_count;
}

/* Whether more than so many eighths of the slots would be taken with more_rows more keys. */
static inline bool combine_would_pass(const struct combine *combine, uint64_t more_rows,
                                      uint32_t eighths)
{
    return (combine_slots_taken(combine) + more_rows) * 8 > eighths * combine_slot_count(combine);
}

/* Room for row_count new keys. */
BARKS_CHECKED barks_status *combine_make_room(struct combine *combine, uint32_t row_count);

/* The hash that a slot has: of no bits that all keys share. The lowest bit was set, and is again.
 */
static inline uint64_t combine_slot_hash(const struct combine *combine, uint64_t hash)
{
    hash = (hash & combine->options.hash_and) | combine->options.hash_or;
    return hash << combine->hash_shift | 1;
}

/* The table hashes of the keys in columns `columns` of rows [first, first + row_count). */
void combine_hash(const struct combine *combine, const barks_batch *rows, const uint32_t *columns,
                  uint32_t first, uint32_t row_count, uint64_t *out_hashes);

/* Sets accumulators[k] for row first + k of batch, k < row_count <= FIND_ROWS, adding those that
 * are missing, which are listed in fresh. There are as many free slots. bound is set. */
BARKS_CHECKED barks_status *combine_find(struct combine *combine, const barks_batch *batch,
                                         uint32_t first, uint32_t row_count);

/* The same of one row, whose accumulator is in a slot, or will be, and whose hash was made before.
 */
void combine_hash_row(struct combine *combine, const barks_batch *batch, uint32_t first,
                      uint32_t k);
BARKS_CHECKED barks_status *combine_find_row(struct combine *combine, const barks_batch *batch,
                                             uint32_t first, uint32_t k);

/* Before rows are folded, which may take the function long. */
BARKS_CHECKED static inline barks_status *combine_check_cancelled(const struct combine *combine)
{
    const atomic_bool *cancelled = combine->options.cancelled;
    if (cancelled != NULL && atomic_load_explicit(cancelled, memory_order_relaxed))
        BARKS_FAIL(BARKS_CANCELLED, "rows are no more folded: the task was cancelled");
    return NULL;
}

void combine_release_slots(struct combine *combine);

/* Instead of more slots: an array, or a wider one, where keys are close together. False: it is as
 * before. */
bool combine_array_begin(struct combine *combine);
void combine_array_release(struct combine *combine);
/* As combine_find; there is an array. */
BARKS_CHECKED barks_status *combine_array_find(struct combine *combine, const barks_batch *batch,
                                               uint32_t first, uint32_t row_count);
/* The first accumulator at or behind *place, which is where it is afterwards; NULL: none. */
uint8_t *combine_array_next(const struct combine *combine, uint64_t *place);
/* Those before place have been given out: their memory is for what they have become. */
void combine_array_release_before(struct combine *combine, uint64_t place);

static inline bool combine_is_key_field(const struct combine_options *options, uint32_t field)
{
    for (uint32_t i = 0; i < options->key_count; i++)
        if (options->key_fields[i] == field)
            return true;
    return false;
}

/* Whether an accumulator begins without its first row, which is then folded as all others are. */
static inline bool combine_folds_first_row(const struct combine *combine)
{
    const struct combine_options *options = &combine->options;
    return options->function != NULL &&
           (options->function->kind == BARKS_KIND_AGGREGATE || options->begins_with_initial);
}

/* Makes accumulator what one begins as, out of row of the batch at hand. */
BARKS_CHECKED barks_status *combine_begin_accumulator(struct combine *combine,
                                                      const barks_batch *batch, uint32_t row,
                                                      void *accumulator);

/* The same of rows first_row + k, k < count <= FIND_ROWS, one accumulator behind the other. */
BARKS_CHECKED barks_status *combine_begin_accumulators(struct combine *combine,
                                                       const barks_batch *batch, uint32_t first_row,
                                                       uint32_t count, void *accumulators);

/* Points bound at the columns of batch. */
void combine_bind(struct combine *combine, const barks_batch *batch);

/* Folds row first_row + k into accumulators[k], k < count. *out_row: where the body failed. */
BARKS_CHECKED barks_status *combine_fold(struct combine *combine, const barks_batch *batch,
                                         void *const *accumulators, uint32_t first_row,
                                         uint32_t count, uint32_t *out_row);

/* No accumulators and no memory for them; the next row takes as many slots as there were, unless
 * they were far too many. */
void combine_clear(struct combine *combine);
