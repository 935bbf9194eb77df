/* One shuffle that is read twice, by both sides of an operator, and is more than memory may hold:
 * shuffle/reduce_spill.c. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 60000, TEXT_BYTES = 4800, KEYS = 21000 }; /* 144 MB */

struct making {
    uint64_t seed;
};

BARKS_RECORD(wide_row, (i64, key), (i64, id), (str, text));
BARKS_RECORD(both_sides, (i64, key), (i64, left_count), (i64, left_order), (i64, right_count),
             (i64, right_order), (i64, mistakes));
BARKS_RECORD(pair_ids, (i64, left_id), (i64, right_id));

static uint64_t mix(uint64_t value)
{
    value *= UINT64_C(0x9e3779b97f4a7c15);
    return (value ^ value >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 8;
}

static int64_t key_of(const struct making *making, int64_t id)
{
    return (int64_t)(mix((uint64_t)id + making->seed) % KEYS);
}

static uint32_t length_of(int64_t id) { return (uint32_t)(mix((uint64_t)id) % TEXT_BYTES); }
static char letter_of(int64_t id) { return (char)('a' + id % 26); }

static bool is_text_of(barks_str text, int64_t id)
{
    bool is_good = text.length == length_of(id);
    for (uint32_t i = 0; i < text.length && is_good; i++)
        is_good = barks_str_bytes(&text)[i] == letter_of(id);
    return is_good;
}

BARKS_MAP(make_wide, barks_number, wide_row, struct making)
{
    char text[TEXT_BYTES];
    memset(text, letter_of(in->value), length_of(in->value));
    *out = (struct wide_row){.key = key_of(env, in->value), .id = in->value};
    out->text = barks_str_make(out, text, length_of(in->value));
}

static barks_rdd *wide_rows(barks_context *context, const struct making *making)
{
    return barks_generate(context, ROWS, 20, make_wide, making);
}

/* ---- what should come ---- */

struct keyed_id {
    int64_t key, id;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed_id *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static struct keyed_id *ids_by_key(const struct making *making)
{
    struct keyed_id *ids = calloc(ROWS + 1, sizeof *ids);
    ck_assert_ptr_nonnull(ids);
    for (int64_t id = 0; id < ROWS; id++)
        ids[id] = (struct keyed_id){key_of(making, id), id};
    qsort(ids, ROWS, sizeof *ids, by_key);
    ids[ROWS].key = -1;
    return ids;
}

static int64_t add_id(int64_t order, int64_t id)
{
    return (int64_t)((uint64_t)order * 31 + (uint64_t)id);
}

/* ---- groups ---- */

BARKS_COGROUP(to_both_sides, both_sides, (left, wide_row), (right, wide_row))
{
    struct both_sides sides = {0};
    struct wide_row row;
    for (; barks_next_row(left, &row); sides.left_count++, sides.key = row.key) {
        sides.left_order = add_id(sides.left_order, row.id);
        sides.mistakes += !is_text_of(row.text, row.id);
    }
    for (; barks_next_row(right, &row); sides.right_count++) {
        sides.right_order = add_id(sides.right_order, row.id);
        sides.mistakes += !is_text_of(row.text, row.id);
    }
    emit(.key = sides.key, .left_count = sides.left_count, .left_order = sides.left_order,
         .right_count = sides.right_count, .right_order = sides.right_order,
         .mistakes = sides.mistakes);
}

static void check_groups(const struct making *making, barks_rdd *groups)
{
    int64_t count = 0, at = 0;
    struct keyed_id *ids = ids_by_key(making);
    struct both_sides *sides = barks_collect(barks_sort_by(groups, "key"), both_sides, &count);
    for (int64_t i = 0; i < count; i++) {
        int64_t rows = 0, order = 0, key = ids[at].key;
        for (; ids[at].key == key; at++, rows++)
            order = add_id(order, ids[at].id);
        ck_assert_int_eq(sides[i].key, key);
        ck_assert(sides[i].left_count == rows && sides[i].left_order == order &&
                  sides[i].right_count == rows && sides[i].right_order == order &&
                  sides[i].mistakes == 0);
    }
    ck_assert_int_eq(at, ROWS);
    free(ids);
}

static void cogroup_with_itself(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    barks_rdd *rows = wide_rows(context, &making);
    check_groups(&making, barks_cogroup(rows, rows, "key", to_both_sides, .partitions = 1));
    check_groups(&making, barks_cogroup(rows, rows, "key", to_both_sides, .partitions = 3));
}

/* What was exchanged before is not exchanged again. */
static void cogroup_what_is_parted(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    barks_rdd *rows = barks_partition_by(wide_rows(context, &making), "key", .partitions = 2);
    check_groups(&making, barks_cogroup(rows, rows, "key", to_both_sides, .partitions = 2));
}

/* ---- joins ---- */

BARKS_PAIR(ids_of_pair, wide_row, wide_row, pair_ids)
{
    bool is_good = left != NULL && right != NULL && left->key == right->key &&
                   is_text_of(left->text, left->id) && is_text_of(right->text, right->id);
    *out =
        (struct pair_ids){.left_id = is_good ? left->id : -1, .right_id = is_good ? right->id : -1};
}

static void check_pairs(const struct making *making, barks_rdd *pairs)
{
    int64_t count = 0, at = 0;
    struct keyed_id *ids = ids_by_key(making);
    struct pair_ids *found =
        barks_collect(barks_sort_by(pairs, "left_id, right_id"), pair_ids, &count);
    /* Of each id, the first place of its key. */
    int64_t *firsts = calloc(ROWS, sizeof *firsts);
    ck_assert_ptr_nonnull(firsts);
    for (int64_t i = 0, first = 0; i < ROWS; i++) {
        first = ids[i].key == ids[first].key ? first : i;
        firsts[ids[i].id] = first;
    }
    for (int64_t id = 0; id < ROWS; id++)
        for (int64_t k = firsts[id]; ids[k].key == ids[firsts[id]].key; k++, at++)
            ck_assert(at < count && found[at].left_id == id && found[at].right_id == ids[k].id);
    ck_assert_int_eq(at, count);
    free(firsts);
    free(ids);
}

static void join_with_itself(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    barks_rdd *rows = wide_rows(context, &making);
    for (uint32_t partitions = 1; partitions <= 3; partitions += 2) {
        check_pairs(&making, barks_join_with(rows, rows, "key", ids_of_pair,
                                             .partitions = partitions, .broadcast = BARKS_NEVER));
        check_pairs(&making,
                    barks_full_join_with(rows, rows, "key", ids_of_pair, .partitions = partitions,
                                         .broadcast = BARKS_NEVER));
    }
}

#define WITHIN(name, body, memory, executors)                                                      \
    START_TEST(name) { run_within((memory), (body), (executors), 0); }                             \
    END_TEST
WITHIN(groups_of_a_dataset_and_itself, cogroup_with_itself, "64m", "1")
WITHIN(groups_of_a_dataset_and_itself_on_two_executors, cogroup_with_itself, "96m", "2")
WITHIN(groups_of_what_is_parted_already, cogroup_what_is_parted, "64m", "1")
WITHIN(groups_of_what_is_parted_already_within_more, cogroup_what_is_parted, "96m", "1")
WITHIN(a_join_of_a_dataset_and_itself, join_with_itself, "64m", "1")
WITHIN(a_join_of_a_dataset_and_itself_on_two_executors, join_with_itself, "96m", "2")

SUITE_MAIN("rdd/spilled_twice", groups_of_a_dataset_and_itself,
           groups_of_a_dataset_and_itself_on_two_executors, groups_of_what_is_parted_already,
           groups_of_what_is_parted_already_within_more, a_join_of_a_dataset_and_itself,
           a_join_of_a_dataset_and_itself_on_two_executors)
