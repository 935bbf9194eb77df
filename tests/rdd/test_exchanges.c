/* Columns, partitions, exchanges that are made, left out or taken twice, against loops over arrays.
 */
#include "rdd/cases.h"

#include <inttypes.h>
#include <stdio.h>

BARKS_RECORD(id_only, (i64, id));
BARKS_RECORD(key_total, (i64, key), (i64, total));

BARKS_MAP(to_total, case_row, key_total)
{
    out->key = in->key;
    out->total = in->id;
}
BARKS_REDUCE(add_totals, key_total) { acc->total += in->total; }
BARKS_MAP(double_total, key_total, key_total)
{
    out->key = in->key;
    out->total = 2 * in->total;
}

static int by_id(const void *a, const void *b)
{
    int64_t left = ((const struct id_only *)a)->id, right = ((const struct id_only *)b)->id;
    return (left > right) - (left < right);
}

/* Every row once, whatever the order. */
static void check_all_ids(barks_rdd *rdd, uint32_t count)
{
    int64_t n = 0;
    struct id_only *rows = barks_collect(rdd, id_only, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, count);
    qsort(rows, (size_t)n, sizeof *rows, by_id);
    for (int64_t i = 0; i < n; i++)
        ck_assert_int_eq(rows[i].id, i);
}

static void check_in_order(barks_rdd *rdd, uint32_t count)
{
    int64_t n = 0;
    struct id_only *rows = barks_collect(rdd, id_only, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, count);
    for (int64_t i = 0; i < n; i++)
        ck_assert_int_eq(rows[i].id, i);
}

SHAPES(rows_are_dealt_evenly_and_coalesced_in_order)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    barks_rdd *rows = cases_dataset(context, &cases);
    uint32_t p = 1 + (uint32_t)(property_next(&seed) % 9);
    barks_rdd *dealt = barks_repartition(rows, p);
    ck_assert_uint_eq(barks_partition_count(dealt), p);
    check_all_ids(dealt, cases.count);
    barks_rdd *fewer = barks_coalesce(rows, p);
    ck_assert_uint_eq(barks_partition_count(fewer), p < cases.partitions ? p : cases.partitions);
    check_in_order(fewer, cases.count);
    /* Above an exchange the rows move, and keep their order as well. */
    barks_rdd *sorted = barks_sort_by(dealt, "id", .partitions = cases.partitions);
    check_in_order(barks_coalesce(sorted, p), cases.count);
    check_in_order(barks_coalesce(barks_coalesce(rows, p), 1), cases.count);
    cases_drop(&cases);
}

/* The rows of each key, in the order in which they came. */
SHAPES(partitions_by_key_have_all_rows_of_a_key_in_order)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    int64_t n = 0;
    barks_rdd *parts = barks_partition_by(cases_dataset(context, &cases), "key",
                                          .partitions = 1 + (uint32_t)(property_next(&seed) % 20));
    struct case_row *rows = barks_collect(parts, case_row, &n);
    ck_assert_int_eq(n, cases.count);
    for (int64_t i = 1; i < n; i++)
        for (int64_t k = i - 1; k >= 0 && k > i - 50; k--)
            if (rows[k].key == rows[i].key)
                ck_assert_int_lt(rows[k].id, rows[i].id);
    check_all_ids(parts, cases.count);
    check_all_ids(barks_partition_by_range(cases_dataset(context, &cases), "real desc, text"),
                  cases.count);
    cases_drop(&cases);
}

static int64_t total_of(const struct cases *cases, int64_t key)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < cases->count; i++)
        total += cases->rows[i].key == key ? cases->rows[i].id : 0;
    return total;
}

static int64_t count_keys(const struct cases *cases)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < cases->count; i++) {
        bool is_first = true;
        for (uint32_t k = 0; k < i && is_first; k++)
            is_first = cases->rows[k].key != cases->rows[i].key;
        count += is_first;
    }
    return count;
}

static void check_totals(barks_rdd *rdd, const struct cases *cases, int64_t factor)
{
    int64_t n = 0;
    struct key_total *totals = barks_collect(rdd, key_total, &n);
    ck_assert_ptr_nonnull(totals);
    ck_assert_int_eq(n, count_keys(cases));
    for (int64_t i = 0; i < n; i += 1 + n / 50)
        ck_assert_int_eq(totals[i].total, factor * total_of(cases, totals[i].key));
}

SHAPES(a_reduce_is_the_same_with_and_without_its_exchange)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    barks_rdd *totals = barks_map(cases_dataset(context, &cases), to_total, NULL);
    check_totals(barks_reduce_by_key(totals, "key", add_totals), &cases, 1);
    check_totals(barks_reduce_by_key(totals, "key", add_totals, .map_side_combine = BARKS_NEVER),
                 &cases, 1);
    barks_rdd *parts = barks_partition_by(totals, "key", .partitions = 5);
    barks_rdd *reduced = barks_reduce_by_key(parts, "key", add_totals);
    ck_assert_uint_eq(barks_partition_count(reduced), 5);
    check_totals(reduced, &cases, 1);
    /* The map says that it leaves the keys alone, so that reducing again needs no exchange. */
    barks_rdd *doubled = barks_map_keeping(reduced, double_total, NULL);
    check_totals(barks_reduce_by_key(doubled, "key", add_totals), &cases, 2);
    /* Two of one partitioning are put side by side: keys of both meet. */
    barks_rdd *both = barks_union(reduced, doubled);
    ck_assert_uint_eq(barks_partition_count(both), 5);
    check_totals(barks_reduce_by_key(both, "key", add_totals), &cases, 3);
    /* Partitioned otherwise, they stand one after another. */
    ck_assert_uint_eq(barks_partition_count(
                          barks_union(reduced, barks_partition_by(totals, "key", .partitions = 4))),
                      9);
    cases_drop(&cases);
}

SHAPES(the_first_row_of_each_key_is_kept)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    int64_t n = 0;
    struct case_row *rows =
        barks_collect(barks_distinct_by(cases_dataset(context, &cases), "key",
                                        .partitions = 1 + (uint32_t)(property_next(&seed) % 7)),
                      case_row, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, count_keys(&cases));
    for (int64_t i = 0; i < n; i += 1 + n / 50)
        for (int64_t k = 0; k < rows[i].id; k++)
            ck_assert_int_ne(cases.rows[k].key, rows[i].key);
    cases_drop(&cases);
}

BARKS_RECORD(renamed_row, (optional(str), words), (i64, number_of));

SHAPES(columns_are_chosen_dropped_and_renamed)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    int64_t n = 0;
    barks_rdd *rows = cases_dataset(context, &cases);
    barks_rdd *chosen = barks_select(rows, "text as words, id as number_of, real");
    ck_assert_str_eq(barks_schema_text(chosen), "words str?, number_of i64, real f64");
    ck_assert_str_eq(barks_schema_text(barks_drop(chosen, "number_of")), "words str?, real f64");
    ck_assert_str_eq(barks_schema_text(barks_rename(chosen, "real as x")),
                     "words str?, number_of i64, x f64");
    ck_assert_str_eq(barks_schema_text(barks_values(rows, "key, real, text")),
                     "id i64, number i64?");
    /* Through an exchange, where the rows travel under a record that no program has. */
    barks_rdd *sorted = barks_sort_by(chosen, "number_of desc", .partitions = 3);
    struct renamed_row *back = barks_collect(sorted, renamed_row, &n);
    ck_assert_ptr_nonnull(back);
    ck_assert_int_eq(n, cases.count);
    for (int64_t i = 0; i < n; i++) {
        const struct case_row *row = &cases.rows[n - 1 - i];
        ck_assert_int_eq(back[i].number_of, row->id);
        ck_assert_int_eq(back[i].words.valid, row->text.valid);
        ck_assert(!row->text.valid || barks_str_equal(back[i].words.value, row->text.value));
    }
    ck_assert_int_eq(barks_count(barks_distinct(barks_keys(rows, "key"))), count_keys(&cases));
    cases_drop(&cases);
}

SHAPES(secondary_sort)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    int64_t n = 0;
    barks_rdd *sorted = barks_repartition_and_sort(cases_dataset(context, &cases), "key",
                                                   "key, id desc", .partitions = 4);
    struct case_row *rows = barks_collect(sorted, case_row, &n);
    ck_assert_int_eq(n, cases.count);
    int64_t breaks = 0;
    for (int64_t i = 1; i < n; i++) {
        if (rows[i - 1].key == rows[i].key)
            ck_assert_int_gt(rows[i - 1].id, rows[i].id);
        breaks += rows[i - 1].key > rows[i].key;
    }
    ck_assert_int_lt(breaks, 4);
    cases_drop(&cases);
}

SHAPES_EXIT(mistakes_are_told_with_their_place, 2)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    barks_rdd *rows = cases_dataset(context, &cases);
    barks_rdd *wrong[] = {barks_select(rows, "id, key as id"),
                          barks_select(rows, "idd"),
                          barks_select(rows, "id az x"),
                          barks_drop(rows, "key, id, real, number, text"),
                          barks_rename(rows, "key as text"),
                          barks_partition_by(rows, "kee"),
                          barks_coalesce(rows, 0),
                          barks_repartition_and_sort(rows, "key", "nothing")};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(barks_count(barks_distinct(wrong[i])), -1);
        barks_status *error = barks_take_error(context);
        ck_assert_int_eq(barks_status_code(error), BARKS_INVALID);
        ck_assert_ptr_nonnull(strstr(barks_status_text(error), "test_exchanges.c:"));
        barks_status_free(error);
    }
    ck_assert_int_eq(barks_count(wrong[0]), -1);
    cases_drop(&cases);
}

BARKS_RECORD(summary, (i64, key), (i64, n), (i64, numbers), (optional(i64), total),
             (optional(f64), reals), (optional(f64), mean), (optional(i64), least),
             (optional(str), greatest), (optional(i64), earliest), (optional(str), last_text));

static const char summary_text[] =
    "count() as n, count(number) as numbers, sum(number) as total, sum(half) as reals, avg( number "
    ") "
    "as mean, min(number) as least,max(text) as greatest, first(number) as earliest, last(text) as "
    "last_text";

BARKS_RECORD(half_row, (i64, key), (i64, id), (f64, half), (optional(i64), number),
             (optional(str), text));
BARKS_MAP(to_half, case_row, half_row)
{
    out->key = in->key;
    out->id = in->id;
    out->half = (double)in->id / 2;
    out->number = in->number;
    out->text = in->text;
}

/* What a loop over the rows of one key makes of them. */
static struct summary expected_summary(const struct cases *cases, int64_t key)
{
    struct summary sum = {.key = key, .reals = {.valid = true}};
    for (uint32_t i = 0; i < cases->count; i++) {
        const struct case_row *row = &cases->rows[i];
        if (row->key != key)
            continue;
        if (sum.n++ == 0)
            sum.earliest = row->number;
        sum.last_text = row->text;
        sum.reals.value += (double)row->id / 2;
        if (row->text.valid &&
            (!sum.greatest.valid || barks_str_compare(row->text.value, sum.greatest.value) > 0))
            sum.greatest = row->text;
        if (!row->number.valid)
            continue;
        sum.numbers++;
        sum.total.valid = true;
        sum.total.value += row->number.value;
        if (!sum.least.valid || row->number.value < sum.least.value)
            sum.least = row->number;
    }
    sum.mean.valid = sum.numbers > 0;
    sum.mean.value = sum.numbers > 0 ? (double)sum.total.value / (double)sum.numbers : 0;
    return sum;
}

static void check_text(const barks_optional_str *a, const barks_optional_str *b)
{
    ck_assert_int_eq(a->valid, b->valid);
    ck_assert(!a->valid || barks_str_equal(a->value, b->value));
}

static void check_summaries(barks_rdd *rdd, const struct cases *cases)
{
    int64_t n = 0;
    struct summary *rows = barks_collect(rdd, summary, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, count_keys(cases));
    for (int64_t i = 0; i < n; i += 1 + n / 40) {
        struct summary sum = expected_summary(cases, rows[i].key);
        ck_assert(rows[i].n == sum.n && rows[i].numbers == sum.numbers);
        ck_assert(rows[i].total.valid == sum.total.valid && rows[i].least.valid == sum.least.valid);
        ck_assert(rows[i].total.value == sum.total.value && rows[i].least.value == sum.least.value);
        ck_assert(rows[i].reals.valid && rows[i].reals.value == sum.reals.value);
        ck_assert_int_eq(rows[i].mean.valid, sum.mean.valid);
        ck_assert(fabs(rows[i].mean.value - sum.mean.value) < 1e-9);
        ck_assert(rows[i].earliest.valid == sum.earliest.valid &&
                  rows[i].earliest.value == sum.earliest.value);
        check_text(&rows[i].greatest, &sum.greatest);
        check_text(&rows[i].last_text, &sum.last_text);
    }
}

SHAPES(columns_are_aggregated_in_words)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    barks_rdd *halves = barks_map(cases_dataset(context, &cases), to_half, NULL);
    check_summaries(barks_aggregate(halves, "key", summary_text, .partitions = 3), &cases);
    /* Where rows of a key lie together, and where they are not combined before the exchange. */
    check_summaries(
        barks_aggregate(barks_partition_by(halves, "key", .partitions = 4), "key", summary_text),
        &cases);
    check_summaries(barks_aggregate(halves, "key", summary_text, .map_side_combine = BARKS_NEVER),
                    &cases);
    ck_assert_str_eq(barks_schema_text(barks_aggregate(halves, "key, text", "sum(half), count()")),
                     "key i64, text str?, sum_half f64?, count i64");
    cases_drop(&cases);
}

BARKS_REDUCE(count_up, key_total) { acc->total += in->total + 1000; }

SHAPES(accumulators_begin_as_is_said)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    struct key_total zero = {.key = 7, .total = 0};
    barks_rdd *rows = cases_dataset(context, &cases);
    barks_rdd *totals = barks_map(rows, to_total, NULL);
    check_totals(barks_fold_by_key(totals, "key", add_totals, .partitions = 3), &cases, 1);
    check_totals(barks_fold_by_key(totals, "key", add_totals, .initial = &zero), &cases, 1);
    check_totals(barks_combine_by_key(rows, "key", to_total, add_totals), &cases, 1);
    /* Unlike a reduce, a fold sees the first row of a key too. */
    int64_t n = 0;
    barks_rdd *one = barks_coalesce(totals, 1);
    struct key_total *folded =
        barks_collect(barks_fold_by_key(one, "key", count_up), key_total, &n);
    struct key_total *reduced =
        barks_collect(barks_reduce_by_key(one, "key", count_up), key_total, &n);
    for (int64_t i = 0; i < n; i++) {
        ck_assert_int_eq(folded[i].key, reduced[i].key);
        ck_assert_int_eq(folded[i].total, reduced[i].total + 1000);
    }
    cases_drop(&cases);
}

/* The number after "exchanges: ". */
static int exchanges_of(barks_rdd *rdd)
{
    const char *text = barks_explain(rdd);
    ck_assert_ptr_nonnull(text);
    const char *found = strstr(text, "exchanges: ");
    ck_assert_ptr_nonnull(found);
    return (int)strtol(found + strlen("exchanges: "), NULL, 10);
}

SHAPES(exchanges_are_made_where_they_must_be)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    cases.partitions = 3;
    barks_rdd *totals = barks_map(cases_dataset(context, &cases), to_total, NULL);
    barks_rdd *parts = barks_partition_by(totals, "key", .partitions = 4);
    barks_rdd *reduced = barks_reduce_by_key(parts, "key", add_totals);
    ck_assert_int_eq(exchanges_of(totals), 0);
    ck_assert_int_eq(exchanges_of(parts), 1);
    ck_assert_int_eq(exchanges_of(reduced), 1);
    ck_assert_int_eq(exchanges_of(barks_map(reduced, double_total, NULL)), 1);
    ck_assert_int_eq(exchanges_of(barks_reduce_by_key(barks_map(reduced, double_total, NULL), "key",
                                                      add_totals)),
                     2);
    barks_rdd *kept = barks_map_keeping(reduced, double_total, NULL);
    ck_assert_int_eq(exchanges_of(barks_reduce_by_key(kept, "key", add_totals)), 1);
    ck_assert_int_eq(exchanges_of(barks_reduce_by_key(kept, "key", add_totals, .partitions = 5)),
                     2);
    ck_assert_int_eq(exchanges_of(barks_union(reduced, kept)), 1);
    /* By some of the keys is by all of them; renamed ones are the same, lost ones are not. */
    ck_assert_int_eq(exchanges_of(barks_distinct(parts)), 1);
    barks_rdd *renamed = barks_rename(reduced, "key as k");
    ck_assert_int_eq(exchanges_of(barks_distinct_by(renamed, "k")), 1);
    ck_assert_int_eq(exchanges_of(barks_distinct(barks_drop(reduced, "key"))), 2);
    ck_assert_int_eq(exchanges_of(barks_sort_by(reduced, "key")), 2);
    ck_assert_int_eq(exchanges_of(barks_coalesce(totals, 2)), 0);
    ck_assert_int_eq(exchanges_of(barks_coalesce(reduced, 2)), 2);
    /* One partition has all rows of all keys. */
    barks_rdd *one = barks_coalesce(totals, 1);
    ck_assert_int_eq(exchanges_of(barks_sort_by(barks_distinct(one), "key")), 0);
    ck_assert_ptr_nonnull(
        strstr(barks_explain(barks_set_name(renamed, "my totals")), "'my totals'"));
    ck_assert_ptr_nonnull(strstr(barks_explain(renamed), "4 partitions by hash of k"));
    cases_drop(&cases);
}

/* What is kept where its exchange has brought it serves by key again and again. */
SHAPES(what_is_kept_by_key_is_exchanged_once)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    barks_rdd *totals = barks_map(cases_dataset(context, &cases), to_total, NULL);
    barks_rdd *parts = barks_cache(barks_partition_by(totals, "key", .partitions = 5));
    barks_rdd *reduced = barks_reduce_by_key(parts, "key", add_totals);
    ck_assert_int_eq(exchanges_of(reduced), 1);
    check_totals(reduced, &cases, 1);
    ck_assert_int_eq(exchanges_of(reduced), 0);
    check_totals(reduced, &cases, 1);
    /* Beside rows that come through an exchange now, at partitions of the same numbers. */
    barks_rdd *again = barks_partition_by(totals, "key", .partitions = 5);
    check_totals(barks_reduce_by_key(barks_union(parts, again), "key", add_totals), &cases, 2);
    check_totals(barks_reduce_by_key(barks_union(again, reduced), "key", add_totals), &cases, 2);
    check_in_order(barks_coalesce(barks_cache(cases_dataset(context, &cases)), 2), cases.count);
    ck_assert(barks_unpersist(parts));
    ck_assert_int_eq(exchanges_of(reduced), 1);
    check_totals(reduced, &cases, 1);
    cases_drop(&cases);
}

BARKS_RECORD(parity, (i64, odd));
BARKS_MAP(to_parity, id_only, parity) { out->odd = in->id % 2; }

SHAPES(rows_get_keys_from_a_function)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    int64_t n = 0;
    barks_rdd *keyed =
        barks_key_by(barks_select(cases_dataset(context, &cases), "id, text"), to_parity, NULL);
    ck_assert_str_eq(barks_schema_text(keyed), "odd i64, id i64, text str?");
    check_in_order(keyed, cases.count);
    struct parity *rows = barks_collect(keyed, parity, &n);
    for (int64_t i = 0; i < n; i++)
        ck_assert_int_eq(rows[i].odd, i % 2);
    cases_drop(&cases);
}

struct modulus {
    int64_t by;
};
BARKS_PARTITION(by_remainder, id_only, struct modulus) { return in->id % env->by; }

SHAPES_EXIT(a_function_says_where_rows_go, 6)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    struct modulus four = {4}, five = {5};
    int64_t n = 0;
    barks_rdd *rows = cases_dataset(context, &cases);
    barks_rdd *parts = barks_partition_with(rows, by_remainder, .partitions = 4, .env = &four);
    ck_assert_uint_eq(barks_partition_count(parts), 4);
    struct id_only *ids = barks_collect(parts, id_only, &n);
    ck_assert_int_eq(n, cases.count);
    for (int64_t i = 1; i < n; i++) /* partition by partition, in order in each */
        ck_assert(ids[i - 1].id % 4 < ids[i].id % 4 ||
                  (ids[i - 1].id % 4 == ids[i].id % 4 && ids[i - 1].id < ids[i].id));
    /* By what the function sees rows lie together. */
    ck_assert_int_eq(exchanges_of(barks_distinct_by(parts, "id, key")), 1);
    ck_assert_int_eq(exchanges_of(barks_distinct_by(parts, "key")), 2);
    check_all_ids(barks_distinct_by(parts, "id"), cases.count);
    struct case_row bad[6] = {{.id = 0}, {.id = 1}, {.id = 2}, {.id = 3}, {.id = 9}, {.id = 5}};
    ck_assert_int_eq(
        barks_count(barks_partition_with(barks_parallelize(context, case_row, bad, 6, 2),
                                         by_remainder, .partitions = 4, .env = &five)),
        -1);
    cases_drop(&cases);
}

/* Partitions of a union above an exchange lie elsewhere than others of their number. */
SHAPES(a_union_is_zipped_with_what_lies_elsewhere)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    uint32_t count = cases.count < 300 ? cases.count : 300;
    barks_rdd *rows = barks_select(
        barks_parallelize(context, case_row, cases.rows, count, cases.partitions), "id");
    barks_rdd *sorted = barks_sort_by(rows, "id", .partitions = 3);
    barks_rdd *both = barks_union(sorted, barks_sort_by(rows, "id desc", .partitions = 2));
    barks_rdd *renamed = barks_rename(both, "id as same");
    ck_assert_int_eq(barks_count(barks_cartesian(both, renamed)), 4 * (int64_t)count * count);
    barks_rdd *zipped = barks_zip(both, renamed);
    ck_assert_int_eq(barks_count(zipped), 2 * (int64_t)count);
    /* Beside one whose partition 2 is where the union's is not. */
    barks_rdd *other = barks_coalesce(barks_rename(both, "id as other"), 3);
    barks_rdd *three = barks_coalesce(both, 3);
    ck_assert_int_eq(barks_count(barks_zip(three, other)), 2 * (int64_t)count);
    cases_drop(&cases);
}

SHAPES_EXIT(aggregates_that_cannot_be_are_refused, 6)
{
    static const char *const wrong[] = {
        "sum(text)", "sum()",        "summ(id)",       "count() as n,",
        "count() n", "sum(nothing)", "sum(id) as key", "min(id) as m, max(id) as m"};
    struct case_row rows[2] = {{.number = {INT64_MAX, true}}, {.number = {1, true}}};
    barks_rdd *two = barks_parallelize(context, case_row, rows, 2, 2);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(barks_count(barks_aggregate(two, "key", wrong[i])), -1);
        barks_status *error = barks_take_error(context);
        ck_assert_int_eq(barks_status_code(error), BARKS_INVALID);
        barks_status_free(error);
    }
    ck_assert_int_eq(barks_count(barks_aggregate(two, "key", "sum(number)")), -1);
}

SUITE_MAIN("rdd/exchanges", ON_SHAPES(rows_are_dealt_evenly_and_coalesced_in_order),
           ON_SHAPES(partitions_by_key_have_all_rows_of_a_key_in_order),
           ON_SHAPES(a_reduce_is_the_same_with_and_without_its_exchange),
           ON_SHAPES(the_first_row_of_each_key_is_kept),
           ON_SHAPES(columns_are_chosen_dropped_and_renamed), ON_SHAPES(secondary_sort),
           ON_SHAPES(columns_are_aggregated_in_words), ON_SHAPES(accumulators_begin_as_is_said),
           ON_SHAPES(exchanges_are_made_where_they_must_be),
           ON_SHAPES(what_is_kept_by_key_is_exchanged_once),
           ON_SHAPES(rows_get_keys_from_a_function), ON_SHAPES(a_function_says_where_rows_go),
           ON_SHAPES(a_union_is_zipped_with_what_lies_elsewhere),
           ON_SHAPES(aggregates_that_cannot_be_are_refused),
           ON_SHAPES(mistakes_are_told_with_their_place))
