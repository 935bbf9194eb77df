/* Which keys one side of a join has, about: rows of the other side that certainly have no partner
 * are not sent.
 *
 * A Bloom filter whose bits of a key all lie in one 64-bit word, so that a look is one load and one
 * comparison: Lang, Neumann, Kemper and Boncz, "Performance-Optimal Filtering: Bloom Overtakes
 * Cuckoo at High Throughput", VLDB 2019 (register-blocked); blocks are those of Putze, Sanders and
 * Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", JEA 2009.
 *
 *     word  the high bits of the key's hash (batch_hash)
 *     bits  KEY_FILTER_BITS of its 64, each by 6 of the low bits of the hash
 *
 * Since the number of words is a power of two and the high bits choose one, two neighbours or-ed
 * are the word that a filter of half the size has. With it go ranges of the numbers
 * (key_ranges.h).
 */
#pragma once

#include "barks/status.h"
#include "shuffle/key_ranges.h"

#include <stdbool.h>
#include <stdint.h>

struct packer;
struct unpacker;

enum {
    KEY_FILTER_BITS = 4,
    KEY_FILTER_LOG2_MIN = 10, /* 8 KiB */
    KEY_FILTER_LOG2_MAX = 20, /* 8 MiB */
};

/* Begins zeroed or with key_filter_init, ends with key_filter_drop. Threads: one owner while it is
 * added to, then any.
 * Invariant: words is NULL, or KEY_FILTER_LOG2_MIN <= words_log2 <= KEY_FILTER_LOG2_MAX. */
struct key_filter {
    uint64_t *words; /* owned; 2^words_log2 of them; NULL: only the ranges say something */
    uint32_t words_log2;
    struct key_ranges ranges;
};

/* How many words, as a power of two, are enough for so many keys, or are the most. */
uint32_t key_filter_log2_for(uint64_t key_count);

/* No keys, and no ranges. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *key_filter_init(struct key_filter *filter, uint32_t words_log2);
void key_filter_drop(struct key_filter *filter); /* twice is fine */
bool key_filter_is_sound(const struct key_filter *filter);

static inline uint64_t key_filter_bytes(uint32_t words_log2)
{
    return sizeof(uint64_t) << words_log2;
}

static inline uint64_t key_filter_mask(uint64_t hash)
{
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) |
           UINT64_C(1) << (hash >> 12 & 63) | UINT64_C(1) << (hash >> 18 & 63);
}

/* True when the filter is another one now. It has words. */
static inline bool key_filter_add(struct key_filter *filter, uint64_t hash)
{
    uint64_t *word = &filter->words[hash >> (64 - filter->words_log2)];
    uint64_t before = *word;
    *word = before | key_filter_mask(hash);
    return *word != before;
}

/* False: the key was certainly not added. It has words. */
static inline bool key_filter_may_have(const struct key_filter *filter, uint64_t hash)
{
    uint64_t mask = key_filter_mask(hash);
    return (filter->words[hash >> (64 - filter->words_log2)] & mask) == mask;
}

/* Of keys that were not added, the part that seems to be there: 0 to 1. It has words. Cost:
 * O(words). */
double key_filter_false_rate(const struct key_filter *filter);

/* So full that it would let too much pass: no key that is added makes that better. */
bool key_filter_is_full(const struct key_filter *filter);

/* No more is added: without words where it is full, else as small as it can be while hardly more
 * passes. What becomes of it follows from the keys alone. Cost: O(words). */
void key_filter_seal(struct key_filter *filter);

/* Nothing that is tested would be dropped. */
bool key_filter_is_useless(const struct key_filter *filter);

void key_filter_pack(const struct key_filter *filter, struct packer *out);
/* filter begins zeroed. Errors: BARKS_BAD_INPUT (sizes that cannot be), BARKS_NO_MEMORY; the
 * unpacker's are told by it. */
BARKS_CHECKED barks_status *key_filter_unpack(struct key_filter *filter, struct unpacker *in);
