/* Joins of which the right, or one key of it, does not fit in memory: exec/spilled_join.c. All rows
 * are in one partition, so that their order is known too: that of the left, and for each row that
 * of the right; then the rest of the right. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>

/* 50 MB of wide rows, of which a worker may hold 32 MiB at most. */
enum { MANY = 40000, FEW = 3000, TEXT_BYTES = 2400, LONG_TEXT_BYTES = 40000 };
enum { INNER = 1, LEFT, RIGHT, FULL, SEMI, ANTI };

struct making {
    uint64_t seed;
    int64_t key_count;
    int64_t hot_percent; /* of the rows have one key */
    int64_t text_bytes;  /* at most */
    int64_t is_right;
};

BARKS_RECORD(left_wide, (i64, key), (optional(i64), number), (i64, id), (str, text));
BARKS_RECORD(right_wide, (i64, key), (optional(i64), number), (i64, right_id), (str, note));
BARKS_RECORD(left_named, (str, name), (i64, id), (str, text));
BARKS_RECORD(right_named, (str, name), (i64, right_id), (str, note));
BARKS_RECORD(joined_wide, (optional(i64), id), (optional(str), text), (optional(i64), right_id),
             (optional(str), note));
BARKS_RECORD(pair_ids, (optional(i64), id), (optional(i64), right_id));
BARKS_RECORD(left_id, (i64, id));
BARKS_RECORD(left_narrow, (i64, id));
BARKS_RECORD(right_narrow, (i64, right_id));

static uint64_t mix(uint64_t value)
{
    value *= UINT64_C(0x9e3779b97f4a7c15);
    return (value ^ value >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 8;
}

static int64_t key_of(const struct making *making, int64_t id)
{
    uint64_t mixed = mix((uint64_t)(2 * id + making->is_right) + making->seed);
    return (int64_t)(mixed % 100) < making->hot_percent
               ? 7
               : (int64_t)(mixed / 100 % (uint64_t)making->key_count);
}

/* Below 0: there is none. */
static int64_t number_of(const struct making *making, int64_t id)
{
    uint64_t mixed = mix((uint64_t)(2 * id + making->is_right) + making->seed + 12345);
    return key_of(making, id) == 7 ? 1 : (int64_t)(mixed % 3) - 1;
}

static uint32_t text_length(const struct making *making, int64_t id)
{
    return (uint32_t)(mix((uint64_t)id) % (uint64_t)making->text_bytes);
}

/* Of one letter each. */
static char texts[26][LONG_TEXT_BYTES];

__attribute__((constructor)) static void fill_texts(void)
{
    for (int letter = 0; letter < 26; letter++)
        memset(texts[letter], 'a' + letter, sizeof texts[letter]);
}

BARKS_MAP(make_left, barks_number, left_wide, struct making)
{
    int64_t number = number_of(env, in->value);
    *out = (struct left_wide){.key = key_of(env, in->value), .id = in->value};
    out->number.valid = number >= 0;
    out->number.value = number >= 0 ? number : 0;
    out->text = barks_str_make(out, texts[in->value % 26], text_length(env, in->value));
}

BARKS_MAP(make_right, barks_number, right_wide, struct making)
{
    int64_t number = number_of(env, in->value);
    *out = (struct right_wide){.key = key_of(env, in->value), .right_id = in->value};
    out->number.valid = number >= 0;
    out->number.value = number >= 0 ? number : 0;
    out->note = barks_str_make(out, texts[in->value % 26], text_length(env, in->value));
}

/* Half of the names are longer than what a view holds. */
static size_t name_of(const struct making *making, int64_t id, char *name, size_t bytes)
{
    int64_t key = key_of(making, id) * 3 + 1 + number_of(making, id);
    int length = snprintf(name, bytes, key % 2 == 0 ? "%d" : "the name of key %d", (int)key);
    return (size_t)length;
}

BARKS_MAP(make_left_named, barks_number, left_named, struct making)
{
    char name[64];
    *out = (struct left_named){.id = in->value};
    out->name = barks_str_make(out, name, name_of(env, in->value, name, sizeof name));
    out->text = barks_str_make(out, texts[in->value % 26], text_length(env, in->value));
}

BARKS_MAP(make_right_named, barks_number, right_named, struct making)
{
    char name[64];
    *out = (struct right_named){.right_id = in->value};
    out->name = barks_str_make(out, name, name_of(env, in->value, name, sizeof name));
    out->note = barks_str_make(out, texts[in->value % 26], text_length(env, in->value));
}

static bool is_text_of(barks_str text, int64_t id, const struct making *making)
{
    return text.length == text_length(making, id) &&
           memcmp(barks_str_bytes(&text), texts[id % 26], text.length) == 0;
}

BARKS_FILTER(is_whole, joined_wide, struct making)
{
    return in->id.valid == in->text.valid && in->right_id.valid == in->note.valid &&
           (!in->id.valid || is_text_of(in->text.value, in->id.value, env)) &&
           (!in->right_id.valid || is_text_of(in->note.value, in->right_id.value, env));
}

BARKS_FILTER(has_its_text, left_wide, struct making) { return is_text_of(in->text, in->id, env); }

/* ---- what should come ---- */

struct case_of_join {
    struct making left, right;
    int64_t left_count, right_count;
};

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

static int64_t whole_key(const struct making *making, int64_t id)
{
    return key_of(making, id) * 3 + 1 + number_of(making, id);
}

struct expected {
    struct keyed_id *pairs; /* key: the left's id, id: the right's; below 0: none */
    int64_t count, capacity;
};

static void expect_pair(struct expected *expected, int64_t left, int64_t right)
{
    if (expected->count == expected->capacity) {
        expected->capacity = 2 * expected->capacity + 1024;
        expected->pairs =
            realloc(expected->pairs, (size_t)expected->capacity * sizeof *expected->pairs);
        ck_assert_ptr_nonnull(expected->pairs);
    }
    expected->pairs[expected->count++] = (struct keyed_id){left, right};
}

static struct expected expect(const struct case_of_join *given, int kind)
{
    struct expected expected = {0};
    struct keyed_id *right = calloc((size_t)given->right_count + 1, sizeof *right);
    bool *is_met = calloc((size_t)given->right_count + 1, sizeof *is_met);
    ck_assert(right != NULL && is_met != NULL);
    for (int64_t r = 0; r < given->right_count; r++)
        right[r] = (struct keyed_id){whole_key(&given->right, r), r};
    qsort(right, (size_t)given->right_count, sizeof *right, by_key);
    for (int64_t l = 0; l < given->left_count; l++) {
        int64_t key = whole_key(&given->left, l), low = 0, high = given->right_count;
        while (low < high) {
            int64_t middle = (low + high) / 2;
            if (right[middle].key < key)
                low = middle + 1;
            else
                high = middle;
        }
        bool is_met_here = low < given->right_count && right[low].key == key;
        if (kind == SEMI || kind == ANTI) {
            if (is_met_here == (kind == SEMI))
                expect_pair(&expected, l, -1);
            continue;
        }
        if (!is_met_here && (kind == LEFT || kind == FULL))
            expect_pair(&expected, l, -1);
        for (; low < given->right_count && right[low].key == key; low++) {
            expect_pair(&expected, l, right[low].id);
            is_met[right[low].id] = true;
        }
    }
    for (int64_t r = 0; r < given->right_count && (kind == RIGHT || kind == FULL); r++)
        if (!is_met[r])
            expect_pair(&expected, -1, r);
    free(right);
    free(is_met);
    return expected;
}

static void check_ids(barks_rdd *ids, struct expected expected, int kind)
{
    int64_t count = 0;
    struct pair_ids *rows = barks_collect(ids, pair_ids, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_msg(count == expected.count, "kind %d: %lld rows, not %lld", kind, (long long)count,
                  (long long)expected.count);
    for (int64_t i = 0; i < count; i++) {
        int64_t left = rows[i].id.valid ? rows[i].id.value : -1;
        int64_t right = rows[i].right_id.valid ? rows[i].right_id.value : -1;
        ck_assert_msg(left == expected.pairs[i].key && right == expected.pairs[i].id,
                      "kind %d: row %lld is %lld, %lld, not %lld, %lld", kind, (long long)i,
                      (long long)left, (long long)right, (long long)expected.pairs[i].key,
                      (long long)expected.pairs[i].id);
    }
    free(expected.pairs);
}

/* ---- joins ---- */

#define OPTIONS .partitions = 1, .broadcast = BARKS_NEVER

static barks_rdd *join_by(int kind, barks_rdd *left, barks_rdd *right, const char *keys)
{
    switch (kind) {
    case INNER:
        return barks_join(left, right, keys, OPTIONS);
    case LEFT:
        return barks_left_join(left, right, keys, OPTIONS);
    case RIGHT:
        return barks_right_join(left, right, keys, OPTIONS);
    default:
        return barks_full_join(left, right, keys, OPTIONS);
    }
}

static struct case_of_join make_case(uint64_t *seed, int64_t left_count, int64_t right_count)
{
    struct making making = {
        .seed = property_next(seed), .key_count = MANY / 2, .text_bytes = TEXT_BYTES};
    struct case_of_join given = {making, making, left_count, right_count};
    given.right.is_right = 1;
    return given;
}

static void check_wide(barks_context *context, const struct case_of_join *given, int kind)
{
    barks_rdd *left = barks_generate(context, given->left_count, 7, make_left, &given->left);
    barks_rdd *right = barks_generate(context, given->right_count, 9, make_right, &given->right);
    barks_rdd *joined = join_by(kind, left, right, "key, number");
    check_ids(barks_select(barks_filter(joined, is_whole, &given->left), "id, right_id"),
              expect(given, kind), kind);
}

static void check_named(barks_context *context, const struct case_of_join *given, int kind)
{
    barks_rdd *left = barks_generate(context, given->left_count, 7, make_left_named, &given->left);
    barks_rdd *right =
        barks_generate(context, given->right_count, 9, make_right_named, &given->right);
    barks_rdd *joined = join_by(kind, left, right, "name");
    check_ids(barks_select(barks_filter(joined, is_whole, &given->left), "id, right_id"),
              expect(given, kind), kind);
}

static void check_alone(barks_context *context, const struct case_of_join *given, int kind)
{
    int64_t count = 0;
    barks_rdd *left = barks_generate(context, given->left_count, 7, make_left, &given->left);
    barks_rdd *right = barks_generate(context, given->right_count, 9, make_right, &given->right);
    barks_rdd *rows = kind == SEMI ? barks_semi_join(left, right, "key, number", OPTIONS)
                                   : barks_anti_join(left, right, "key, number", OPTIONS);
    rows = barks_select(barks_filter(rows, has_its_text, &given->left), "id");
    struct left_id *ids = barks_collect(rows, left_id, &count);
    struct expected expected = expect(given, kind);
    ck_assert_int_eq(count, expected.count);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(ids[i].id, expected.pairs[i].key);
    free(expected.pairs);
}

static void join_both_large(barks_context *context)
{
    uint64_t seed = property_seed();
    struct case_of_join given = make_case(&seed, MANY, MANY);
    check_wide(context, &given, INNER);
    check_wide(context, &given, FULL);
}

static void join_a_side(barks_context *context)
{
    uint64_t seed = property_seed();
    struct case_of_join right_large = make_case(&seed, FEW, MANY);
    check_wide(context, &right_large, LEFT);
    check_wide(context, &right_large, RIGHT);
    struct case_of_join left_large = make_case(&seed, MANY, FEW);
    check_wide(context, &left_large, FULL);
    struct case_of_join right_alone = make_case(&seed, 0, MANY);
    check_wide(context, &right_alone, FULL);
}

static void join_by_names(barks_context *context)
{
    uint64_t seed = property_seed();
    struct case_of_join given = make_case(&seed, MANY / 2, MANY);
    check_named(context, &given, FULL);
    check_named(context, &given, INNER);
}

static void join_alone(barks_context *context)
{
    uint64_t seed = property_seed();
    struct case_of_join given = make_case(&seed, MANY, MANY);
    check_alone(context, &given, SEMI);
    check_alone(context, &given, ANTI);
}

/* ---- one key ---- */

struct sampling {
    int64_t one_of;
};

BARKS_PAIR(ids_of_pair, left_narrow, right_narrow, pair_ids)
{
    *out = (struct pair_ids){0};
    out->id.valid = left != NULL;
    out->id.value = left != NULL ? left->id : 0;
    out->right_id.valid = right != NULL;
    out->right_id.value = right != NULL ? right->right_id : 0;
}

static bool is_sampled(int64_t left, int64_t right, int64_t one_of)
{
    return left < 0 || right < 0 || mix((uint64_t)(left * 100003 + right)) % (uint64_t)one_of == 0;
}

BARKS_FILTER(one_of_some, pair_ids, struct sampling)
{
    return is_sampled(in->id.valid ? in->id.value : -1,
                      in->right_id.valid ? in->right_id.value : -1, env->one_of);
}

/* Most rows have one key, on both sides, and these alone do not fit: millions of pairs. */
static void join_one_key(barks_context *context)
{
    uint64_t seed = property_seed();
    struct case_of_join given = make_case(&seed, 2200, 2200);
    struct sampling sampling = {.one_of = 500};
    given.left.hot_percent = given.right.hot_percent = 80;
    given.left.text_bytes = given.right.text_bytes = LONG_TEXT_BYTES;
    barks_rdd *left = barks_generate(context, given.left_count, 7, make_left, &given.left);
    barks_rdd *right = barks_generate(context, given.right_count, 9, make_right, &given.right);
    barks_rdd *pairs =
        barks_full_join_with(left, right, "key, number", ids_of_pair, .right_keys = "key, number",
                             .partitions = 1, .broadcast = BARKS_NEVER);
    struct expected all = expect(&given, FULL), sampled = {0};
    for (int64_t i = 0; i < all.count; i++)
        if (is_sampled(all.pairs[i].key, all.pairs[i].id, sampling.one_of))
            expect_pair(&sampled, all.pairs[i].key, all.pairs[i].id);
    ck_assert_int_eq(barks_count(pairs), all.count);
    check_ids(barks_filter(pairs, one_of_some, &sampling), sampled, FULL);
    free(all.pairs);
}

/* A thousand of them are as much as all memory. */
static void join_wide_rows(barks_context *context)
{
    uint64_t seed = property_seed();
    struct case_of_join given = make_case(&seed, FEW, FEW);
    given.left.text_bytes = given.right.text_bytes = LONG_TEXT_BYTES;
    given.left.key_count = given.right.key_count = FEW;
    check_wide(context, &given, FULL);
    check_wide(context, &given, INNER);
}

static void take_a_few(barks_context *context)
{
    uint64_t seed = property_seed();
    int64_t count = 0;
    struct case_of_join given = make_case(&seed, MANY, MANY);
    struct expected expected = expect(&given, FULL);
    barks_rdd *joined =
        join_by(FULL, barks_generate(context, MANY, 7, make_left, &given.left),
                barks_generate(context, MANY, 9, make_right, &given.right), "key, number");
    struct pair_ids *rows = barks_take(barks_select(joined, "id, right_id"), 5, pair_ids, &count);
    ck_assert_int_eq(count, 5);
    for (int64_t i = 0; i < 5; i++)
        ck_assert_int_eq(rows[i].id.value, expected.pairs[i].key);
    free(expected.pairs);
}

static void join_with_itself(barks_context *context)
{
    uint64_t seed = property_seed();
    struct case_of_join given = make_case(&seed, MANY, MANY);
    barks_rdd *rows = barks_generate(context, MANY, 7, make_left, &given.left);
    ck_assert_int_eq(barks_count(barks_semi_join(rows, rows, "key, number", OPTIONS)), MANY);
    ck_assert_int_eq(barks_count(barks_anti_join(rows, rows, "key, number", OPTIONS)), 0);
}

#define WITHIN(name, body, memory, executors)                                                      \
    START_TEST(name) { run_within((memory), (body), (executors), 0); }                             \
    END_TEST
WITHIN(both_sides_are_large, join_both_large, "64m", "1")
WITHIN(both_sides_are_large_on_two_executors, join_both_large, "96m", "2")
WITHIN(both_sides_are_large_and_fit, join_both_large, "1g", "1")
WITHIN(one_side_is_large, join_a_side, "64m", "1")
WITHIN(keys_are_strings, join_by_names, "64m", "1")
WITHIN(left_rows_alone, join_alone, "64m", "1")
WITHIN(one_key_does_not_fit, join_one_key, "64m", "1")
WITHIN(one_key_does_not_fit_on_two_executors, join_one_key, "96m", "2")
WITHIN(rows_are_wide, join_wide_rows, "64m", "1")
WITHIN(a_few_are_taken, take_a_few, "64m", "1")
WITHIN(a_dataset_meets_itself, join_with_itself, "64m", "1")

SUITE_MAIN("rdd/spilled_joins", both_sides_are_large, both_sides_are_large_on_two_executors,
           both_sides_are_large_and_fit, one_side_is_large, keys_are_strings, left_rows_alone,
           one_key_does_not_fit, one_key_does_not_fit_on_two_executors, rows_are_wide,
           a_few_are_taken, a_dataset_meets_itself)
