/* What rows are sorted by, eight bytes at a time: a row's prefix at a level is a number, and rows
 * whose numbers are equal are told apart at the next level. */
#pragma once

#include "batch/batch.h"

#include <stdbool.h>
#include <stdint.h>

struct sort_rows {
    const barks_batch *batch;
    const struct sort_key *keys;
    uint32_t key_count;
};

struct sort_item {
    uint64_t prefix; /* at some level: if it differs, it decides */
    uint32_t row;
};

/* All zero: the first one. A key has a level for its values, of strings one for each seven bytes;
 * and then one that tells what is null from the value that has the same prefix. */
struct sort_level {
    uint32_t key;
    uint32_t offset; /* of strings: the bytes from here on */
    bool of_nulls;
};

/* Sets the prefixes of items by their rows. */
void sort_level_fill(const struct sort_rows *rows, struct sort_level level, struct sort_item *items,
                     uint32_t count);

/* What is left to tell rows of one prefix at a level apart. */
enum sort_rest {
    SORT_EQUAL,   /* nothing: they are equal */
    SORT_LEVEL,   /* the next level */
    SORT_COMPARE, /* comparing them: a list or struct, or a string that is alike for long */
};
enum sort_rest sort_level_next(const struct sort_rows *rows, struct sort_level *level,
                               struct sort_item tied);

/* Whether a comes before b, of which neither level before theirs has said so. Rows that are equal
 * stay in the order of their numbers. */
static inline bool sort_item_before(const struct sort_rows *rows, const struct sort_item *a,
                                    const struct sort_item *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix;
    int order =
        batch_compare_rows(rows->batch, a->row, rows->batch, b->row, rows->keys, rows->key_count);
    return order != 0 ? order < 0 : a->row < b->row;
}
