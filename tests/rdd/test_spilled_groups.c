/* Aggregates and distinct rows whose tables do not fit in memory: exec/combine_piles.c, piles.c.
 * Each is written once with memory enough and then within little, which must give the same bytes;
 * what is right is said by the rows themselves. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind {
    NUMBERS,     /* i64 keys, each of a few rows */
    SHORT_TEXTS, /* keys of up to 12 bytes */
    LONG_TEXTS,  /* keys of 100 bytes */
    FEW_KEYS,    /* each of very many rows */
    ONE_KEY,
    AGGREGATED, /* rows into accumulators on the reduce side, begun with an initial value */
    FOLDED,     /* likewise rows of one record */
    DISTINCT,   /* whole rows */
    FIRST_OF_KEY,
    IN_WORDS,  /* sums of floats, strings as extremes, first and last */
    LISTS,     /* of which a key has more than fit in a table of all */
    WIDE_KEYS, /* of half a MiB */
    WIDE_VALUES,
    KINDS,
};

struct making {
    uint64_t seed;
    int64_t kind, row_count, key_count;
};

BARKS_RECORD(number_row, (i64, key), (i64, count), (i64, total), (str, letters));
BARKS_RECORD(text_row, (str, key), (i64, count), (i64, total), (str, letters));
BARKS_RECORD(weighed_row, (i64, key), (i64, id), (f64, weight), (str, text));

/* Row id has key id % key_count, mixed, so that it is found in the key again. */
static const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15), inverse = UINT64_C(0xf1de83e19937733d);

static int64_t key_of(const struct making *making, int64_t id)
{
    return (int64_t)((uint64_t)(id % making->key_count) * odd + making->seed);
}

static int64_t residue_of(const struct making *making, int64_t key)
{
    return (int64_t)(((uint64_t)key - making->seed) * inverse);
}

static size_t text_bytes(const struct making *making, int64_t residue)
{
    switch ((enum kind)making->kind) {
    case SHORT_TEXTS:
        return 8 + (size_t)residue % 5;
    case WIDE_KEYS:
        return ((size_t)1 << 19) + (size_t)residue;
    case WIDE_VALUES:
        return residue % 20 == 0 ? (size_t)1 << 20 : 30;
    case NUMBERS:
    case LONG_TEXTS:
    case FEW_KEYS:
    case ONE_KEY:
    case AGGREGATED:
    case FOLDED:
    case DISTINCT:
    case FIRST_OF_KEY:
    case IN_WORDS:
    case LISTS:
    case KINDS:
        break;
    }
    return 100;
}

static _Thread_local char text_room[(1 << 20) + 64];

/* The residue in hexadecimal and a filling that depends on it. */
static barks_str text_of(const struct making *making, int64_t residue)
{
    size_t length = text_bytes(making, residue);
    snprintf(text_room, sizeof text_room, "%08x", (uint32_t)residue);
    memset(text_room + 8, 'a' + (int)(residue % 26), length - 8);
    return barks_str_of(text_room, length);
}

static char letter_of(int64_t id) { return (char)('a' + id % 23); }

static barks_str letters_of(int64_t id)
{
    char letter = letter_of(id);
    return barks_str_of(&letter, 1);
}

BARKS_MAP(make_number_row, barks_number, number_row, struct making)
{
    *out = (struct number_row){.key = key_of(env, in->value),
                               .count = 1,
                               .total = in->value,
                               .letters = letters_of(in->value)};
}

BARKS_MAP(make_text_row, barks_number, text_row, struct making)
{
    barks_str text = text_of(env, in->value % env->key_count);
    *out = (struct text_row){.key = barks_str_make(out, barks_str_bytes(&text), text.length),
                             .count = 1,
                             .total = in->value,
                             .letters = letters_of(in->value)};
}

BARKS_MAP(make_weighed_row, barks_number, weighed_row, struct making)
{
    barks_str text = text_of(env, in->value % 1000);
    *out = (struct weighed_row){.key = key_of(env, in->value),
                                .id = in->value,
                                .weight = 1.0 / (double)(1 + in->value % 1009),
                                .text = barks_str_make(out, barks_str_bytes(&text), text.length)};
}

/* Of a row that is the same for all ids of a residue. */
BARKS_MAP(make_repeated_row, barks_number, weighed_row, struct making)
{
    int64_t residue = in->value % env->key_count;
    barks_str text = text_of(env, residue);
    *out = (struct weighed_row){.key = residue % 3,
                                .id = residue,
                                .weight = (double)residue / 2,
                                .text = barks_str_make(out, barks_str_bytes(&text), text.length)};
}

/* The first ten letters: associative, but the order counts. */
static inline barks_str joined(barks_str first, barks_str second)
{
    char letters[24];
    uint32_t length = first.length + second.length < 10 ? first.length + second.length : 10;
    memcpy(letters, barks_str_bytes(&first), first.length);
    memcpy(letters + first.length, barks_str_bytes(&second), length - first.length);
    return barks_str_of(letters, length);
}

static inline barks_str larger(barks_str a, barks_str b)
{
    return barks_str_compare(a, b) > 0 ? a : b;
}

BARKS_REDUCE(add_numbers, number_row)
{
    acc->count += in->count;
    acc->total += in->total;
    acc->letters = larger(acc->letters, in->letters);
}
BARKS_REDUCE(add_texts, text_row)
{
    acc->count += in->count;
    acc->total += in->total;
    acc->letters = larger(acc->letters, in->letters);
}
BARKS_REDUCE(join_numbers, number_row)
{
    acc->count += in->count;
    acc->total += in->total;
    acc->letters = joined(acc->letters, in->letters);
}
BARKS_AGGREGATE(add_weighed, weighed_row, number_row)
{
    acc->count++;
    acc->total += in->id;
    acc->letters = joined(acc->letters, letters_of(in->id));
}

static bool letters_are_right(const struct making *making, int64_t residue, int64_t count,
                              barks_str letters)
{
    char joined_letters[11] = "-", largest = 'a';
    bool is_joined = making->kind == AGGREGATED || making->kind == FOLDED;
    for (int64_t i = 0; i < count; i++) {
        char here = letter_of(residue + i * making->key_count);
        largest = here > largest ? here : largest;
        if (i < 9)
            joined_letters[i + 1] = here;
    }
    return is_joined
               ? barks_str_equal(letters, barks_str_of(joined_letters, strlen(joined_letters)))
               : barks_str_equal(letters, barks_str_of(&largest, 1));
}

static bool is_right(const struct making *making, int64_t residue, int64_t count, int64_t total,
                     barks_str letters)
{
    int64_t expected_count =
        making->row_count / making->key_count + (residue < making->row_count % making->key_count);
    int64_t expected_total =
        expected_count * residue + making->key_count * (expected_count * (expected_count - 1) / 2);
    return residue >= 0 && residue < making->key_count && count == expected_count &&
           total == expected_total && letters_are_right(making, residue, count, letters);
}

BARKS_FILTER(number_is_wrong, number_row, struct making)
{
    return !is_right(env, residue_of(env, in->key), in->count, in->total, in->letters);
}
BARKS_FILTER(text_is_wrong, text_row, struct making)
{
    char digits[9] = {0};
    memcpy(digits, barks_str_bytes(&in->key), 8);
    int64_t residue = (int64_t)strtoul(digits, NULL, 16);
    return !barks_str_equal(in->key, text_of(env, residue)) ||
           !is_right(env, residue, in->count, in->total, in->letters);
}

/* ---- the aggregates ---- */

static uint64_t seed;

static struct making making_of(enum kind kind)
{
    struct making making = {.seed = seed, .kind = kind, .row_count = 1100000, .key_count = 700000};
    if (kind == LONG_TEXTS || kind == DISTINCT || kind == IN_WORDS || kind == FIRST_OF_KEY)
        making.key_count = (making.row_count = 400000) / 2;
    if (kind == FEW_KEYS || kind == ONE_KEY)
        making.key_count = kind == ONE_KEY ? 1 : 17;
    if (kind == LISTS)
        making.row_count = 400000, making.key_count = 300;
    if (kind == WIDE_KEYS)
        making.row_count = 400, making.key_count = 170;
    if (kind == WIDE_VALUES)
        making.row_count = 2000, making.key_count = 300;
    return making;
}

static uint32_t partitions_of(const struct making *making)
{
    return making->kind == WIDE_KEYS || making->kind == WIDE_VALUES ? 100 : 12;
}

static barks_rdd *numbers_of(barks_context *context, const struct making *making)
{
    return barks_generate(context, making->row_count, partitions_of(making), make_number_row,
                          making);
}

static barks_rdd *weighed_of(barks_context *context, const struct making *making)
{
    return barks_generate(context, making->row_count, partitions_of(making), make_weighed_row,
                          making);
}

static barks_rdd *aggregate_of(barks_context *context, const struct making *making)
{
    static const struct number_row initial = {.letters = {.length = 1, .prefix = "-"}};
    barks_rdd *rdd = NULL;
    switch ((enum kind)making->kind) {
    case NUMBERS:
    case FEW_KEYS:
    case ONE_KEY:
        return barks_reduce_by_key(numbers_of(context, making), "key", add_numbers,
                                   .partitions = 2);
    case SHORT_TEXTS:
    case LONG_TEXTS:
    case WIDE_KEYS:
        rdd = barks_generate(context, making->row_count, partitions_of(making), make_text_row,
                             making);
        return barks_reduce_by_key(rdd, "key", add_texts, .partitions = 2);
    case AGGREGATED:
        return barks_aggregate_by_key(weighed_of(context, making), "key", add_weighed, join_numbers,
                                      .partitions = 2, .map_side_combine = BARKS_NEVER,
                                      .initial = &initial);
    case FOLDED:
        return barks_fold_by_key(numbers_of(context, making), "key", join_numbers, .partitions = 2,
                                 .map_side_combine = BARKS_NEVER, .initial = &initial);
    case DISTINCT:
        rdd = barks_generate(context, making->row_count, partitions_of(making), make_repeated_row,
                             making);
        return barks_distinct(rdd, .partitions = 2);
    case FIRST_OF_KEY:
        return barks_distinct_by(weighed_of(context, making), "key", .partitions = 2);
    case IN_WORDS:
        return barks_aggregate(weighed_of(context, making), "key",
                               "count(), sum(weight), avg(weight), min(text), max(text), "
                               "first(id), last(text), approx_count_distinct(text)",
                               .partitions = 2);
    case LISTS:
    case WIDE_VALUES:
        return barks_aggregate(weighed_of(context, making), "key", "list(text) as texts, max(text)",
                               .partitions = 2);
    case KINDS:
        break;
    }
    return NULL;
}

/* ---- within memory enough, and within little ---- */

static char folder[64];
static enum kind kind_now;
static const char *output_now;

static void write_one(barks_context *context)
{
    struct making making = making_of(kind_now);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, output_now);
    barks_rdd *rows = aggregate_of(context, &making);
    ck_assert(kind_now >= LISTS ? barks_write_json(rows, path) : barks_write_batches(rows, path));
}

static void check_rows(barks_context *context)
{
    struct making making = making_of(kind_now);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, output_now);
    int64_t count = making.key_count, wrong_count = 0;
    if (kind_now == SHORT_TEXTS || kind_now == LONG_TEXTS || kind_now == WIDE_KEYS) {
        barks_rdd *rows = kind_now == WIDE_KEYS ? barks_read_json(context, path, text_row)
                                                : barks_read_batches(context, path, text_row);
        count = barks_count(rows);
        wrong_count = barks_count(barks_filter(rows, text_is_wrong, &making));
    } else if (kind_now <= FOLDED) {
        barks_rdd *rows = barks_read_batches(context, path, number_row);
        count = barks_count(rows);
        wrong_count = barks_count(barks_filter(rows, number_is_wrong, &making));
    }
    ck_assert_int_eq(count, making.key_count);
    ck_assert_int_eq(wrong_count, 0);
}

/* In a process of its own, since one has one context. */
static void run_apart(const char *memory, void (*body)(barks_context *context),
                      const char *executors, const char *workers, const char *output)
{
    int wait_status = -1;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    output_now = output;
    if (child == 0) {
        setenv("BARKS_WORKERS", workers, 1);
        run_within(memory, body, executors, 0);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &wait_status, 0), child);
    ck_assert_msg(wait_status == 0, "kind %d within %s, %s executors of %s workers: status %d",
                  (int)kind_now, memory, executors, workers, wait_status);
}

static void run(const char *command)
{
    char line[300];
    snprintf(line, sizeof line, "cd %s && %s", folder, command);
    ck_assert_msg(system(line) == 0, "kind %d: %s", (int)kind_now, command);
}

static void check_kind(enum kind kind)
{
    kind_now = kind;
    seed = property_seed();
    snprintf(folder, sizeof folder, "/tmp/barks-groups-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    run_apart("2g", write_one, "1", "1", "enough");
    run_apart("2g", check_rows, "1", "1", "enough");
    static const char *const shapes[][2] = {{"1", "1"}, {"1", "2"}, {"2", "1"}};
    for (int i = 0; i < 3; i++) {
        run_apart("64m", write_one, shapes[i][0], shapes[i][1], "little");
        run("diff -r enough little && rm -r little");
    }
    run("rm -r enough && rmdir $PWD");
}

#define GROUPS(name, kind)                                                                         \
    START_TEST(name) { check_kind(kind); }                                                         \
    END_TEST
GROUPS(many_numbers, NUMBERS)
GROUPS(many_short_texts, SHORT_TEXTS)
GROUPS(many_long_texts, LONG_TEXTS)
GROUPS(few_keys, FEW_KEYS)
GROUPS(one_key, ONE_KEY)
GROUPS(accumulators_begin_once, AGGREGATED)
GROUPS(folds_begin_once, FOLDED)
GROUPS(whole_rows, DISTINCT)
GROUPS(first_rows_of_keys, FIRST_OF_KEY)
GROUPS(aggregates_in_words, IN_WORDS)
GROUPS(lists, LISTS)
GROUPS(keys_of_half_a_mebibyte, WIDE_KEYS)
GROUPS(values_of_a_mebibyte, WIDE_VALUES)

SUITE_MAIN("rdd/spilled_groups", many_numbers, many_short_texts, many_long_texts, few_keys, one_key,
           accumulators_begin_once, folds_begin_once, whole_rows, first_rows_of_keys,
           aggregates_in_words, lists, keys_of_half_a_mebibyte, values_of_a_mebibyte)
