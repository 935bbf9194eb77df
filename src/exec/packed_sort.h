/* Sorting rows by keys that are whole numbers of so small a range that all of them and the number
 * of a row fit one word: what is sorted is then half as large, and no row is looked at again. */
#pragma once

#include "exec/sort_level.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

enum { PACKED_KEYS_MAX = 4 };

/* Where a key lies in a word, and what of its value. Its values rise in the order asked for. */
struct packed_key {
    uint64_t low;       /* the value, as a number without sign, that is 0 */
    uint64_t null_code; /* of rows that have no value */
    uint32_t first;     /* the least code of those that have one */
    uint32_t shift;
};

/* Words of rows: the keys, the first one on top, and below them the number of the row. */
struct packed_keys {
    const struct sort_rows *rows; /* borrowed */
    struct packed_key keys[PACKED_KEYS_MAX];
    uint32_t row_bits;
};

/* False: the keys are of other types, too many, or of too large a range. Cost: one pass over the
 * key columns. */
bool packed_sort_fits(const struct sort_rows *rows, struct packed_keys *out_packed);

/* Fills out_order as rows_order does. out_begins: as of rows_order_groups, may be NULL.
 * Errors: as pool_acquire. Cost: O(n) for each 9 bits of the keys that are needed to tell rows
 * apart. Source: as of radix_sort.h. */
BARKS_CHECKED barks_status *packed_sort(const struct packed_keys *packed, uint32_t group_key_count,
                                        struct pool *pool, uint32_t *out_order,
                                        uint64_t *out_begins);
