/* The least and the greatest of the numbers that one side of a join has in a key column: a row of
 * the other side whose number lies outside has no partner.
 *
 * Numbers are compared as 64-bit integers in whose order they are: whole ones as they are, others
 * by their bits, both zeros as one and every NaN as the greatest, as keys are compared. Columns of
 * other types have no range. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stdint.h>

struct packer;
struct unpacker;

enum { KEY_RANGES_MAX = 4 }; /* key columns behind these are not looked at */

struct number_range {
    bool is_known;     /* false: nothing is told of the column, any value may be there */
    bool has_null;     /* of those that were added */
    int64_t low, high; /* low > high: no number was added */
};
/* Of the first key columns. Threads: one owner while it is added to, then any. */
struct key_ranges {
    struct number_range all[KEY_RANGES_MAX];
    uint32_t count;
};

/* Empty ranges for rows of the schema; what is no number has none. */
void key_ranges_init(struct key_ranges *ranges, const barks_schema *schema,
                     const uint32_t *key_columns, uint32_t key_count);
void key_ranges_add(struct key_ranges *ranges, const barks_batch *rows,
                    const uint32_t *key_columns);
/* What either has. */
void key_ranges_merge(struct key_ranges *ranges, const struct key_ranges *other);
/* May drop nothing: no column has a range. */
bool key_ranges_are_open(const struct key_ranges *ranges);
/* Sets inside[k] to 0 where row first + k lies outside, and leaves the others as they are. Cost:
 * O(rows). */
void key_ranges_test(const struct key_ranges *ranges, const barks_batch *rows,
                     const uint32_t *key_columns, uint32_t first, uint32_t count, uint8_t *inside);

void key_ranges_pack(const struct key_ranges *ranges, struct packer *out);
/* Errors: BARKS_BAD_INPUT (more ranges than there can be); the unpacker's are told by it. */
BARKS_CHECKED barks_status *key_ranges_unpack(struct key_ranges *ranges, struct unpacker *in);
