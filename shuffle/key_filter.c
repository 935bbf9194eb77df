#include "shuffle/key_filter.h"

#include "base/pack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A key of 16 bits: one of a hundred others passes. */
enum { KEYS_PER_WORD = 4 };
static const double false_rate_folded = 0.02; /* may become of folding */
static const double false_rate_max = 0.3;

uint32_t key_filter_log2_for(uint64_t key_count)
{
    uint32_t log2 = KEY_FILTER_LOG2_MIN;
    while (log2 < KEY_FILTER_LOG2_MAX && key_count / KEYS_PER_WORD >= UINT64_C(1) << log2)
        log2++;
    return log2;
}

barks_status *key_filter_init(struct key_filter *filter, uint32_t words_log2)
{
    *filter = (struct key_filter){.words_log2 = words_log2};
    filter->words = calloc((size_t)1 << words_log2, sizeof *filter->words);
    if (filter->words == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a filter of %" PRIu64 " bytes",
                   key_filter_bytes(words_log2));
    return NULL;
}

void key_filter_drop(struct key_filter *filter)
{
    free(filter->words);
    *filter = (struct key_filter){0};
}

bool key_filter_is_sound(const struct key_filter *filter)
{
    return filter->ranges.count <= KEY_RANGES_MAX &&
           (filter->words == NULL || (filter->words_log2 >= KEY_FILTER_LOG2_MIN &&
                                      filter->words_log2 <= KEY_FILTER_LOG2_MAX));
}

/* A key passes where all its bits are set, each of which is any of the word's. sum of (set / 64)^4,
 * by numbers of set bits, so that it is the same whatever the order. */
static double rate_of(const uint64_t counts[65], uint64_t word_count)
{
    double sum = 0;
    for (int set = 0; set <= 64; set++) {
        double part = set / 64.0;
        sum += (double)counts[set] * part * part * part * part;
    }
    return sum / (double)word_count;
}

double key_filter_false_rate(const struct key_filter *filter)
{
    uint64_t counts[65] = {0}, word_count = UINT64_C(1) << filter->words_log2;
    for (uint64_t i = 0; i < word_count; i++)
        counts[__builtin_popcountll(filter->words[i])]++;
    return rate_of(counts, word_count);
}

bool key_filter_is_full(const struct key_filter *filter)
{
    return key_filter_false_rate(filter) > false_rate_max;
}

static double rate_of_half(const struct key_filter *filter)
{
    uint64_t counts[65] = {0}, word_count = UINT64_C(1) << (filter->words_log2 - 1);
    for (uint64_t i = 0; i < word_count; i++)
        counts[__builtin_popcountll(filter->words[2 * i] | filter->words[2 * i + 1])]++;
    return rate_of(counts, word_count);
}

static void fold(struct key_filter *filter)
{
    uint64_t word_count = UINT64_C(1) << --filter->words_log2;
    for (uint64_t i = 0; i < word_count; i++)
        filter->words[i] = filter->words[2 * i] | filter->words[2 * i + 1];
}

static void give_up_words(struct key_filter *filter)
{
    free(filter->words);
    filter->words = NULL;
    filter->words_log2 = 0;
}

void key_filter_seal(struct key_filter *filter)
{
    if (filter->words == NULL)
        return;
    if (key_filter_is_full(filter)) {
        give_up_words(filter);
        return;
    }
    while (filter->words_log2 > KEY_FILTER_LOG2_MIN && rate_of_half(filter) <= false_rate_folded)
        fold(filter);
    uint64_t *smaller = realloc(filter->words, key_filter_bytes(filter->words_log2));
    if (smaller != NULL) /* else it stays where it is */
        filter->words = smaller;
}

bool key_filter_is_useless(const struct key_filter *filter)
{
    return filter->words == NULL && key_ranges_are_open(&filter->ranges);
}

void key_filter_pack(const struct key_filter *filter, struct packer *out)
{
    pack_u64(out, filter->words_log2);
    pack_bytes(out, filter->words,
               filter->words != NULL ? key_filter_bytes(filter->words_log2) : 0);
    key_ranges_pack(&filter->ranges, out);
}

barks_status *key_filter_unpack(struct key_filter *filter, struct unpacker *in)
{
    size_t size_bytes = 0;
    uint32_t words_log2 = unpack_u32(in);
    const uint8_t *bytes = unpack_bytes(in, &size_bytes);
    if (bytes != NULL) {
        if (words_log2 < KEY_FILTER_LOG2_MIN || words_log2 > KEY_FILTER_LOG2_MAX ||
            size_bytes != key_filter_bytes(words_log2))
            BARKS_FAIL(BARKS_BAD_INPUT, "a filter of 2^%" PRIu32 " words has %zu bytes", words_log2,
                       size_bytes);
        BARKS_TRY(key_filter_init(filter, words_log2));
        memcpy(filter->words, bytes, size_bytes);
    }
    return key_ranges_unpack(&filter->ranges, in);
}
