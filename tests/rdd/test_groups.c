/* Groups and cogroups against loops over arrays. */
#include "rdd/cases.h"

BARKS_RECORD(plain, (i64, key), (i64, id), (f64, real));
BARKS_RECORD(lists, (i64, key), (list(i64), id), (list(f64), real));
BARKS_RECORD(key_sum, (optional(i64), number), (i64, count), (i64, first), (i64, last),
             (i64, twice));
BARKS_RECORD(sides_sum, (i64, key), (i64, a_count), (i64, b_count), (i64, c_count), (i64, sum));
BARKS_RECORD(partition_counts, (i64, a_count), (i64, b_count));
BARKS_RECORD(words, (i64, key), (list(str), word));
BARKS_RECORD(word, (i64, key), (str, word));

BARKS_MAP(make_plain, case_row, plain)
{
    out->key = in->key;
    out->id = in->id;
    out->real = in->real;
}

/* Values of a key in order of the ids, which are the positions in the array. */
static void check_lists(const struct cases *cases, const struct lists *rows, int64_t count)
{
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t place = 0;
        for (uint32_t k = 0; k < cases->count; k++) {
            if (cases->rows[k].key != rows[i].key)
                continue;
            ck_assert_uint_lt(place, rows[i].id.count);
            ck_assert_int_eq(rows[i].id.items[place], k);
            ck_assert(memcmp(&rows[i].real.items[place], &cases->rows[k].real, sizeof(double)) ==
                      0);
            place++;
        }
        ck_assert_uint_eq(place, rows[i].id.count);
        ck_assert_uint_eq(place, rows[i].real.count);
        total += place;
    }
    ck_assert_int_eq(total, cases->count);
}

SHAPES(group_by_key_lists_values_in_order)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = 0;
        barks_rdd *rdd = barks_map(cases_dataset(context, &cases), make_plain, NULL);
        struct lists *rows = barks_collect(
            barks_group_by_key(rdd, "key", .partitions = run % 2 == 0 ? 0 : 3), lists, &count);
        ck_assert_ptr_nonnull(rows);
        check_lists(&cases, rows, count);
        barks_release(context, rows);
        cases_drop(&cases);
    }
}

SHAPES(lists_hold_long_strings)
{
    enum { ROWS = 300 };
    static struct word given[ROWS];
    static char text[100];
    memset(text, 'w', sizeof text);
    for (int i = 0; i < ROWS; i++)
        given[i] = (struct word){.key = i % 7, .word = barks_str_of(text, (size_t)(i % 100))};
    int64_t count = 0;
    struct words *rows = barks_collect(
        barks_group_by_key(barks_parallelize(context, word, given, ROWS, 5), "key"), words, &count);
    ck_assert_int_eq(count, 7);
    for (int64_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < rows[i].word.count; k++) {
            uint32_t given_row = (uint32_t)rows[i].key + 7 * k;
            ck_assert(barks_str_compare(rows[i].word.items[k], given[given_row].word) == 0);
        }
}

/* Rows come by descending id; reads them twice. */
BARKS_GROUP(sum_group, case_row, key_sum)
{
    struct case_row row;
    struct key_sum sum = {0};
    while (barks_next_row(rows, &row)) {
        if (sum.count++ == 0)
            sum.first = row.id;
        sum.last = row.id;
        sum.number = row.number;
        sum.twice += row.id;
    }
    if (barks_has_rows(rows))
        fail("rows after the last one");
    barks_rewind_rows(rows);
    while (barks_next_row(rows, &row))
        sum.twice += row.id;
    emit(.number = sum.number, .count = sum.count, .first = sum.first, .last = sum.last,
         .twice = sum.twice);
}

SHAPES(group_with_streams_rows_in_the_order_asked_for)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = 0, total = 0;
        struct key_sum *rows =
            barks_collect(barks_group_with(cases_dataset(context, &cases), "number", sum_group,
                                           .order = "id desc"),
                          key_sum, &count);
        ck_assert_ptr_nonnull(rows);
        for (int64_t i = 0; i < count; i++) {
            struct key_sum sum = {.first = -1, .last = -1};
            for (uint32_t k = 0; k < cases.count; k++) {
                const struct case_row *row = &cases.rows[k];
                if (row->number.valid != rows[i].number.valid ||
                    (row->number.valid && row->number.value != rows[i].number.value))
                    continue;
                sum.count++;
                sum.first = row->id;
                if (sum.last < 0)
                    sum.last = row->id;
                sum.twice += 2 * row->id;
            }
            ck_assert_int_eq(rows[i].count, sum.count);
            ck_assert_int_eq(rows[i].first, sum.first);
            ck_assert_int_eq(rows[i].last, sum.last);
            ck_assert_int_eq(rows[i].twice, sum.twice);
            total += sum.count;
        }
        ck_assert_int_eq(total, cases.count);
        cases_drop(&cases);
    }
}

BARKS_COGROUP(sum_two, sides_sum, (a, plain), (b, plain))
{
    struct plain row = {0};
    struct sides_sum sum = {0};
    for (; barks_next_row(a, &row); sum.a_count++)
        sum.sum += row.id;
    for (; barks_next_row(b, &row); sum.b_count++)
        sum.sum += 1000 * row.id;
    emit(.key = row.key, .a_count = sum.a_count, .b_count = sum.b_count, .sum = sum.sum);
}

BARKS_COGROUP_ENV(sum_three, int64_t, sides_sum, (a, plain), (b, plain), (c, plain))
{
    struct plain row = {0};
    struct sides_sum sum = {0};
    for (; barks_next_row(c, &row); sum.c_count++)
        sum.sum += *env;
    for (; barks_next_row(a, &row); sum.a_count++)
        sum.sum += row.id;
    for (; barks_next_row(b, &row); sum.b_count++)
        sum.sum += 1000 * row.id;
    emit(.key = row.key, .a_count = sum.a_count, .b_count = sum.b_count, .c_count = sum.c_count,
         .sum = sum.sum);
}

static int64_t count_key(const struct cases *cases, int64_t key, int64_t factor, int64_t *sum)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < cases->count; i++)
        if (cases->rows[i].key == key) {
            count++;
            *sum += factor * cases->rows[i].id;
        }
    return count;
}

SHAPES(cogroups_have_each_key_of_any_side)
{
    uint64_t seed = property_seed();
    const int64_t factor = 7;
    for (int run = 0; run < 4; run++) {
        struct cases a = cases_make(&seed), b = cases_make(&seed);
        int64_t count = 0, rows_seen = 0;
        barks_rdd *a_rdd = barks_map(cases_dataset(context, &a), make_plain, NULL);
        barks_rdd *b_rdd = barks_map(cases_dataset(context, &b), make_plain, NULL);
        barks_rdd *both = run % 2 == 0 ? barks_cogroup(a_rdd, b_rdd, "key", sum_two)
                                       : barks_cogroup3(a_rdd, b_rdd, a_rdd, "key", sum_three,
                                                        .partitions = 4, .env = &factor);
        struct sides_sum *rows = barks_collect(both, sides_sum, &count);
        ck_assert_ptr_nonnull(rows);
        for (int64_t i = 0; i < count; i++) {
            int64_t sum = 0;
            ck_assert_int_eq(rows[i].a_count, count_key(&a, rows[i].key, 1, &sum));
            ck_assert_int_eq(rows[i].b_count, count_key(&b, rows[i].key, 1000, &sum));
            ck_assert_int_eq(rows[i].c_count, run % 2 == 0 ? 0 : rows[i].a_count);
            ck_assert_int_eq(rows[i].sum, sum + 7 * rows[i].c_count);
            rows_seen += rows[i].a_count + rows[i].b_count;
        }
        ck_assert_int_eq(rows_seen, (int64_t)a.count + b.count);
        barks_release(context, rows);
        cases_drop(&a);
        cases_drop(&b);
    }
}

SHAPES(a_cogroup_of_a_dataset_with_itself)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = 0, rows_seen = 0;
        barks_rdd *rdd = barks_map(cases_dataset(context, &cases), make_plain, NULL);
        struct sides_sum *rows =
            barks_collect(barks_cogroup(rdd, rdd, "key", sum_two), sides_sum, &count);
        ck_assert_ptr_nonnull(rows);
        for (int64_t i = 0; i < count; i++) {
            int64_t sum = 0;
            ck_assert_int_eq(rows[i].a_count, count_key(&cases, rows[i].key, 1001, &sum));
            ck_assert_int_eq(rows[i].b_count, rows[i].a_count);
            ck_assert_int_eq(rows[i].sum, sum);
            rows_seen += rows[i].a_count;
        }
        ck_assert_int_eq(rows_seen, cases.count);
        cases_drop(&cases);
    }
}

BARKS_COGROUP(count_partition, partition_counts, (a, plain), (b, plain))
{
    struct plain row;
    int64_t a_count = 0, b_count = 0;
    while (barks_next_row(a, &row))
        a_count++;
    while (barks_next_row(b, &row))
        b_count++;
    emit(.a_count = a_count, .b_count = b_count);
}

SHAPES(zip_partitions_sees_each_partition_once)
{
    enum { ROWS = 5000 };
    struct plain *given = calloc(ROWS, sizeof *given);
    for (int64_t i = 0; i < ROWS; i++)
        given[i] = (struct plain){.key = i % 10, .id = i};
    barks_rdd *wide = barks_parallelize(context, plain, given, ROWS, 7);
    barks_rdd *few = barks_parallelize(context, plain, given, 3, 7);
    /* Partitions of an exchange, numbered anew by a union: they lie elsewhere. */
    barks_rdd *moved = barks_union(barks_parallelize(context, plain, given, 10, 2),
                                   barks_distinct(few, .partitions = 5));
    barks_rdd *cases[] = {few, moved, barks_distinct(wide, .partitions = 7)};
    const int64_t b_rows[] = {3, 13, ROWS};
    for (int i = 0; i < 3; i++) {
        int64_t count = 0, a_count = 0, b_count = 0;
        struct partition_counts *rows =
            barks_collect(barks_zip_partitions(barks_distinct(wide, .partitions = 7), cases[i],
                                               count_partition, NULL),
                          partition_counts, &count);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(count, 7);
        for (int k = 0; k < 7; k++) {
            a_count += rows[k].a_count;
            b_count += rows[k].b_count;
        }
        ck_assert_int_eq(a_count, ROWS);
        ck_assert_int_eq(b_count, b_rows[i]);
    }
    free(given);
}

BARKS_RECORD(id_lists, (list(i64), key), (list(i64), id));

SHAPES(glom_makes_a_row_of_each_partition)
{
    struct plain given[3] = {{1, 10, 0}, {2, 20, 0}, {3, 30, 0}};
    int64_t count = 0, place = 0;
    struct id_lists *rows =
        barks_collect(barks_glom(barks_parallelize(context, plain, given, 3, 5)), id_lists, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, 5);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_uint_eq(rows[i].id.count, rows[i].key.count);
        for (uint32_t k = 0; k < rows[i].id.count; k++, place++) {
            ck_assert_int_eq(rows[i].id.items[k], given[place].id);
            ck_assert_int_eq(rows[i].key.items[k], given[place].key);
        }
    }
    ck_assert_int_eq(place, 3);
}

SHAPES(lists_of_nulls_are_refused)
{
    uint64_t seed = 1;
    struct cases cases = cases_make(&seed);
    char text[512];
    ck_assert_int_eq(barks_count(barks_group_by_key(cases_dataset(context, &cases), "key")), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "'number' may be null"));
    barks_status_free(error);
    cases_drop(&cases);
}

SUITE_MAIN("rdd/groups", ON_SHAPES(group_by_key_lists_values_in_order),
           ON_SHAPES(lists_hold_long_strings),
           ON_SHAPES(group_with_streams_rows_in_the_order_asked_for),
           ON_SHAPES(cogroups_have_each_key_of_any_side),
           ON_SHAPES(a_cogroup_of_a_dataset_with_itself),
           ON_SHAPES(zip_partitions_sees_each_partition_once),
           ON_SHAPES(glom_makes_a_row_of_each_partition), ON_SHAPES(lists_of_nulls_are_refused))
