/* Joins of which one key has most of the rows: its rows are spread (shuffle/hot_keys.h). */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INNER = 1, LEFT, RIGHT, FULL, SEMI, ANTI };
enum { MANY = 60000, FEW = 3000, HOT = 7, MAPS = 6, TEXT_BYTES_MAX = 400 };

BARKS_RECORD(left_row, (i64, key), (i64, id));
BARKS_RECORD(right_row, (i64, key), (i64, right_id), (str, text));
BARKS_RECORD(joined, (optional(i64), id), (optional(i64), right_id));
BARKS_RECORD(key_count, (i64, key), (i64, pairs));

/* Which rows have a partner is left to chance here: all are to be sent, so that a hot key is one.
 */
static __attribute__((constructor)) void send_all(void)
{
    (void)setenv("BARKS_JOIN_FILTER", "off", 1); /* else the tests fail */
}

struct making {
    uint64_t seed;
    int64_t key_count, hot_percent;
    size_t text_bytes;    /* of each row */
    int64_t sorted_count; /* rows, in the order of keys, the hot one in the midst; 0: in none */
};

static uint64_t mix(uint64_t value)
{
    value *= UINT64_C(0x9e3779b97f4a7c15);
    return (value ^ value >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 8;
}

/* Keys 0, 2, 4 ... before and after the hot one: each has some rows. */
static int64_t sorted_key_of(const struct making *making, int64_t id)
{
    int64_t percent = 100 * id / making->sorted_count, first = (100 - making->hot_percent) / 2;
    if (percent >= first && percent < first + making->hot_percent)
        return HOT;
    return 2 * (id * making->key_count / making->sorted_count / 2);
}

static int64_t key_of(const struct making *making, int64_t id)
{
    if (making->sorted_count > 0)
        return sorted_key_of(making, id);
    uint64_t mixed = mix((uint64_t)id + making->seed);
    return (int64_t)(mixed % 100) < making->hot_percent
               ? HOT
               : (int64_t)(mixed / 100 % (uint64_t)making->key_count);
}

BARKS_MAP(make_left, barks_number, left_row, struct making)
{
    *out = (struct left_row){.key = key_of(env, in->value), .id = in->value};
}

BARKS_MAP(make_right, barks_number, right_row, struct making)
{
    static const char text[TEXT_BYTES_MAX];
    *out = (struct right_row){.key = key_of(env, in->value),
                              .right_id = in->value,
                              .text = barks_str_of(text, env->text_bytes)};
}

struct case_of_join {
    struct making left, right;
    int64_t left_count, right_count;
    uint32_t partitions; /* asked for; 0: none */
};

struct ids {
    int64_t left, right; /* -1: the side is missing */
};

static int by_ids(const void *a, const void *b)
{
    const struct ids *x = a, *y = b;
    if (x->left != y->left)
        return x->left < y->left ? -1 : 1;
    return (x->right > y->right) - (x->right < y->right);
}

static void add(struct ids **list, int64_t *count, int64_t left, int64_t right)
{
    if ((*count & (*count - 1)) == 0) {
        *list = realloc(*list, (size_t)(*count == 0 ? 1 : 2 * *count) * sizeof **list);
        ck_assert_ptr_nonnull(*list);
    }
    (*list)[(*count)++] = (struct ids){left, right};
}

/* Ids of the right, key by key. */
struct by_key {
    int64_t *ids, *firsts;
};

static struct by_key index_right(const struct case_of_join *given, int64_t key_limit)
{
    struct by_key index = {calloc((size_t)given->right_count + 1, sizeof(int64_t)),
                           calloc((size_t)key_limit + 2, sizeof(int64_t))};
    ck_assert(index.ids != NULL && index.firsts != NULL);
    for (int64_t id = 0; id < given->right_count; id++)
        index.firsts[key_of(&given->right, id) + 1]++;
    for (int64_t key = 0; key < key_limit; key++)
        index.firsts[key + 1] += index.firsts[key];
    for (int64_t id = given->right_count; id-- > 0;)
        index.ids[--index.firsts[key_of(&given->right, id) + 1]] = id;
    for (int64_t key = 0; key < key_limit; key++)
        index.firsts[key] = index.firsts[key + 1];
    index.firsts[key_limit] = given->right_count;
    return index;
}

static struct ids *expect(const struct case_of_join *given, int kind, int64_t *out_count)
{
    int64_t limit = given->left.key_count > given->right.key_count ? given->left.key_count
                                                                   : given->right.key_count;
    struct by_key index = index_right(given, limit + HOT);
    bool *is_met = calloc((size_t)given->right_count + 1, sizeof *is_met);
    struct ids *pairs = NULL;
    *out_count = 0;
    ck_assert_ptr_nonnull(is_met);
    for (int64_t l = 0; l < given->left_count; l++) {
        int64_t key = key_of(&given->left, l);
        int64_t first = index.firsts[key], end = index.firsts[key + 1];
        if (kind == SEMI || kind == ANTI) {
            if ((first < end) == (kind == SEMI))
                add(&pairs, out_count, l, -1);
            continue;
        }
        if (first == end && (kind == LEFT || kind == FULL))
            add(&pairs, out_count, l, -1);
        for (; first < end; first++) {
            add(&pairs, out_count, l, index.ids[first]);
            is_met[index.ids[first]] = true;
        }
    }
    for (int64_t r = 0; r < given->right_count && (kind == RIGHT || kind == FULL); r++)
        if (!is_met[r])
            add(&pairs, out_count, -1, r);
    free(index.ids);
    free(index.firsts);
    free(is_met);
    return pairs;
}

static barks_rdd *left_of(barks_context *context, const struct case_of_join *given)
{
    return barks_map(barks_range(context, 0, given->left_count, 1, MAPS), make_left, &given->left);
}

static barks_rdd *right_of(barks_context *context, const struct case_of_join *given)
{
    return barks_map(barks_range(context, 0, given->right_count, 1, MAPS - 2), make_right,
                     &given->right);
}

static barks_rdd *run_join(int kind, barks_rdd *left, barks_rdd *right, uint32_t partitions)
{
    const barks_join_options options = {.partitions = partitions, .broadcast = BARKS_NEVER};
    return barks_join_at(left, right, "key", kind, NULL, &options, BARKS_HERE);
}

static bool is_by_hash(barks_context *context, barks_rdd *rdd)
{
    const char *text = barks_partitioning_text(rdd);
    ck_assert_ptr_nonnull(text);
    bool is = strstr(text, "by hash of key") != NULL;
    barks_release(context, text);
    return is;
}

static int exchanges_of(barks_context *context, barks_rdd *rdd)
{
    const char *text = barks_explain(rdd);
    ck_assert_ptr_nonnull(text);
    int count = (int)strtol(strstr(text, "exchanges: ") + strlen("exchanges: "), NULL, 10);
    barks_release(context, text);
    return count;
}

static void check_join(barks_context *context, const struct case_of_join *given, int kind,
                       bool is_spread)
{
    int64_t count = 0, expected_count = 0;
    barks_rdd *rdd =
        run_join(kind, left_of(context, given), right_of(context, given), given->partitions);
    struct joined *rows = NULL;
    struct left_row *left_rows = NULL;
    if (kind == SEMI || kind == ANTI)
        left_rows = barks_collect(rdd, left_row, &count);
    else
        rows = barks_collect(rdd, joined, &count);
    struct ids *expected = expect(given, kind, &expected_count);
    ck_assert(rows != NULL || left_rows != NULL);
    ck_assert_int_eq(count, expected_count);
    struct ids *got = calloc((size_t)count + 1, sizeof *got);
    ck_assert_ptr_nonnull(got);
    for (int64_t i = 0; i < count; i++)
        got[i] = left_rows != NULL
                     ? (struct ids){left_rows[i].id, -1}
                     : (struct ids){rows[i].id.valid ? rows[i].id.value : -1,
                                    rows[i].right_id.valid ? rows[i].right_id.value : -1};
    qsort(got, (size_t)count, sizeof *got, by_ids);
    if (count > 0) {
        qsort(expected, (size_t)count, sizeof *expected, by_ids);
        ck_assert_mem_eq(got, expected, (size_t)count * sizeof *got);
    }
    ck_assert_int_eq(is_by_hash(context, rdd), !is_spread);
    free(got);
    free(expected);
    barks_release(context, rows != NULL ? (void *)rows : left_rows);
}

SHAPES(a_hot_key_of_the_left_is_spread)
{
    uint64_t seed = property_seed();
    const struct case_of_join given = {.left = {mix(seed), 5000, 80},
                                       .right = {mix(seed + 1), 5000, 0},
                                       .left_count = MANY,
                                       .right_count = FEW};
    for (int kind = INNER; kind <= ANTI; kind++)
        check_join(context, &given, kind, kind != RIGHT && kind != FULL);
}

SHAPES(a_hot_key_of_the_right_is_spread)
{
    uint64_t seed = property_seed();
    const struct case_of_join given = {.left = {mix(seed), 5000, 0},
                                       .right = {mix(seed + 1), 5000, 80},
                                       .left_count = FEW,
                                       .right_count = MANY};
    for (int kind = INNER; kind <= FULL; kind++)
        check_join(context, &given, kind, kind == INNER || kind == RIGHT);
}

SHAPES(a_key_may_be_hot_on_both_sides)
{
    uint64_t seed = property_seed();
    const struct case_of_join given = {.left = {mix(seed), 5000, 50},
                                       .right = {mix(seed + 1), 5000, 1},
                                       .left_count = MANY / 2,
                                       .right_count = 600};
    for (int kind = INNER; kind <= ANTI; kind++)
        check_join(context, &given, kind, kind != RIGHT && kind != FULL);
}

/* The side with more rows is mapped first; what the other one has is found all the same. */
SHAPES(a_hot_key_of_the_side_that_is_mapped_second_is_spread)
{
    uint64_t seed = property_seed();
    struct case_of_join given = {.left = {mix(seed), 5000, 0},
                                 .right = {mix(seed + 1), 5000, 80},
                                 .left_count = MANY,
                                 .right_count = MANY / 2};
    check_join(context, &given, INNER, true);
    given = (struct case_of_join){.left = {mix(seed), 5000, 70},
                                  .right = {mix(seed + 1), 5000, 0},
                                  .left_count = MANY / 2,
                                  .right_count = MANY};
    check_join(context, &given, INNER, true);
}

/* Each side has a hot key of its own: 7 and, of two that are there, mostly one. */
SHAPES(both_sides_may_have_hot_keys_of_their_own)
{
    uint64_t seed = property_seed();
    const struct case_of_join given = {.left = {mix(seed), 5000, 60},
                                       .right = {mix(seed + 1), 2, 0},
                                       .left_count = MANY,
                                       .right_count = MANY / 2};
    for (int kind = INNER; kind <= ANTI; kind++)
        check_join(context, &given, kind, kind != FULL);
}

SHAPES(hot_keys_of_sorted_rows_are_spread)
{
    uint64_t seed = property_seed();
    struct case_of_join given = {.left = {mix(seed), 5000, 70, 0, MANY},
                                 .right = {mix(seed + 1), 5000, 0},
                                 .left_count = MANY,
                                 .right_count = FEW};
    check_join(context, &given, INNER, true);
    check_join(context, &given, LEFT, true);
    given = (struct case_of_join){.left = {mix(seed), 5000, 0},
                                  .right = {mix(seed + 1), 5000, 70, 0, MANY / 2},
                                  .left_count = MANY,
                                  .right_count = MANY / 2};
    check_join(context, &given, INNER, true);
}

/* ---- the same rows in the same order, whoever computes them and with how much memory ---- */

static struct case_of_join ordered_case;

struct in_order {
    int64_t count;
    uint64_t hash;
};
static struct in_order in_order;

static void hash_in_order(barks_context *context)
{
    barks_rdd *rdd =
        run_join(INNER, left_of(context, &ordered_case), right_of(context, &ordered_case), 0);
    struct joined *rows = barks_collect(barks_select(rdd, "id, right_id"), joined, &in_order.count);
    ck_assert_ptr_nonnull(rows);
    for (int64_t i = 0; i < in_order.count; i++) {
        in_order.hash = mix(in_order.hash ^ (uint64_t)rows[i].id.value);
        in_order.hash = mix(in_order.hash ^ (uint64_t)rows[i].right_id.value);
    }
    ck_assert(!is_by_hash(context, rdd));
    barks_release(context, rows);
}

/* In a process of its own, since one has one context. */
static struct in_order run_in_order(const char *executors, const char *memory)
{
    struct in_order told = {.count = -1};
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        run_within(memory, hash_in_order, executors, 0);
        _exit(write(ends[1], &in_order, sizeof in_order) == sizeof in_order ? 0 : 1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &told, sizeof told), sizeof told);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    return told;
}

static void check_order(void)
{
    static const struct {
        const char *executors, *memory;
    } runs[] = {{"1", "256m"}, {"2", "256m"}, {"4", "256m"}, {"1", "64m"}, {"3", "192m"}};
    int64_t expected_count = 0;
    uint64_t first_hash = 0;
    free(expect(&ordered_case, INNER, &expected_count));
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        struct in_order told = run_in_order(runs[i].executors, runs[i].memory);
        ck_assert_int_eq(told.count, expected_count);
        first_hash = i == 0 ? told.hash : first_hash;
        ck_assert_uint_eq(told.hash, first_hash);
    }
}

START_TEST(a_hot_key_of_the_second_side_gives_the_same_rows_everywhere)
{
    uint64_t seed = property_seed();
    ordered_case = (struct case_of_join){.left = {mix(seed), 100000, 0},
                                         .right = {mix(seed + 1), 100000, 80, TEXT_BYTES_MAX},
                                         .left_count = 3 * MANY,
                                         .right_count = 2 * MANY};
    check_order();
}
END_TEST

/* 7 is hot on the left; on the right, which is mapped second, its rows are sorted and 0 is. */
START_TEST(hot_keys_of_both_sides_give_the_same_rows_everywhere)
{
    uint64_t seed = property_seed();
    ordered_case = (struct case_of_join){.left = {mix(seed), 20000, 40},
                                         .right = {mix(seed + 1), 10, 0, 0, MANY / 2},
                                         .left_count = MANY,
                                         .right_count = MANY / 2};
    check_order();
}
END_TEST

/* Many keys that each fill some partitions, and none that does. */
SHAPES(several_keys_may_be_hot_and_none)
{
    uint64_t seed = property_seed();
    struct case_of_join given = {.left = {mix(seed), 3, 0},
                                 .right = {mix(seed + 1), 5, 0},
                                 .left_count = MANY,
                                 .right_count = 10};
    check_join(context, &given, INNER, true);
    given.left.key_count = given.right.key_count = 40000;
    check_join(context, &given, INNER, false);
}

/* Who asks for partitions may count on what is in them. */
SHAPES(partitions_that_were_asked_for_have_all_rows_of_their_keys)
{
    const struct case_of_join given = {.left = {11, 500, 80},
                                       .right = {12, 500, 0},
                                       .left_count = MANY,
                                       .right_count = 500,
                                       .partitions = 7};
    check_join(context, &given, LEFT, false);
}

static int64_t count_pairs(const struct case_of_join *given)
{
    int64_t count = 0;
    free(expect(given, INNER, &count));
    return count;
}

static void check_counts(barks_context *context, barks_rdd *pairs, const struct case_of_join *given,
                         int exchanges)
{
    int64_t count = 0, sum = 0;
    barks_rdd *counts = barks_aggregate(pairs, "key", "count() as pairs");
    ck_assert_int_eq(exchanges_of(context, counts), exchanges);
    struct key_count *rows = barks_collect(counts, key_count, &count);
    ck_assert_ptr_nonnull(rows);
    bool *seen = calloc((size_t)given->left.key_count + HOT + 1, sizeof *seen);
    ck_assert_ptr_nonnull(seen);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(!seen[rows[i].key]);
        seen[rows[i].key] = true;
        sum += rows[i].pairs;
    }
    ck_assert_int_eq(sum, count_pairs(given));
    free(seen);
    barks_release(context, rows);
}

static barks_rdd *keyed_join(barks_context *context, const struct case_of_join *given)
{
    return run_join(INNER, left_of(context, given), right_of(context, given), 0);
}

/* What comes after a join by its keys needs no exchange where rows lie by them: so they are not
 * spread then; and where they were spread before, they are exchanged. */
SHAPES(what_relies_on_where_rows_are_finds_them_there)
{
    const struct case_of_join given = {
        .left = {21, 500, 80}, .right = {22, 500, 0}, .left_count = MANY, .right_count = 500};
    barks_rdd *pairs = keyed_join(context, &given);
    check_counts(context, pairs, &given, 2);
    ck_assert_int_eq(barks_count(pairs), count_pairs(&given));
    ck_assert(is_by_hash(context, pairs));
    pairs = keyed_join(context, &given);
    ck_assert_int_eq(barks_count(pairs), count_pairs(&given));
    ck_assert(!is_by_hash(context, pairs));
    check_counts(context, pairs, &given, 3);
}

SHAPES(what_is_kept_lies_by_its_keys)
{
    const struct case_of_join given = {
        .left = {31, 500, 80}, .right = {32, 500, 0}, .left_count = MANY, .right_count = 500};
    barks_rdd *pairs = barks_cache(keyed_join(context, &given));
    ck_assert_int_eq(barks_count(pairs), count_pairs(&given));
    ck_assert(is_by_hash(context, pairs));
    check_counts(context, pairs, &given, 0);
}

SUITE_MAIN("rdd/hot_joins", ON_SHAPES(a_hot_key_of_the_left_is_spread),
           ON_SHAPES(a_hot_key_of_the_right_is_spread), ON_SHAPES(a_key_may_be_hot_on_both_sides),
           ON_SHAPES(a_hot_key_of_the_side_that_is_mapped_second_is_spread),
           ON_SHAPES(both_sides_may_have_hot_keys_of_their_own),
           ON_SHAPES(hot_keys_of_sorted_rows_are_spread),
           a_hot_key_of_the_second_side_gives_the_same_rows_everywhere,
           hot_keys_of_both_sides_give_the_same_rows_everywhere,
           ON_SHAPES(several_keys_may_be_hot_and_none),
           ON_SHAPES(partitions_that_were_asked_for_have_all_rows_of_their_keys),
           ON_SHAPES(what_relies_on_where_rows_are_finds_them_there),
           ON_SHAPES(what_is_kept_lies_by_its_keys))
