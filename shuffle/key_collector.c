#include "shuffle/key_collector.h"

#include "base/buffer.h"
#include "base/pack.h"
#include "base/pool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HASHED_AT_A_TIME = 256 };

/* What a task packs. */
enum part_form {
    PART_FULL = 0, /* nothing: it has too many keys, or no room for them */
    PART_HASHES,   /* one for each key that changed its filter: any other filter of the size gets
                      the same bits by them */
    PART_WORDS,
};

struct key_collector {
    struct key_collector_options options;
    struct key_filter filter; /* its words are the pool's; NULL: too many keys, or no room */
    struct buffer hashes;     /* as PART_HASHES, while has_hashes */
    bool has_hashes;
    uint64_t key_count;      /* that changed the filter */
    uint64_t look_at;        /* so many, and it is looked at whether it is full */
    uint64_t reserved_bytes; /* for hashes */
};

static void give_up_words(struct key_collector *collector)
{
    struct pool *pool = collector->options.pool;
    pool_release(pool, collector->filter.words, key_filter_bytes(collector->options.words_log2));
    collector->filter.words = NULL;
    collector->filter.words_log2 = 0;
    buffer_drop(&collector->hashes);
    collector->has_hashes = false;
    if (collector->reserved_bytes > 0)
        pool_unreserve(pool, collector->reserved_bytes);
    collector->reserved_bytes = 0;
}

/* Hashes for a quarter of the words' bytes: they are copied a few times, and are no longer small
 * then. */
BARKS_CHECKED static barks_status *make_words(struct key_collector *collector)
{
    struct pool *pool = collector->options.pool;
    uint32_t words_log2 = collector->options.words_log2;
    size_t words_bytes = key_filter_bytes(words_log2);
    void *words = NULL;
    BARKS_TRY(pool_acquire_zeroed(pool, words_bytes, &words));
    collector->filter.words = words;
    collector->filter.words_log2 = words_log2;
    BARKS_TRY(pool_reserve(pool, words_bytes / 4));
    collector->reserved_bytes = words_bytes / 4;
    collector->hashes.limit_bytes = words_bytes / 4;
    collector->has_hashes = true;
    collector->look_at = UINT64_C(16) << words_log2; /* before, it is not */
    return NULL;
}

barks_status *key_collector_create(const struct key_collector_options *options,
                                   struct key_collector **out_collector)
{
    struct key_collector *collector = calloc(1, sizeof *collector);
    if (collector == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to collect the keys of a join");
    collector->options = *options;
    barks_status *status = make_words(collector);
    if (status != NULL && barks_status_code(status) == BARKS_LIMIT) {
        barks_status_free(status); /* then no row is dropped by it, which is as right */
        status = NULL;
        give_up_words(collector);
    }
    if (status != NULL) {
        key_collector_destroy(collector);
        return status;
    }
    key_ranges_init(&collector->filter.ranges, options->schema, options->key_columns,
                    options->key_count);
    *out_collector = collector;
    return NULL;
}

void key_collector_destroy(struct key_collector *collector)
{
    if (collector == NULL)
        return;
    give_up_words(collector);
    free(collector);
}

/* ---- rows ---- */

/* Hashes that take as much as the words are not kept any more. */
BARKS_CHECKED static barks_status *keep_hash(struct key_collector *collector, uint64_t hash)
{
    collector->key_count++;
    if (!collector->has_hashes)
        return NULL;
    if (collector->hashes.limit_bytes - collector->hashes.size_bytes < sizeof hash) {
        buffer_drop(&collector->hashes);
        collector->has_hashes = false;
        return NULL;
    }
    return buffer_append(&collector->hashes, &hash, sizeof hash);
}

static void look_whether_full(struct key_collector *collector)
{
    if (collector->key_count < collector->look_at)
        return;
    collector->look_at += UINT64_C(2) << collector->options.words_log2;
    if (key_filter_is_full(&collector->filter))
        give_up_words(collector);
}

BARKS_CHECKED static barks_status *add_hashes(struct key_collector *collector,
                                              const barks_batch *rows)
{
    uint64_t hashes[HASHED_AT_A_TIME];
    for (uint32_t first = 0; first < rows->row_count; first += HASHED_AT_A_TIME) {
        uint32_t left = rows->row_count - first;
        uint32_t count = left < HASHED_AT_A_TIME ? left : HASHED_AT_A_TIME;
        batch_hash_rows(rows, collector->options.key_columns, collector->options.key_count, first,
                        count, hashes);
        for (uint32_t k = 0; k < count; k++)
            if (key_filter_add(&collector->filter, hashes[k]))
                BARKS_TRY(keep_hash(collector, hashes[k]));
    }
    return NULL;
}

barks_status *key_collector_add(struct key_collector *collector, const barks_batch *rows)
{
    key_ranges_add(&collector->filter.ranges, rows, collector->options.key_columns);
    if (collector->filter.words == NULL)
        return NULL;
    BARKS_TRY(add_hashes(collector, rows));
    look_whether_full(collector);
    return NULL;
}

/* ---- what it has ---- */

void key_collector_pack(const struct key_collector *collector, struct packer *out)
{
    const struct key_filter *filter = &collector->filter;
    enum part_form form = filter->words == NULL   ? PART_FULL
                          : collector->has_hashes ? PART_HASHES
                                                  : PART_WORDS;
    pack_u64(out, collector->options.words_log2);
    pack_u64(out, form);
    if (form == PART_WORDS)
        pack_bytes(out, filter->words, key_filter_bytes(filter->words_log2));
    else /* which may be none */
        pack_bytes(out, collector->hashes.data, collector->hashes.size_bytes);
    key_ranges_pack(&filter->ranges, out);
}

static bool is_sound(uint32_t words_log2, uint32_t form, size_t size_bytes)
{
    if (words_log2 < KEY_FILTER_LOG2_MIN || words_log2 > KEY_FILTER_LOG2_MAX || form > PART_WORDS)
        return false;
    uint64_t words_bytes = key_filter_bytes(words_log2);
    return form == PART_FULL     ? size_bytes == 0
           : form == PART_HASHES ? size_bytes <= words_bytes && size_bytes % sizeof(uint64_t) == 0
                                 : size_bytes == words_bytes;
}

static void merge_bytes(struct key_filter *filter, enum part_form form, const uint8_t *bytes,
                        size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes / sizeof(uint64_t); i++) {
        uint64_t value;
        memcpy(&value, bytes + i * sizeof value, sizeof value);
        if (form == PART_WORDS)
            filter->words[i] |= value;
        else
            (void)key_filter_add(filter, value); /* whether it was there does not matter */
    }
}

barks_status *key_filter_merge_packed(struct key_filter *filter, bool is_first, struct unpacker *in)
{
    size_t size_bytes = 0;
    struct key_ranges ranges = {0};
    uint32_t words_log2 = unpack_u32(in), form = unpack_u32(in);
    const uint8_t *bytes = unpack_bytes(in, &size_bytes);
    BARKS_TRY(key_ranges_unpack(&ranges, in));
    if (in->failed != NULL)
        return NULL; /* unpacker_finish tells it */
    if (!is_sound(words_log2, form, size_bytes) ||
        (filter->words != NULL && filter->words_log2 != words_log2))
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "keys of a join, of form %" PRIu32 " for 2^%" PRIu32 " words, are %zu bytes",
                   form, words_log2, size_bytes);
    if (is_first)
        BARKS_TRY(key_filter_init(filter, words_log2));
    if (is_first)
        filter->ranges = ranges;
    else
        key_ranges_merge(&filter->ranges, &ranges);
    if (form == PART_FULL) {
        free(filter->words);
        filter->words = NULL;
        filter->words_log2 = 0;
    }
    if (filter->words != NULL)
        merge_bytes(filter, (enum part_form)form, bytes, size_bytes);
    return NULL;
}
