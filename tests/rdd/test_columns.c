/* Columns that functions add and replace, filters and functions over whole batches, and what can be
 * asked of a dataset before it runs. */
#include "rdd/cases.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_error(barks_context *context, const char *text)
{
    char all[1024];
    barks_status *error = barks_take_error(context);
    ck_assert(error != NULL);
    barks_status_format(error, all, sizeof all);
    ck_assert_msg(strstr(all, text) != NULL, "'%s' is not in '%s'", text, all);
    barks_status_free(error);
}

static bool same_text(const barks_optional_str *a, const barks_optional_str *b)
{
    return a->valid == b->valid && (!a->valid || barks_str_equal(a->value, b->value));
}

/* ---- columns that a function makes ---- */

struct shift {
    int64_t by;
};
BARKS_RECORD(id_number, (i64, id), (optional(i64), number));
BARKS_RECORD(number_twice, (optional(f64), number), (i64, twice), (optional(str), label));
BARKS_MAP(twice_of, id_number, number_twice, struct shift)
{
    out->number.valid = in->number.valid;
    out->number.value = (double)in->number.value / 2;
    out->twice = 2 * in->id + env->by;
    out->label.valid = in->id % 3 != 0;
    if (out->label.valid)
        out->label.value =
            barks_str_make(out, "a label that does not fit inline", (size_t)(in->id % 33));
}
BARKS_RECORD(widened, (i64, key), (i64, id), (f64, real), (optional(f64), number),
             (optional(str), text), (i64, twice), (optional(str), label));

SHAPES(columns_are_added_and_replaced)
{
    uint64_t seed = property_seed();
    static const char label[] = "a label that does not fit inline";
    for (int round = 0; round < 12; round++) {
        struct cases cases = cases_make(&seed);
        struct shift env = {.by = round};
        int64_t count = 0;
        barks_rdd *rdd = barks_with_columns(cases_dataset(context, &cases), twice_of, &env);
        ck_assert_str_eq(barks_schema_text(rdd), "key i64, id i64, real f64, number f64?, text "
                                                 "str?, twice i64, label str?");
        struct widened *rows = barks_collect(rdd, widened, &count);
        ck_assert_int_eq(count, cases.count);
        for (int64_t i = 0; i < count; i++) {
            const struct case_row *given = &cases.rows[i];
            barks_optional_str expected = {.valid = i % 3 != 0,
                                           .value = barks_str_of(label, (size_t)(i % 33))};
            ck_assert_int_eq(rows[i].key, given->key);
            ck_assert_int_eq(rows[i].id, i);
            ck_assert(memcmp(&rows[i].real, &given->real, sizeof given->real) == 0);
            ck_assert(same_text(&rows[i].text, &given->text));
            ck_assert_int_eq(rows[i].number.valid, given->number.valid);
            ck_assert(!given->number.valid ||
                      rows[i].number.value == (double)given->number.value / 2);
            ck_assert_int_eq(rows[i].twice, 2 * i + round);
            ck_assert(same_text(&rows[i].label, &expected));
        }
        barks_release(context, rows);
        cases_drop(&cases);
    }
}

BARKS_RECORD(only_key, (i64, key));
BARKS_RECORD(key_n, (i64, key), (i64, n));
BARKS_MAP(next_key, only_key, only_key) { out->key = in->key + 1; }
BARKS_RECORD(n_of, (i64, n));
BARKS_MAP(next_n, n_of, n_of) { out->n = in->n + 1; }
BARKS_MAP(swap_both, key_n, key_n)
{
    out->key = in->n;
    out->n = in->key;
}
BARKS_REDUCE(add_n, key_n) { acc->n += in->n; }

static struct key_n pairs[5000];

static barks_rdd *pairs_of(barks_context *context, uint32_t partitions)
{
    for (int64_t i = 0; i < 5000; i++)
        pairs[i] = (struct key_n){.key = i % 7, .n = i};
    return barks_parallelize(context, key_n, pairs, 5000, partitions);
}

/* Keys that are left alone still lie together; those that are replaced do not. */
SHAPES(keys_that_stay_keep_their_place)
{
    barks_rdd *placed = barks_partition_by(pairs_of(context, 5), "key", .partitions = 4);
    barks_rdd *other = barks_with_columns(placed, next_n, NULL);
    barks_rdd *moved = barks_with_columns(placed, next_key, NULL);
    barks_rdd *swapped = barks_with_columns(placed, swap_both, NULL);
    int64_t count = 0, sum = 0;
    ck_assert(strstr(barks_explain(barks_reduce_by_key(other, "key", add_n)), "exchanges: 1\n"));
    ck_assert(strstr(barks_explain(barks_reduce_by_key(moved, "key", add_n)), "exchanges: 2\n"));
    ck_assert(strstr(barks_explain(barks_reduce_by_key(swapped, "key", add_n)), "exchanges: 2\n"));
    struct key_n *sums = barks_collect(
        barks_sort_by(barks_reduce_by_key(moved, "key", add_n), "key"), key_n, &count);
    ck_assert_int_eq(count, 7);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(sums[i].key, i + 1);
        sum += sums[i].n;
    }
    ck_assert_int_eq(sum, 5000 * 4999 / 2);
    struct key_n *rows =
        barks_collect(barks_with_columns(pairs_of(context, 3), swap_both, NULL), key_n, &count);
    for (int64_t i = 0; i < count; i++)
        ck_assert(rows[i].key == pairs[i].n && rows[i].n == pairs[i].key);
}

BARKS_RECORD(misspelt, (i64, kex));
BARKS_MAP(of_misspelt, misspelt, only_key) { out->key = in->kex; }

SHAPES(unknown_fields_name_the_nearest)
{
    barks_rdd *rdd = pairs_of(context, 3), *longer = barks_rename(rdd, "n as number");
    ck_assert_int_eq(barks_count(barks_with_columns(rdd, of_misspelt, NULL)), -1);
    expect_error(context,
                 "wants a field 'kex', which the rows it is given lack; did you mean 'key'?");
    ck_assert_int_eq(barks_count(barks_select(rdd, "kay")), -1);
    expect_error(context, "the rows have no field 'kay'; did you mean 'key'?");
    ck_assert_int_eq(barks_count(barks_drop(rdd, "kay")), -1);
    expect_error(context, "did you mean 'key'?");
    ck_assert_int_eq(barks_count(barks_rename(rdd, "kay as k")), -1);
    expect_error(context, "did you mean 'key'?");
    ck_assert_int_eq(barks_count(barks_sort_by(rdd, "kay desc")), -1);
    expect_error(context, "did you mean 'key'?");
    ck_assert_int_eq(barks_count(barks_partition_by(rdd, "kay")), -1);
    expect_error(context, "did you mean 'key'?");
    ck_assert_int_eq(barks_count(barks_aggregate(longer, "key", "sum(numbr)")), -1);
    expect_error(context, "did you mean 'number'?");
    double sum = 0;
    ck_assert(!barks_sum(longer, "numbr", &sum));
    expect_error(context, "did you mean 'number'?");
    ck_assert_int_eq(barks_count(barks_join(rdd, rdd, "kay")), -1);
    expect_error(context, "did you mean 'key'?");
    ck_assert_int_eq(barks_count(barks_key_by(rdd, next_key, NULL)), -1);
    expect_error(context, "replace it by barks_with_columns");
}

/* ---- filters over batches ---- */

struct bounds {
    int64_t low, high, bad;
};
BARKS_RECORD(filtered, (i64, key), (optional(i64), number), (optional(str), text));
BARKS_FILTER_BATCHES(in_bounds, filtered, struct bounds)
{
    for (uint32_t i = 0; i < batch->row_count; i++)
        keep[i] = barks_has(batch->number, i) && batch->number.value[i] >= env->low &&
                  batch->number.value[i] < env->high;
}
BARKS_FILTER_BATCHES(no_row, only_key) { (void)batch; }
BARKS_FILTER_BATCHES(every_row, only_key) { memset(keep, true, batch->row_count); }
BARKS_FILTER_BATCHES(refuse, only_key, struct bounds)
{
    for (uint32_t i = 0; i < batch->row_count; i++)
        if (batch->key[i] >= env->bad)
            fail("the key %lld is too large", (long long)batch->key[i]);
}

SHAPES(filters_of_batches_keep_what_they_say)
{
    uint64_t seed = property_seed();
    for (int round = 0; round < 12; round++) {
        struct cases cases = cases_make(&seed);
        struct bounds bounds = {.low = (int64_t)(property_next(&seed) % 60) - 50, .high = 20};
        barks_rdd *rdd = cases_dataset(context, &cases);
        int64_t count = 0, expected = 0;
        struct case_row *rows =
            barks_collect(barks_filter(rdd, in_bounds, &bounds), case_row, &count);
        for (uint32_t i = 0; i < cases.count; i++) {
            const struct case_row *row = &cases.rows[i];
            if (!row->number.valid || row->number.value < bounds.low || row->number.value >= 20)
                continue;
            ck_assert_int_lt(expected, count);
            ck_assert_int_eq(rows[expected].id, row->id);
            ck_assert(same_text(&rows[expected].text, &row->text));
            expected++;
        }
        ck_assert_int_eq(count, expected);
        ck_assert_int_eq(barks_count(barks_filter(rdd, no_row, NULL)), 0);
        ck_assert_int_eq(barks_count(barks_filter(rdd, every_row, NULL)), cases.count);
        barks_release(context, rows);
        cases_drop(&cases);
    }
    struct bounds bounds = {.bad = 5};
    ck_assert_int_eq(barks_count(barks_filter(pairs_of(context, 3), refuse, &bounds)), -1);
    expect_error(context, "the key 5 is too large");
}

/* ---- functions over batches of so many rows ---- */

BARKS_RECORD(batch_size, (i64, rows), (i64, first), (i64, sum), (i64, partition));
BARKS_MAP_BATCHES(measure, key_n, batch_size)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < batch->row_count; i++)
        sum += batch->n[i];
    emit(.rows = batch->row_count, .first = batch->n[0], .sum = sum,
         .partition = barks_task()->partition);
}

SHAPES(batches_have_the_rows_that_are_asked_for)
{
    static const uint32_t wanted[] = {1, 7, 1000, 1024, 1500, 4000, 1 << 24};
    static const uint32_t partitions[] = {1, 3, 7, 4999};
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++)
        for (size_t p = 0; p < sizeof partitions / sizeof partitions[0]; p++) {
            int64_t count = 0, next = 0;
            if (wanted[k] < 1000 && partitions[p] > 7)
                continue;
            barks_rdd *rdd = barks_map_batches(pairs_of(context, partitions[p]), measure, NULL,
                                               .rows = wanted[k]);
            struct batch_size *sizes = barks_collect(rdd, batch_size, &count);
            ck_assert(sizes != NULL);
            for (int64_t i = 0; i < count; i++) {
                bool is_last = i + 1 == count || sizes[i + 1].partition != sizes[i].partition;
                int64_t last = next + sizes[i].rows - 1;
                ck_assert_int_eq(sizes[i].first, next);
                ck_assert_int_eq(sizes[i].sum, (next + last) * sizes[i].rows / 2);
                ck_assert(is_last ? sizes[i].rows <= wanted[k] : sizes[i].rows == wanted[k]);
                next = last + 1;
            }
            ck_assert_int_eq(next, 5000);
            barks_release(context, sizes);
        }
    ck_assert_int_eq(
        barks_count(barks_map_batches(pairs_of(context, 3), measure, NULL, .rows = (1 << 24) + 1)),
        -1);
    expect_error(context, "batches of 16777217 rows are over the limit of 16777216");
    int64_t count = 0; /* who has enough rows stops it */
    struct batch_size *sizes = barks_take(
        barks_map_batches(pairs_of(context, 1), measure, NULL, .rows = 10), 3, batch_size, &count);
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(sizes[2].first, 20);
}

/* ---- every type in a batch ---- */

BARKS_RECORD(inner, (i32, code), (optional(str), note));
BARKS_RECORD(every, (bool, flag), (optional(bool), maybe), (i32, small), (f32, single),
             (list(i64), numbers), (list(str), words), (record(inner), within),
             (optional(list(i32)), some), (optional(record(inner)), other), (bytes, raw));

BARKS_MAP_BATCHES(mirror, every, every)
{
    for (uint32_t i = 0; i < batch->row_count; i++) {
        struct every row = {.flag = !batch->flag[i], .small = -batch->small[i]};
        row.maybe.valid = barks_has(batch->maybe, i);
        row.maybe.value = row.maybe.valid && !batch->maybe.value[i];
        row.single = batch->single[i] / 2;
        row.numbers = (barks_list_i64){.items = barks_items(batch->numbers, i),
                                       .count = barks_item_count(batch->numbers, i)};
        row.words = (barks_list_str){.items = barks_items(batch->words, i),
                                     .count = barks_item_count(batch->words, i)};
        row.within.code = batch->within.code[i] + 1;
        row.within.note.valid = barks_has(batch->within.note, i);
        row.within.note.value = batch->within.note.value[i];
        row.some.valid = barks_has(batch->some, i);
        row.some.value = (barks_list_i32){.items = barks_items(batch->some.value, i),
                                          .count = barks_item_count(batch->some.value, i)};
        row.other.valid = barks_has(batch->other, i);
        row.other.value.code = batch->other.value.code[i];
        row.other.value.note.valid = row.other.valid && barks_has(batch->other.value.note, i);
        row.other.value.note.value = batch->other.value.note.value[i];
        row.raw = batch->raw[i];
        emit(.flag = row.flag, .maybe = row.maybe, .small = row.small, .single = row.single,
             .numbers = row.numbers, .words = row.words, .within = row.within, .some = row.some,
             .other = row.other, .raw = row.raw);
    }
}

static bool same_note(const struct inner *a, const struct inner *b, int add)
{
    return a->code == b->code + add && same_text(&a->note, &b->note);
}

SHAPES(batches_read_and_write_every_type)
{
    enum { COUNT = 3000 };
    static struct every given[COUNT];
    static int64_t numbers[40];
    static int32_t smalls[40];
    static barks_str words[40];
    static const char text[] = "a text of more than twelve bytes, of which some are taken";
    uint64_t seed = property_seed();
    int64_t count = 0;
    for (int i = 0; i < 40; i++) {
        numbers[i] = i * 1000;
        smalls[i] = -i;
        words[i] = barks_str_of(text, (size_t)i);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t n = (uint32_t)(property_next(&seed) % 20), m = n / 3;
        bool a = property_next(&seed) % 2, b = property_next(&seed) % 2;
        given[i] = (struct every){.flag = a, .small = (int32_t)i, .single = (float)i / 4};
        given[i].maybe.valid = b;
        given[i].maybe.value = a && b;
        given[i].numbers = (barks_list_i64){.items = numbers + m, .count = n};
        given[i].words = (barks_list_str){.items = words + m, .count = m};
        given[i].within = (struct inner){.code = (int32_t)n, .note = {.valid = a}};
        if (a)
            given[i].within.note.value = words[n];
        given[i].some.valid = b;
        if (b)
            given[i].some.value = (barks_list_i32){.items = smalls, .count = n};
        given[i].other.valid = a;
        if (a)
            given[i].other.value = (struct inner){.code = 7, .note = {words[m], true}};
        given[i].raw = words[n];
    }
    barks_rdd *rdd = barks_parallelize(context, every, given, COUNT, 7);
    struct every *rows =
        barks_collect(barks_map_batches(rdd, mirror, NULL, .rows = 100), every, &count);
    ck_assert_int_eq(count, COUNT);
    for (int64_t i = 0; i < count; i++) {
        const struct every *in = &given[i], *out = &rows[i];
        ck_assert(out->flag == !in->flag && out->small == -in->small);
        ck_assert(out->maybe.valid == in->maybe.valid);
        ck_assert(!in->maybe.valid || out->maybe.value == !in->maybe.value);
        ck_assert(out->single == in->single / 2);
        ck_assert(out->numbers.count == in->numbers.count && out->words.count == in->words.count);
        for (uint32_t k = 0; k < in->numbers.count; k++)
            ck_assert_int_eq(out->numbers.items[k], in->numbers.items[k]);
        for (uint32_t k = 0; k < in->words.count; k++)
            ck_assert(barks_str_equal(out->words.items[k], in->words.items[k]));
        ck_assert(same_note(&out->within, &in->within, 1));
        ck_assert(out->some.valid == in->some.valid && out->other.valid == in->other.valid);
        ck_assert(!in->some.valid || out->some.value.count == in->some.value.count);
        ck_assert(!in->other.valid || same_note(&out->other.value, &in->other.value, 0));
        ck_assert(barks_str_equal(out->raw, in->raw));
    }
}

/* ---- fields that must be there ---- */

BARKS_RECORD(strict, (i64, id), (i64, number));
BARKS_MAP(of_strict, strict, only_key) { out->key = in->number; }

SHAPES(a_column_with_nulls_is_no_field_that_is_always_there)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    int64_t count = 0;
    barks_rdd *rdd = cases_dataset(context, &cases);
    ck_assert_int_eq(barks_count(barks_map(rdd, of_strict, NULL)), -1);
    expect_error(context, "of_strict wants field 'number' always there, but it may be null in the "
                          "rows it is given: declare it (optional(i64), number)");
    ck_assert_ptr_null(barks_collect(rdd, strict, &count));
    expect_error(context, "always there");
    cases_drop(&cases);
}

static void check_csv(barks_context *context, const char *text, const char *error)
{
    char path[] = "/tmp/barks-test-nulls-XXXXXX.csv", at[256];
    int descriptor = mkstemps(path, 4);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(close(descriptor), 0);
    barks_rdd *rdd = barks_map(barks_read_csv(context, path, strict), of_strict, NULL);
    ck_assert_int_eq(barks_count(rdd), error != NULL ? -1 : 3);
    if (error != NULL) {
        snprintf(at, sizeof at, "%s", path);
        barks_status *status = barks_take_error(context);
        char all[1024];
        barks_status_format(status, all, sizeof all);
        ck_assert_msg(strstr(all, at) && strstr(all, error) && strstr(all, "number"), "%s", all);
        barks_status_free(status);
    }
    ck_assert_int_eq(unlink(path), 0);
}

SHAPES(a_null_in_a_file_is_told_with_file_row_and_field)
{
    check_csv(context, "id,number\n1,2\n2,3\n3,4\n", NULL);
    check_csv(context, "id,number\n1,2\n2,\n3,4\n", "line 3");
}

/* ---- questions ---- */

SHAPES(a_dataset_tells_what_it_is)
{
    barks_rdd *source = barks_set_name(pairs_of(context, 6), "pairs");
    barks_rdd *left = barks_with_columns(source, next_n, NULL);
    barks_rdd *both = barks_union(left, source);
    barks_rdd *placed = barks_partition_by(both, "key", .partitions = 4);
    ck_assert_uint_eq(barks_parent_count(source), 0);
    ck_assert_ptr_null(barks_parent(source, 0));
    ck_assert_uint_eq(barks_parent_count(both), 2);
    ck_assert_ptr_eq(barks_parent(both, 0), left);
    ck_assert_ptr_eq(barks_parent(both, 1), source);
    ck_assert_ptr_null(barks_parent(both, 2));
    ck_assert_ptr_eq(barks_parent(left, 0), source);
    ck_assert_str_eq(barks_name(source), "pairs");
    ck_assert_ptr_null(barks_name(both));
    ck_assert_ptr_nonnull(strstr(barks_where(both), "test_columns.c:"));
    ck_assert_str_eq(barks_partitioning_text(both), "12 partitions");
    ck_assert_str_eq(barks_partitioning_text(placed), "4 partitions by hash of key");
    ck_assert_int_eq(barks_storage_level(both), 0);
    barks_persist(both, .level = BARKS_MEMORY_AND_DISK);
    ck_assert_int_eq(barks_storage_level(both), BARKS_MEMORY_AND_DISK);
    ck_assert_uint_eq(barks_parent_count(both), 2);
    ck_assert_ptr_eq(barks_parent(both, 1), source);
    ck_assert_int_eq(barks_count(both), 10000);
    barks_unpersist(both);
    ck_assert_int_eq(barks_storage_level(both), 0);
    barks_cache(source);
    ck_assert_str_eq(barks_name(source), "pairs");
    ck_assert_uint_eq(barks_parent_count(source), 0);
    ck_assert_ptr_null(barks_partitioning_text(barks_select(source, "none")));
}

BARKS_FLAT_MAP(three_times, key_n, key_n)
{
    for (int64_t i = 0; i < 3; i++)
        emit(.key = in->key, .n = in->n);
}
BARKS_FILTER(is_small, key_n) { return in->n < 100; }

/* That a line has both. */
static void check_line(const char *text, const char *step, const char *wanted)
{
    char line[512] = "";
    const char *found = strstr(text, step);
    ck_assert_msg(found != NULL, "'%s' is not in '%s'", step, text);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(found, "\n"), found);
    ck_assert_msg(strstr(line, wanted) != NULL, "'%s' is not in '%s'", wanted, line);
}

SHAPES(explain_tells_the_rows_of_the_last_action)
{
    barks_rdd *small = barks_filter(pairs_of(context, 6), is_small, NULL);
    barks_rdd *more = barks_flat_map(small, three_times, NULL);
    barks_rdd *both = barks_union(more, small);
    barks_rdd *sums = barks_reduce_by_key(both, "key", add_n, .partitions = 3);
    ck_assert_ptr_null(strstr(barks_explain(sums), "last time"));
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(barks_count(barks_sort_by(sums, "n desc")), 7);
        const char *text = barks_explain(sums);
        check_line(text, "filter 'is_small'", ", 200 rows last time"); /* it is computed twice */
        check_line(text, "flat_map 'three_times'", ", 300 rows last time");
        check_line(text, "union", ", 400 rows last time in ");
        check_line(text, "union", " s of tasks, at ");
        check_line(text, "combine 'add_n'", ", 7 rows last time");
    }
    ck_assert_int_eq(barks_count(small), 100);
    check_line(barks_explain(sums), "filter 'is_small'", ", 100 rows last time in ");
    check_line(barks_explain(sums), "union", ", 400 rows last time in ");
}

SHAPES(what_is_not_the_same_again_is_told)
{
    barks_rdd *source = pairs_of(context, 3);
    barks_rdd *shaken =
        barks_set_determinism(barks_with_columns(source, next_n, NULL), BARKS_UNORDERED);
    barks_rdd *asked =
        barks_set_determinism(barks_with_columns(source, next_n, NULL), BARKS_INDETERMINATE);
    ck_assert_int_eq(barks_determinism(source), BARKS_DETERMINATE);
    ck_assert_int_eq(barks_determinism(barks_sort_by(source, "n")), BARKS_DETERMINATE);
    ck_assert_int_eq(barks_determinism(shaken), BARKS_UNORDERED);
    ck_assert_int_eq(barks_determinism(barks_filter(shaken, every_row, NULL)), BARKS_UNORDERED);
    ck_assert_int_eq(barks_determinism(barks_reduce_by_key(shaken, "key", add_n)), BARKS_UNORDERED);
    ck_assert_int_eq(barks_determinism(barks_repartition(shaken, 5)), BARKS_INDETERMINATE);
    ck_assert_int_eq(barks_determinism(barks_zip_with_unique_id(shaken, "at")),
                     BARKS_INDETERMINATE);
    ck_assert_int_eq(barks_determinism(barks_distinct_by(shaken, "key")), BARKS_INDETERMINATE);
    ck_assert_int_eq(barks_determinism(asked), BARKS_INDETERMINATE);
    barks_rdd *joined = barks_join(source, barks_rename(asked, "n as m"), "key");
    ck_assert_int_eq(barks_determinism(joined), BARKS_INDETERMINATE);
    ck_assert_ptr_nonnull(strstr(barks_explain(shaken), ", unordered, at "));
    ck_assert_ptr_nonnull(strstr(barks_explain(joined), ", indeterminate, at "));
    ck_assert_ptr_null(strstr(barks_explain(source), "determinate"));
    barks_cache(asked);
    ck_assert_int_eq(barks_determinism(asked), BARKS_INDETERMINATE);
    ck_assert_int_eq(barks_count(barks_set_determinism(barks_drop(source, "n"), 3)), -1);
    expect_error(context, "there is no determinism 3");
}

SUITE_MAIN("rdd/columns", ON_SHAPES(columns_are_added_and_replaced),
           ON_SHAPES(keys_that_stay_keep_their_place), ON_SHAPES(unknown_fields_name_the_nearest),
           ON_SHAPES(filters_of_batches_keep_what_they_say),
           ON_SHAPES(batches_have_the_rows_that_are_asked_for),
           ON_SHAPES(batches_read_and_write_every_type),
           ON_SHAPES(a_column_with_nulls_is_no_field_that_is_always_there),
           ON_SHAPES(a_null_in_a_file_is_told_with_file_row_and_field),
           ON_SHAPES(a_dataset_tells_what_it_is),
           ON_SHAPES(explain_tells_the_rows_of_the_last_action),
           ON_SHAPES(what_is_not_the_same_again_is_told))
