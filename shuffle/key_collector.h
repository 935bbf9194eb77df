/* The keys of the rows that one task of a join's smaller side sends, for a key_filter that all its
 * tasks make together. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "shuffle/key_filter.h"

#include <stdint.h>

struct packer;
struct pool;
struct unpacker;

struct key_collector_options {
    struct pool *pool; /* where its memory is counted */
    const barks_schema *schema;
    const uint32_t *key_columns; /* borrowed, as all of them */
    uint32_t key_count;
    uint32_t words_log2; /* of the filter, the same for all tasks */
};

/* Threads: one owner at a time. */
struct key_collector;
/* Where the budget has no room for it, it collects the ranges alone. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *key_collector_create(const struct key_collector_options *options,
                                                 struct key_collector **out_collector);
void key_collector_destroy(struct key_collector *collector); /* NULL is fine */

/* Errors: BARKS_NO_MEMORY. Cost: O(rows). */
BARKS_CHECKED barks_status *key_collector_add(struct key_collector *collector,
                                              const barks_batch *rows);

/* What it has, as bytes for key_filter_merge_packed: hashes of keys while these are smaller than
 * the words of the filter. */
void key_collector_pack(const struct key_collector *collector, struct packer *out);

/* Adds what a task has packed. filter is zeroed before the first; once it has no words it gets none
 * any more. Adding the same again changes nothing. Errors: BARKS_BAD_INPUT (sizes that cannot be,
 * or of another filter), BARKS_NO_MEMORY; the unpacker's are told by it. */
BARKS_CHECKED barks_status *key_filter_merge_packed(struct key_filter *filter, bool is_first,
                                                    struct unpacker *in);
