/* Rows for tests of joins, and what a loop over arrays says of them. */
#pragma once

#include "rdd/cases.h"

BARKS_RECORD(left_row, (i64, key), (optional(i64), number), (i64, id), (optional(str), text));
BARKS_RECORD(right_row, (i64, key), (optional(i64), number), (i64, right_id), (str, name));
BARKS_RECORD(joined, (optional(i64), key), (optional(i64), id), (optional(str), text),
             (optional(i64), right_id), (optional(str), name));
BARKS_RECORD(pair_ids, (i64, id), (i64, right_id));

enum { INNER = 1, LEFT, RIGHT, FULL, SEMI, ANTI };

struct sides {
    struct left_row *left;
    struct right_row *right;
    int64_t left_count, right_count;
    uint32_t left_partitions, right_partitions;
    char *bytes;
};

static inline struct sides sides_make(uint64_t *seed)
{
    static const int64_t counts[] = {0, 1, 3, 50, 400, 3000};
    struct sides sides = {.left_count = counts[property_next(seed) % 6],
                          .right_count = counts[property_next(seed) % 6],
                          .left_partitions = 1 + (uint32_t)(property_next(seed) % 9),
                          .right_partitions = 1 + (uint32_t)(property_next(seed) % 9)};
    /* Few keys make many pairs: not with many rows. */
    int64_t key_count = sides.left_count * sides.right_count > 100000
                            ? 200 + (int64_t)(property_next(seed) % 5000)
                            : 1 + (int64_t)(property_next(seed) % 30);
    sides.left = calloc((size_t)sides.left_count + 1, sizeof *sides.left);
    sides.right = calloc((size_t)sides.right_count + 1, sizeof *sides.right);
    sides.bytes = malloc(256);
    ck_assert(sides.left != NULL && sides.right != NULL && sides.bytes != NULL);
    memset(sides.bytes, 'x', 256);
    for (int64_t i = 0; i < sides.left_count; i++) {
        uint64_t choice = property_next(seed);
        sides.left[i] =
            (struct left_row){.key = (int64_t)(property_next(seed) % (uint64_t)key_count), .id = i};
        sides.left[i].number.valid = choice % 3 != 0;
        sides.left[i].number.value = sides.left[i].number.valid ? (int64_t)(choice / 3 % 3) : 0;
        sides.left[i].text.valid = choice / 9 % 4 != 0;
        sides.left[i].text.value =
            barks_str_of(sides.bytes, sides.left[i].text.valid ? choice / 36 % 200 : 0);
    }
    for (int64_t i = 0; i < sides.right_count; i++) {
        uint64_t choice = property_next(seed);
        sides.right[i] = (struct right_row){
            .key = (int64_t)(property_next(seed) % (uint64_t)key_count), .right_id = i};
        sides.right[i].number.valid = choice % 3 != 0;
        sides.right[i].number.value = sides.right[i].number.valid ? (int64_t)(choice / 3 % 3) : 0;
        sides.right[i].name = barks_str_of(sides.bytes, choice / 9 % 200);
    }
    return sides;
}

static inline void sides_drop(struct sides *sides)
{
    free(sides->left);
    free(sides->right);
    free(sides->bytes);
}

static inline bool match(const struct sides *sides, int64_t l, int64_t r, bool by_both)
{
    const struct left_row *left = &sides->left[l];
    const struct right_row *right = &sides->right[r];
    if (left->key != right->key)
        return false;
    return !by_both || (left->number.valid == right->number.valid &&
                        (!left->number.valid || left->number.value == right->number.value));
}

/* -1: the side is missing. */
struct ids {
    int64_t left, right;
};

static inline int by_ids(const void *a, const void *b)
{
    const struct ids *x = a, *y = b;
    if (x->left != y->left)
        return x->left < y->left ? -1 : 1;
    return (x->right > y->right) - (x->right < y->right);
}

static inline struct ids *expect(const struct sides *sides, int kind, bool by_both,
                                 int64_t *out_count)
{
    size_t capacity = 1024 + (size_t)sides->right_count;
    int64_t count = 0;
    struct ids *pairs = malloc(capacity * sizeof *pairs);
    bool *met = calloc((size_t)sides->right_count + 1, sizeof *met);
    ck_assert(pairs != NULL && met != NULL);
    for (int64_t l = 0; l < sides->left_count; l++) {
        int64_t partners = 0;
        for (int64_t r = 0; r < sides->right_count; r++) {
            if (!match(sides, l, r, by_both))
                continue;
            met[r] = true;
            if (partners++ == 0 ? kind == ANTI : kind == SEMI || kind == ANTI)
                continue;
            if ((size_t)count + 2 + (size_t)sides->right_count > capacity)
                ck_assert((pairs = realloc(
                               pairs, (capacity = 2 * capacity + (size_t)sides->right_count + 2) *
                                          sizeof *pairs)) != NULL);
            pairs[count++] = (struct ids){l, kind == SEMI ? -1 : r};
        }
        if ((size_t)count + 2 + (size_t)sides->right_count > capacity)
            ck_assert(
                (pairs = realloc(pairs, (capacity = 2 * capacity + (size_t)sides->right_count + 2) *
                                            sizeof *pairs)) != NULL);
        if (partners == 0 && (kind == LEFT || kind == FULL || kind == ANTI))
            pairs[count++] = (struct ids){l, -1};
    }
    for (int64_t r = 0; r < sides->right_count; r++)
        if (!met[r] && (kind == RIGHT || kind == FULL))
            pairs[count++] = (struct ids){-1, r};
    free(met);
    qsort(pairs, (size_t)count, sizeof *pairs, by_ids);
    *out_count = count;
    return pairs;
}

static inline bool text_equal(barks_str a, barks_str b) { return barks_str_compare(a, b) == 0; }

/* Every field of a joined row is that of its rows. */
static inline void check_row(const struct sides *sides, const struct joined *row)
{
    ck_assert(row->key.valid);
    if (row->id.valid) {
        const struct left_row *left = &sides->left[row->id.value];
        ck_assert_int_eq(row->key.value, left->key);
        ck_assert_int_eq(row->text.valid, left->text.valid);
        ck_assert(!left->text.valid || text_equal(row->text.value, left->text.value));
    } else {
        ck_assert(!row->text.valid);
    }
    ck_assert_int_eq(row->right_id.valid, row->name.valid);
    if (row->right_id.valid) {
        const struct right_row *right = &sides->right[row->right_id.value];
        ck_assert_int_eq(row->key.value, right->key);
        ck_assert(text_equal(row->name.value, right->name));
    }
}

BARKS_RECORD(right_part, (i64, key), (i64, right_id), (str, name));
BARKS_MAP(take_part, right_row, right_part)
{
    out->key = in->key;
    out->right_id = in->right_id;
    out->name = in->name;
}

BARKS_PAIR(ids_of_pair, left_row, right_row, pair_ids, int64_t)
{
    out->id = left != NULL ? left->id : *env;
    out->right_id = right != NULL ? right->right_id : *env;
}
