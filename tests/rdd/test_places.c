/* Rows by their place in the dataset: evened out, one dataset behind another, side by side, merged.
 */
#include "rdd/cases.h"

#include <stdatomic.h>

BARKS_RECORD(placed, (i64, id));
BARKS_RECORD(other_row, (i64, other), (optional(str), words));
BARKS_RECORD(padded_pair, (optional(i64), id), (optional(i64), other), (optional(str), words));
BARKS_RECORD(left_row, (i64, id));
BARKS_RECORD(sums, (i64, left), (i64, right));

BARKS_MAP(to_left, case_row, left_row) { out->id = in->id; }
BARKS_MAP(to_other, case_row, other_row)
{
    out->other = in->id;
    out->words = in->text;
}
BARKS_PAIR(add_sides, left_row, other_row, sums)
{
    out->left = left != NULL ? left->id : -1;
    out->right = right != NULL ? right->other : -1;
}

static uint64_t bound(uint64_t rows, uint32_t i, uint32_t partitions)
{
    return rows * i / partitions;
}

/* Partitions of as many rows, or one more, and the ids 0, 1, ... over all of them. */
static void expect_even(barks_context *context, barks_rdd *rdd, uint32_t partitions, uint64_t rows)
{
    ck_assert_uint_eq(barks_partition_count(rdd), partitions);
    int64_t id = 0;
    for (uint32_t p = 0; p < partitions; p++) {
        int64_t count = 0;
        struct placed *part = barks_collect(barks_only_partitions(rdd, &p, 1), placed, &count);
        ck_assert_ptr_nonnull(part);
        ck_assert_int_eq(count,
                         (int64_t)(bound(rows, p + 1, partitions) - bound(rows, p, partitions)));
        for (int64_t i = 0; i < count; i++)
            ck_assert_int_eq(part[i].id, id++);
        barks_release(context, part);
    }
    ck_assert_int_eq(id, (int64_t)rows);
}

/* Uneven partitions, some of them empty, in the order of the ids. */
static barks_rdd *uneven(barks_context *context, const struct cases *cases, uint64_t *seed)
{
    barks_rdd *parts[5];
    uint32_t first = 0;
    for (int i = 0; i < 5; i++) {
        uint32_t left = cases->count - first;
        uint32_t count = i == 4 ? left : (uint32_t)(property_next(seed) % (left + 1));
        parts[i] = barks_parallelize(context, case_row, cases->rows + first, count,
                                     1 + (uint32_t)(property_next(seed) % 4));
        first += count;
    }
    return barks_union_all(parts, 5);
}

SHAPES(rebalance_gives_even_partitions_in_order)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd = uneven(context, &cases, &seed);
        uint32_t partitions = 1 + (uint32_t)(property_next(&seed) % 9);
        barks_rdd *even = barks_rebalance(rdd, partitions);
        expect_even(context, even, partitions, cases.count);
        ck_assert_ptr_eq(barks_rebalance(even, partitions), even);
        expect_even(context, barks_rebalance(even, partitions + 3), partitions + 3, cases.count);
        ck_assert_uint_eq(barks_partition_count(barks_rebalance(rdd, 0)),
                          barks_partition_count(rdd));
        cases_drop(&cases);
    }
    barks_rdd *none = barks_empty(context, placed);
    expect_even(context, barks_rebalance(none, 3), 3, 0);
    expect_even(context, barks_rebalance(none, 0), 1, 0);
}

SHAPES(concat_puts_one_dataset_behind_another)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    barks_rdd *rdd = uneven(context, &cases, &seed);
    barks_rdd *sorted = barks_sort_by(rdd, "id", .partitions = 4);
    /* Alike in their ranges: a union would put their partitions side by side. */
    barks_rdd *const all[] = {
        barks_filter_by_range(sorted, placed, (const struct placed *)0, (const struct placed *)0),
        sorted, rdd};
    int64_t count = 0;
    barks_rdd *rows = barks_concat(all, 3, 7);
    ck_assert_uint_eq(barks_partition_count(rows), 7);
    struct placed *got = barks_collect(rows, placed, &count);
    ck_assert_int_eq(count, 3 * (int64_t)cases.count);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(got[i].id, i % cases.count);
    uint32_t middle = 3;
    ck_assert_int_eq(
        barks_count(barks_only_partitions(rows, &middle, 1)),
        (int64_t)(bound(3 * (uint64_t)cases.count, 4, 7) - bound(3 * (uint64_t)cases.count, 3, 7)));
    cases_drop(&cases);
}

SHAPES(counts_that_are_known_are_not_counted_again)
{
    enum { ROWS = 100 };
    struct placed given[ROWS];
    for (int i = 0; i < ROWS; i++)
        given[i].id = i;
    barks_rdd *rdd = barks_parallelize(context, placed, given, ROWS, 3);
    const char *before = barks_explain(barks_rebalance(rdd, 5));
    ck_assert_ptr_nonnull(strstr(before, "exchange by place"));
    ck_assert_ptr_eq(barks_rebalance(rdd, 3), rdd);
    expect_even(context, barks_rebalance(barks_rebalance(rdd, 5), 2), 2, ROWS);
}

/* ---- side by side ---- */

static void expect_pairs(barks_rdd *left, barks_rdd *right, const struct cases *a,
                         const struct cases *b, barks_zip_mode mode)
{
    uint32_t less = a->count < b->count ? a->count : b->count;
    uint32_t more = a->count < b->count ? b->count : a->count;
    int64_t wanted = mode == BARKS_ZIP_LONGEST ? more : less, count = -1, sum_count = -1;
    struct padded_pair *rows =
        barks_collect(barks_zip_align(left, right, mode), padded_pair, &count);
    struct sums *made =
        barks_collect(barks_zip_align_with(left, right, mode, add_sides, NULL), sums, &sum_count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_ptr_nonnull(made);
    ck_assert_int_eq(count, wanted);
    ck_assert_int_eq(sum_count, wanted);
    for (int64_t i = 0; i < count; i++) {
        bool has_left = i < a->count, has_right = i < b->count;
        ck_assert_int_eq(rows[i].id.valid, has_left);
        ck_assert_int_eq(rows[i].other.valid, has_right);
        ck_assert_int_eq(made[i].left, has_left ? i : -1);
        ck_assert_int_eq(made[i].right, has_right ? i : -1);
        if (has_left)
            ck_assert_int_eq(rows[i].id.value, i);
        if (has_right) {
            ck_assert_int_eq(rows[i].other.value, i);
            ck_assert_int_eq(rows[i].words.valid, b->rows[i].text.valid);
            ck_assert(barks_str_compare(rows[i].words.value, b->rows[i].text.value) == 0);
        } else
            ck_assert(!rows[i].words.valid);
    }
}

SHAPES(zip_align_pairs_rows_by_place)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 5; run++) {
        struct cases a = cases_make(&seed), b = cases_make(&seed);
        barks_rdd *left = barks_map(uneven(context, &a, &seed), to_left, NULL);
        barks_rdd *right = barks_map(uneven(context, &b, &seed), to_other, NULL);
        if (run % 2 == 1)
            left = barks_sort_by(left, "id", .partitions = 5);
        if (run % 3 == 1)
            right = barks_sort_by(right, "other", .partitions = 3);
        expect_pairs(left, right, &a, &b, BARKS_ZIP_SHORTEST);
        expect_pairs(left, right, &a, &b, BARKS_ZIP_LONGEST);
        barks_rdd *same = barks_map(cases_dataset(context, &b), to_left, NULL);
        expect_pairs(same, right, &b, &b, BARKS_ZIP_EXACT);
        expect_pairs(same, barks_map(cases_dataset(context, &b), to_other, NULL), &b, &b,
                     BARKS_ZIP_LONGEST);
        cases_drop(&a);
        cases_drop(&b);
    }
}

SHAPES(zip_align_takes_datasets_without_partitions)
{
    struct cases none = {0}, some = {0};
    struct case_row given[5] = {0};
    for (int i = 0; i < 5; i++)
        given[i].id = i;
    some = (struct cases){.rows = given, .count = 5};
    barks_rdd *left = barks_empty(context, left_row);
    barks_rdd *right = barks_map(barks_parallelize(context, case_row, given, 5, 2), to_other, NULL);
    expect_pairs(left, right, &none, &some, BARKS_ZIP_SHORTEST);
    expect_pairs(left, right, &none, &some, BARKS_ZIP_LONGEST);
    expect_pairs(left, barks_empty(context, other_row), &none, &none, BARKS_ZIP_EXACT);
    barks_rdd *other = barks_map(barks_parallelize(context, case_row, given, 5, 3), to_left, NULL);
    expect_pairs(other, barks_empty(context, other_row), &some, &none, BARKS_ZIP_LONGEST);
    expect_pairs(other, barks_empty(context, other_row), &some, &none, BARKS_ZIP_SHORTEST);
}

static void expect_error(barks_context *context, barks_rdd *rdd, const char *words)
{
    char text[1024];
    ck_assert_int_eq(barks_count(rdd), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "%s", text);
    barks_status_free(error);
}

static atomic_int turns;
BARKS_MAP_PARTITIONS(more_each_time, placed, placed, int)
{
    if (phase == BARKS_CLOSE)
        for (int i = atomic_fetch_add(&turns, 1); i >= 0; i--)
            emit(.id = i);
}

SHAPES(what_cannot_be_placed_is_an_error)
{
    struct left_row left[5] = {{0}};
    struct other_row right[7] = {{0}};
    barks_rdd *a = barks_parallelize(context, left_row, left, 5, 2);
    barks_rdd *b = barks_parallelize(context, other_row, right, 7, 3);
    expect_error(context, barks_zip_align(a, b, BARKS_ZIP_EXACT),
                 "there are 5 rows on the left and 7 on the right");
    expect_error(context, barks_zip_align(a, a, BARKS_ZIP_EXACT), "both sides have a field 'id'");
    expect_error(context, barks_concat(((barks_rdd *const[]){a, b}), 2, 3), "fields must be equal");
    expect_error(context, barks_merge_sorted(((barks_rdd *const[]){a, a}), 2, "nothing"),
                 "no field 'nothing'");
    barks_rdd *restless = barks_map_partitions(barks_rename(a, "id as id"), more_each_time, NULL);
    expect_error(context, barks_rebalance(restless, 4), "other rows each time");
}

/* ---- merged ---- */

static int compare_rows(const void *left, const void *right)
{
    const struct case_row *a = left, *b = right;
    if (a->number.valid != b->number.valid)
        return a->number.valid ? -1 : 1;
    if (a->number.value != b->number.value)
        return a->number.value > b->number.value ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

SHAPES(merge_sorted_is_a_stable_sort_of_all)
{
    uint64_t seed = property_seed();
    static const char order[] = "number desc nulls last, key";
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *parts[4];
        uint32_t first = 0, most = 0;
        for (int i = 0; i < 4; i++) {
            uint32_t left = cases.count - first;
            uint32_t count = i == 3 ? left : (uint32_t)(property_next(&seed) % (left + 1));
            parts[i] = barks_parallelize(context, case_row, cases.rows + first, count, 3);
            if (i != run) /* one that is not sorted costs more, and is right all the same */
                parts[i] = barks_sort_by(parts[i], order,
                                         .partitions = 1 + (uint32_t)(property_next(&seed) % 5));
            if (barks_partition_count(parts[i]) > most)
                most = barks_partition_count(parts[i]);
            first += count;
        }
        barks_rdd *merged = barks_merge_sorted(parts, 4, order);
        ck_assert_uint_eq(barks_partition_count(merged), most);
        int64_t count = 0;
        struct case_row *rows = barks_collect(
            run % 2 == 0 ? merged : barks_merge_sorted(parts, 4, order, .partitions = 1), case_row,
            &count);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(count, cases.count);
        struct case_row *sorted = malloc((cases.count + (size_t)1) * sizeof *sorted);
        memcpy(sorted, cases.rows, cases.count * sizeof *sorted);
        qsort(sorted, cases.count, sizeof *sorted, compare_rows);
        for (int64_t i = 0; i < count; i++)
            ck_assert_int_eq(rows[i].id, sorted[i].id);
        free(sorted);
        cases_drop(&cases);
    }
}

SUITE_MAIN("rdd/places", ON_SHAPES(rebalance_gives_even_partitions_in_order),
           ON_SHAPES(concat_puts_one_dataset_behind_another),
           ON_SHAPES(counts_that_are_known_are_not_counted_again),
           ON_SHAPES(zip_align_pairs_rows_by_place),
           ON_SHAPES(zip_align_takes_datasets_without_partitions),
           ON_SHAPES(what_cannot_be_placed_is_an_error),
           ON_SHAPES(merge_sorted_is_a_stable_sort_of_all))
