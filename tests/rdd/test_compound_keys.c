/* Lists and records, nested and with nulls, as keys: order and equality against a comparison
 * written out. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

BARKS_RECORD(place, (optional(i64), number), (optional(str), word), (list(f64), reals));
BARKS_RECORD(row, (optional(record(place)), at), (list(str), words), (optional(list(i64)), numbers),
             (i64, id));
BARKS_RECORD(id_only, (i64, id));
BARKS_RECORD(id_pair, (i64, id), (i64, other));
BARKS_RECORD(id_list, (list(i64), id));
BARKS_RECORD(id_number, (i64, id), (i64, position));
BARKS_RECORD(two_sums, (i64, first), (i64, a_sum), (i64, b_sum));

BARKS_REDUCE(keep_sum, row) { acc->id += in->id; }
BARKS_COGROUP(sum_sides, two_sums, (a, row), (b, row))
{
    struct row next;
    struct two_sums sums = {.first = -1};
    while (barks_next_row(a, &next)) {
        sums.first = sums.first < 0 ? next.id : sums.first;
        sums.a_sum += next.id;
    }
    while (barks_next_row(b, &next)) {
        sums.first = sums.first < 0 ? next.id : sums.first;
        sums.b_sum += next.id;
    }
    emit(.first = sums.first, .a_sum = sums.a_sum, .b_sum = sums.b_sum);
}

enum { ITEMS_MAX = 3, ROWS_MAX = 400 };

/* What rows point into. */
struct values {
    double reals[ITEMS_MAX];
    barks_str words[ITEMS_MAX];
    int64_t numbers[ITEMS_MAX];
};

struct table {
    struct row rows[ROWS_MAX];
    struct values values[ROWS_MAX];
    uint32_t count, partitions;
};

static const char long_word[] = "a word that does not lie inside its view";

static barks_str word_of(uint64_t choice)
{
    switch (choice % 4) {
    case 0:
        return BARKS_STR_LITERAL("");
    case 1:
        return BARKS_STR_LITERAL("b");
    default: /* two that differ only at their ends */
        return barks_str_of(long_word, sizeof long_word - 1 - choice % 2);
    }
}

static double real_of(uint64_t choice)
{
    static const double some[] = {0.0, -0.0, NAN, -NAN, INFINITY, -1.5};
    return some[choice % 6];
}

/* Three kinds of each field, so that keys meet often; now and then any value at all. */
static void fill_row(struct table *table, uint32_t i, uint64_t *seed, uint64_t kinds)
{
    struct row *row = &table->rows[i];
    struct values *values = &table->values[i];
    uint64_t stream = property_next(seed) % kinds * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int k = 0; k < ITEMS_MAX; k++) {
        values->reals[k] = real_of(property_next(&stream));
        values->words[k] = word_of(property_next(&stream));
        values->numbers[k] = (int64_t)(property_next(&stream) % 3) - 1;
    }
    *row = (struct row){.id = i};
    row->at.valid = property_next(&stream) % 5 != 0;
    if (row->at.valid) {
        struct place *place = &row->at.value;
        place->number.valid = property_next(&stream) % 3 != 0;
        place->number.value = place->number.valid ? (int64_t)(property_next(&stream) % 3) - 1 : 0;
        place->word.valid = property_next(&stream) % 3 != 0;
        if (place->word.valid)
            place->word.value = word_of(property_next(&stream));
        place->reals.items = values->reals;
        place->reals.count = (uint32_t)(property_next(&stream) % (ITEMS_MAX + 1));
    }
    row->words.items = values->words;
    row->words.count = (uint32_t)(property_next(&stream) % (ITEMS_MAX + 1));
    row->numbers.valid = property_next(&stream) % 4 != 0;
    if (row->numbers.valid) {
        row->numbers.value.items = values->numbers;
        row->numbers.value.count = (uint32_t)(property_next(&stream) % (ITEMS_MAX + 1));
    }
    /* Equal values of other bits. */
    for (int k = 0; k < ITEMS_MAX; k++)
        if (values->reals[k] == 0 || isnan(values->reals[k]))
            values->reals[k] = property_next(seed) % 2 == 0 ? values->reals[k] : -values->reals[k];
}

static struct table *table_make(uint64_t *seed)
{
    static const uint32_t counts[] = {0, 1, 7, 60, ROWS_MAX};
    static const uint64_t kinds[] = {1, 6, 60, UINT32_MAX};
    struct table *table = calloc(1, sizeof *table);
    ck_assert_ptr_nonnull(table);
    table->count = counts[property_next(seed) % 5];
    table->partitions = 1 + (uint32_t)(property_next(seed) % 9);
    uint64_t kind_count = kinds[property_next(seed) % 4];
    for (uint32_t i = 0; i < table->count; i++)
        fill_row(table, i, seed, kind_count);
    return table;
}

static barks_rdd *dataset(barks_context *context, const struct table *table)
{
    return barks_parallelize(context, row, table->rows, table->count, table->partitions);
}

/* ---- the model ---- */

/* Nulls are the largest; false where one of them has decided. */
static bool both_there(bool a, bool b, int *out_order)
{
    *out_order = (int)b - (int)a;
    return a && b;
}

static int compare_i64(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int compare_f64(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) != 0) - (isnan(b) != 0);
    return (a > b) - (a < b);
}

static int compare_counts(uint32_t a, uint32_t b) { return (a > b) - (a < b); }

static int compare_places(const struct place *a, const struct place *b)
{
    int order = 0;
    if (both_there(a->number.valid, b->number.valid, &order))
        order = compare_i64(a->number.value, b->number.value);
    if (order != 0)
        return order;
    if (both_there(a->word.valid, b->word.valid, &order))
        order = barks_str_compare(a->word.value, b->word.value);
    for (uint32_t i = 0; order == 0 && i < a->reals.count && i < b->reals.count; i++)
        order = compare_f64(a->reals.items[i], b->reals.items[i]);
    return order != 0 ? order : compare_counts(a->reals.count, b->reals.count);
}

enum { AT = 1, WORDS = 2, NUMBERS = 4 };

static int compare_at(const struct row *a, const struct row *b)
{
    int order = 0;
    return both_there(a->at.valid, b->at.valid, &order) ? compare_places(&a->at.value, &b->at.value)
                                                        : order;
}

static int compare_words(const struct row *a, const struct row *b)
{
    int order = 0;
    for (uint32_t i = 0; order == 0 && i < a->words.count && i < b->words.count; i++)
        order = barks_str_compare(a->words.items[i], b->words.items[i]);
    return order != 0 ? order : compare_counts(a->words.count, b->words.count);
}

static int compare_numbers(const struct row *a, const struct row *b)
{
    int order = 0;
    if (!both_there(a->numbers.valid, b->numbers.valid, &order))
        return order;
    const barks_list_i64 *x = &a->numbers.value, *y = &b->numbers.value;
    for (uint32_t i = 0; order == 0 && i < x->count && i < y->count; i++)
        order = compare_i64(x->items[i], y->items[i]);
    return order != 0 ? order : compare_counts(x->count, y->count);
}

static int compare_rows(const struct row *a, const struct row *b, int fields)
{
    int order = (fields & AT) != 0 ? compare_at(a, b) : 0;
    if (order == 0 && (fields & WORDS) != 0)
        order = compare_words(a, b);
    if (order == 0 && (fields & NUMBERS) != 0)
        order = compare_numbers(a, b);
    return order;
}

/* The first row of the same key. */
static uint32_t first_like(const struct table *table, const struct row *row, int fields)
{
    uint32_t i = 0;
    while (i < table->count && compare_rows(&table->rows[i], row, fields) != 0)
        i++;
    return i;
}

struct key_set {
    int fields;
    const char *names;
};
static const struct key_set key_sets[] = {{AT, "at"},
                                          {WORDS, "words"},
                                          {NUMBERS, "numbers"},
                                          {AT | WORDS | NUMBERS, "at, words, numbers"}};
enum { KEY_SETS = 4 };

static uint32_t key_count(const struct table *table, int fields)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->count; i++)
        count += first_like(table, &table->rows[i], fields) == i;
    return count;
}

/* ---- the tests ---- */

static int by_at(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    int order = compare_at(x, y);
    return order != 0 ? order : compare_i64(x->id, y->id);
}
static int by_words_down(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    int order = compare_words(y, x);
    return order != 0 ? order : compare_i64(x->id, y->id);
}
/* numbers nulls first, at desc nulls last */
static int by_numbers_and_at(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    int order = x->numbers.valid && y->numbers.valid ? compare_numbers(x, y)
                                                     : x->numbers.valid - y->numbers.valid;
    if (order == 0)
        order = x->at.valid && y->at.valid ? compare_at(y, x) : y->at.valid - x->at.valid;
    return order != 0 ? order : compare_i64(x->id, y->id);
}

static void check_sorted(barks_rdd *sorted, const struct table *table,
                         int (*compare)(const void *, const void *))
{
    int64_t n = 0;
    const struct row *wanted[ROWS_MAX];
    struct row *rows = barks_collect(sorted, row, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, table->count);
    for (uint32_t i = 0; i < table->count; i++)
        wanted[i] = &table->rows[i];
    qsort(wanted, table->count, sizeof *wanted, compare);
    for (int64_t i = 0; i < n; i++) {
        ck_assert_int_eq(rows[i].id, wanted[i]->id);
        ck_assert_int_eq(compare_rows(&rows[i], wanted[i], AT | WORDS | NUMBERS), 0);
    }
}

SHAPES(rows_are_sorted_by_lists_and_records)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct table *table = table_make(&seed);
        barks_rdd *rows = dataset(context, table);
        check_sorted(barks_sort_by(rows, "at", .partitions = 4), table, by_at);
        check_sorted(barks_sort_by(rows, "words desc"), table, by_words_down);
        check_sorted(
            barks_sort_by(rows, "numbers nulls first, at desc nulls last", .partitions = 3), table,
            by_numbers_and_at);
        free(table);
    }
}

static void check_firsts(barks_rdd *rdd, const struct table *table, int fields)
{
    int64_t n = 0;
    struct row *rows = barks_collect(rdd, row, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, key_count(table, fields));
    for (int64_t i = 0; i < n; i++) /* as many as there are keys, each the first of its own */
        ck_assert_int_eq(rows[i].id, first_like(table, &rows[i], fields));
}

static void check_sums(barks_rdd *rdd, const struct table *table, int fields)
{
    int64_t n = 0;
    struct row *rows = barks_collect(rdd, row, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, key_count(table, fields));
    for (int64_t i = 0; i < n; i++) {
        int64_t sum = 0;
        for (uint32_t k = 0; k < table->count; k++)
            sum += compare_rows(&table->rows[k], &rows[i], fields) == 0 ? table->rows[k].id : 0;
        ck_assert_int_eq(rows[i].id, sum);
    }
}

SHAPES(duplicates_are_found_and_keys_reduced)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < KEY_SETS; run++) {
        const struct key_set *keys = &key_sets[run];
        struct table *table = table_make(&seed);
        barks_rdd *rows = dataset(context, table);
        check_firsts(barks_distinct_by(rows, keys->names, .partitions = 3), table, keys->fields);
        check_sums(barks_reduce_by_key(rows, keys->names, keep_sum, .partitions = 3), table,
                   keys->fields);
        check_sums(
            barks_reduce_by_key(rows, keys->names, keep_sum, .map_side_combine = BARKS_NEVER),
            table, keys->fields);
        ck_assert_int_eq(barks_count(barks_distinct(barks_drop(rows, "id"))),
                         key_count(table, AT | WORDS | NUMBERS));
        free(table);
    }
}

static int by_pair(const void *a, const void *b)
{
    const struct id_pair *x = a, *y = b;
    int order = compare_i64(x->id, y->id);
    return order != 0 ? order : compare_i64(x->other, y->other);
}

static void check_join(barks_rdd *rdd, const struct table *left, const struct table *right,
                       int fields)
{
    int64_t n = 0, at = 0;
    struct id_pair *pairs = barks_collect(rdd, id_pair, &n);
    ck_assert_ptr_nonnull(pairs);
    qsort(pairs, (size_t)n, sizeof *pairs, by_pair);
    for (uint32_t i = 0; i < left->count; i++)
        for (uint32_t k = 0; k < right->count; k++) {
            if (compare_rows(&left->rows[i], &right->rows[k], fields) != 0)
                continue;
            ck_assert_int_lt(at, n);
            ck_assert_int_eq(pairs[at].id, i);
            ck_assert_int_eq(pairs[at++].other, k);
        }
    ck_assert_int_eq(at, n);
}

static void check_anti(barks_rdd *rdd, const struct table *left, const struct table *right,
                       int fields)
{
    int64_t n = 0, expected = 0;
    struct row *rows = barks_collect(rdd, row, &n);
    ck_assert_ptr_nonnull(rows);
    for (int64_t i = 0; i < n; i++)
        ck_assert_uint_eq(first_like(right, &left->rows[rows[i].id], fields), right->count);
    for (uint32_t i = 0; i < left->count; i++)
        expected += first_like(right, &left->rows[i], fields) == right->count;
    ck_assert_int_eq(n, expected);
}

SHAPES(rows_are_joined_by_lists_and_records)
{
    static const char *const right_fields[KEY_SETS] = {"at, id as other", "words, id as other",
                                                       "numbers, id as other",
                                                       "at, words, numbers, id as other"};
    uint64_t seed = property_seed();
    for (int run = 0; run < KEY_SETS; run++) {
        const struct key_set *keys = &key_sets[run];
        struct table *left = table_make(&seed), *right = table_make(&seed);
        barks_rdd *rows = dataset(context, left);
        barks_rdd *others = barks_select(dataset(context, right), right_fields[run]);
        check_join(barks_join(rows, others, keys->names, .partitions = 4), left, right,
                   keys->fields);
        check_anti(barks_anti_join(rows, others, keys->names), left, right, keys->fields);
        free(left);
        free(right);
    }
}

static void check_groups(barks_rdd *rdd, const struct table *table, int fields)
{
    int64_t n = 0, total = 0;
    struct id_list *groups = barks_collect(rdd, id_list, &n);
    ck_assert_ptr_nonnull(groups);
    ck_assert_int_eq(n, key_count(table, fields));
    for (int64_t i = 0; i < n; i++) {
        ck_assert_uint_ge(groups[i].id.count, 1);
        const struct row *first = &table->rows[groups[i].id.items[0]];
        ck_assert_int_eq(first->id, first_like(table, first, fields));
        if (i > 0) /* one partition: the keys ascend */
            ck_assert_int_lt(compare_rows(&table->rows[groups[i - 1].id.items[0]], first, fields),
                             0);
        for (uint32_t k = 1; k < groups[i].id.count; k++) {
            const struct row *next = &table->rows[groups[i].id.items[k]];
            ck_assert_int_lt(groups[i].id.items[k - 1], next->id);
            ck_assert_int_eq(compare_rows(first, next, fields), 0);
        }
        total += groups[i].id.count;
    }
    ck_assert_int_eq(total, table->count);
}

static int64_t sum_like(const struct table *table, const struct row *row, int fields)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < table->count; i++)
        sum += compare_rows(&table->rows[i], row, fields) == 0 ? table->rows[i].id : 0;
    return sum;
}

static void check_cogroup(barks_rdd *rdd, const struct table *a, const struct table *b, int fields)
{
    int64_t n = 0, keys = key_count(a, fields);
    struct two_sums *sums = barks_collect(rdd, two_sums, &n);
    ck_assert_ptr_nonnull(sums);
    for (uint32_t i = 0; i < b->count; i++)
        keys += first_like(b, &b->rows[i], fields) == i &&
                first_like(a, &b->rows[i], fields) == a->count;
    ck_assert_int_eq(n, keys);
    for (int64_t i = 0; i < n; i++) {
        /* The first row is of a, unless a has none of the key. */
        const struct row *row = &a->rows[sums[i].first];
        if (sums[i].first >= a->count || sum_like(a, row, fields) != sums[i].a_sum ||
            sum_like(b, row, fields) != sums[i].b_sum)
            row = &b->rows[sums[i].first];
        ck_assert_int_eq(sums[i].a_sum, sum_like(a, row, fields));
        ck_assert_int_eq(sums[i].b_sum, sum_like(b, row, fields));
    }
}

SHAPES(rows_are_grouped_by_lists_and_records)
{
    static const char *const fields[KEY_SETS] = {"at, id", "words, id", "numbers, id",
                                                 "at, words, numbers, id"};
    uint64_t seed = property_seed();
    for (int run = 0; run < KEY_SETS; run++) {
        const struct key_set *keys = &key_sets[run];
        struct table *a = table_make(&seed), *b = table_make(&seed);
        check_groups(barks_group_by_key(barks_select(dataset(context, a), fields[run]), keys->names,
                                        .partitions = 1),
                     a, keys->fields);
        check_cogroup(barks_cogroup(dataset(context, a), dataset(context, b), keys->names,
                                    sum_sides, .partitions = 3),
                      a, b, keys->fields);
        free(a);
        free(b);
    }
}

/* Rows of a key lie in one partition, which is the same in another dataset. */
static void check_places(barks_rdd *rdd, const struct table *table, const struct table *first,
                         int fields, uint32_t partitions, int64_t *place_of)
{
    int64_t n = 0;
    struct id_number *rows =
        barks_collect(barks_zip_with_unique_id(rdd, "position"), id_number, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, table->count);
    for (int64_t i = 0; i < n; i++) {
        int64_t partition = rows[i].position % partitions;
        uint32_t key = first_like(first, &table->rows[rows[i].id], fields);
        if (key == first->count)
            continue;
        if (place_of[key] < 0)
            place_of[key] = partition;
        ck_assert_int_eq(place_of[key], partition);
    }
}

SHAPES(rows_of_a_key_lie_in_one_partition)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < KEY_SETS; run++) {
        const struct key_set *keys = &key_sets[run];
        struct table *a = table_make(&seed), *b = table_make(&seed);
        uint32_t partitions = 1 + (uint32_t)(property_next(&seed) % 9);
        int64_t place_of[ROWS_MAX];
        for (uint32_t i = 0; i < ROWS_MAX; i++)
            place_of[i] = -1;
        check_places(barks_partition_by(dataset(context, a), keys->names, .partitions = partitions),
                     a, a, keys->fields, partitions, place_of);
        check_places(barks_partition_by(dataset(context, b), keys->names, .partitions = partitions),
                     b, a, keys->fields, partitions, place_of);
        free(a);
        free(b);
    }
}

SUITE_MAIN("rdd/compound_keys", ON_SHAPES(rows_are_sorted_by_lists_and_records),
           ON_SHAPES(duplicates_are_found_and_keys_reduced),
           ON_SHAPES(rows_are_joined_by_lists_and_records),
           ON_SHAPES(rows_are_grouped_by_lists_and_records),
           ON_SHAPES(rows_of_a_key_lie_in_one_partition))
