#include "exec/radix_sort.h"

#include "exec/item_merge.h"

#include <string.h>

enum {
    DIGIT_BITS_MAX = 8, /* as many places as a processor has near translations and lines for */
    PLACE_ITEMS = 4,    /* wanted in a place of the last digit */
    FEW_ITEMS = 24,     /* that are sorted by insertion */
};

/* Of a digit: the bits of prefix - low from shift on. */
struct digit {
    uint64_t low;
    uint32_t shift;
    uint32_t place_count; /* 0: all prefixes are equal */
};

/* What all have in common says nothing, so the digit begins at the highest bit in which some
 * differ; and few items are not thrown into many places. */
static struct digit choose_digit(const struct sort_item *items, uint32_t count)
{
    uint64_t low = items[0].prefix, high = items[0].prefix;
    for (uint32_t i = 1; i < count; i++) {
        low = items[i].prefix < low ? items[i].prefix : low;
        high = items[i].prefix > high ? items[i].prefix : high;
    }
    if (low == high)
        return (struct digit){.low = low};
    uint32_t bits = 64 - (uint32_t)__builtin_clzll(high - low);
    uint32_t digit_bits = 32 - (uint32_t)__builtin_clz(count / PLACE_ITEMS);
    if (digit_bits > DIGIT_BITS_MAX)
        digit_bits = DIGIT_BITS_MAX;
    uint32_t shift = bits > digit_bits ? bits - digit_bits : 0;
    return (struct digit){
        .low = low, .shift = shift, .place_count = (uint32_t)((high - low) >> shift) + 1};
}

static inline uint32_t place_of(const struct digit *digit, const struct sort_item *item)
{
    return (uint32_t)((item->prefix - digit->low) >> digit->shift);
}

/* Throws items to their places in `to`; out_ends are the ends of these. */
static void scatter(const struct digit *digit, const struct sort_item *from, uint32_t count,
                    struct sort_item *to, uint32_t *out_ends)
{
    memset(out_ends, 0, digit->place_count * sizeof *out_ends);
    for (uint32_t i = 0; i < count; i++)
        out_ends[place_of(digit, &from[i])]++;
    uint32_t begin = 0;
    for (uint32_t place = 0; place < digit->place_count; place++) {
        uint32_t place_items = out_ends[place];
        out_ends[place] = begin;
        begin += place_items;
    }
    for (uint32_t i = 0; i < count; i++)
        to[out_ends[place_of(digit, &from[i])]++] = from[i];
}

static void move_to(struct sort_item *from, uint32_t count, struct sort_item *to, bool moves)
{
    if (moves)
        memcpy(to, from, count * sizeof *from);
}

/* By prefix first, since rows are far away; only those of equal prefixes are compared, if need be.
 */
static void sort_few(const struct sort_rows *rows, struct sort_level level, struct sort_item *items,
                     uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct sort_item item = items[i];
        uint32_t place = i;
        for (; place > 0 && item.prefix < items[place - 1].prefix; place--)
            items[place] = items[place - 1];
        items[place] = item;
    }
    for (uint32_t begin = 0, end; begin < count; begin = end) {
        struct sort_level next = level;
        end = begin + 1;
        while (end < count && items[end].prefix == items[begin].prefix)
            end++;
        if (end - begin > 1 && sort_level_next(rows, &next, items[begin]) != SORT_EQUAL)
            items_insertion_sort(rows, items + begin, end - begin);
    }
}

/* Sorts items of a level, all of the same prefixes at those before it: into other, or where they
 * are. Depth: a call for each digit of each level. */
static void sort(const struct sort_rows *rows, struct sort_level level, struct sort_item *items,
                 uint32_t count, struct sort_item *other, bool into_other)
{
    struct digit digit = {0};
    while (count > FEW_ITEMS) {
        digit = choose_digit(items, count);
        if (digit.place_count > 0)
            break;
        enum sort_rest rest = sort_level_next(rows, &level, items[0]);
        if (rest == SORT_LEVEL) {
            sort_level_fill(rows, level, items, count);
            continue;
        }
        if (rest == SORT_COMPARE)
            items_merge_sort(rows, items, other, count);
        move_to(items, count, other, into_other);
        return;
    }
    if (count <= FEW_ITEMS) {
        sort_few(rows, level, items, count);
        move_to(items, count, other, into_other);
        return;
    }
    uint32_t ends[1 << DIGIT_BITS_MAX];
    scatter(&digit, items, count, other, ends);
    uint32_t begin = 0;
    for (uint32_t place = 0; place < digit.place_count; place++) {
        uint32_t end = ends[place];
        if (begin < end)
            sort(rows, level, other + begin, end - begin, items + begin, !into_other);
        begin = end;
    }
}

void radix_sort(const struct sort_rows *rows, struct sort_item *items, struct sort_item *spare,
                uint32_t count)
{
    sort(rows, (struct sort_level){0}, items, count, spare, false);
}
