/* Windows and running values against loops over an array. */
#include "rdd/cases.h"

BARKS_RECORD(placed, (i64, id));
BARKS_RECORD(window_row, (i64, number), (i64, rows), (i64, first), (i64, last), (i64, again),
             (str, text));

BARKS_GROUP(to_window, case_row, window_row, int64_t)
{
    struct case_row row;
    struct window_row window = {.number = barks_task()->index};
    while (barks_next_row(rows, &row)) {
        if (window.rows++ == 0)
            window.first = row.id;
        if (row.text.valid)
            window.text = row.text.value;
        window.last = row.id;
    }
    barks_rewind_rows(rows);
    while (barks_next_row(rows, &row))
        window.again += row.id * *env;
    emit(.number = window.number, .rows = window.rows, .first = window.first, .last = window.last,
         .again = window.again, .text = window.text);
}

/* Uneven partitions, some of them empty, in the order of the ids. */
static barks_rdd *uneven(barks_context *context, const struct cases *cases, uint64_t *seed)
{
    barks_rdd *parts[6];
    uint32_t first = 0;
    for (int i = 0; i < 6; i++) {
        uint32_t left = cases->count - first;
        uint64_t most = property_next(seed) % 2 == 0 ? 4 : left;
        uint32_t count = i == 5 ? left : (uint32_t)(property_next(seed) % (most + 1));
        count = count < left ? count : left;
        parts[i] = barks_parallelize(context, case_row, cases->rows + first, count,
                                     1 + (uint32_t)(property_next(seed) % 5));
        first += count;
    }
    return barks_union_all(parts, 6);
}

static void expect_window(const struct cases *cases, const struct window_row *got, uint64_t begin,
                          uint64_t end, uint64_t step, int64_t factor)
{
    int64_t again = 0;
    barks_str text = {0};
    for (uint64_t i = begin; i < end; i++) {
        again += (int64_t)i * factor;
        if (cases->rows[i].text.valid)
            text = cases->rows[i].text.value;
    }
    ck_assert_int_eq(got->number, (int64_t)(begin / step));
    ck_assert_int_eq(got->rows, (int64_t)(end - begin));
    ck_assert_int_eq(got->first, (int64_t)begin);
    ck_assert_int_eq(got->last, (int64_t)end - 1);
    ck_assert_int_eq(got->again, again);
    ck_assert(barks_str_compare(got->text, text) == 0);
}

static void expect_windows(barks_context *context, barks_rdd *rdd, const struct cases *cases,
                           uint64_t width, uint64_t step, bool partial)
{
    const int64_t factor = 3;
    int64_t count = 0, at = 0;
    struct window_row *rows = barks_collect(
        barks_windows(rdd, width, step, to_window, .env = &factor, .partial = partial), window_row,
        &count);
    ck_assert_ptr_nonnull(rows);
    uint64_t seen = 0, row_count = cases->count;
    for (uint64_t begin = 0; begin < row_count; begin += step) {
        uint64_t end = begin + width < row_count ? begin + width : row_count;
        bool is_whole = end - begin == width;
        if (!is_whole && (!partial || seen == row_count))
            continue;
        ck_assert_int_lt(at, count);
        expect_window(cases, &rows[at++], begin, end, step, factor);
        seen = end;
    }
    ck_assert_int_eq(at, count);
    barks_release(context, rows);
}

SHAPES(windows_are_those_of_a_loop)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 8; run++) {
        struct cases cases = cases_make(&seed);
        const uint64_t widths[] = {1, 2, 3, 7, 100, 1500, cases.count, cases.count + 1};
        uint64_t width = widths[property_next(&seed) % 8];
        const uint64_t steps[] = {1, 2, width, width + 3, 1 + property_next(&seed) % (width + 1)};
        uint64_t step = steps[property_next(&seed) % 5];
        width = width > 0 ? width : 1;
        step = step > 0 ? step : 1;
        if (width > 200 && step < 20)
            step += 100;
        barks_rdd *rdd = uneven(context, &cases, &seed);
        if (run % 4 == 3)
            rdd = barks_sort_by(rdd, "id", .partitions = 6);
        if (run % 4 == 2)
            rdd = cases_dataset(context, &cases);
        expect_windows(context, rdd, &cases, width, step, true);
        expect_windows(context, rdd, &cases, width, step, false);
        cases_drop(&cases);
    }
}

SHAPES(windows_reach_over_many_short_partitions)
{
    enum { ROWS = 60 };
    struct case_row given[ROWS] = {0};
    for (int i = 0; i < ROWS; i++)
        given[i].id = i;
    struct cases cases = {.rows = given, .count = ROWS, .partitions = 50};
    barks_rdd *rdd = cases_dataset(context, &cases);
    expect_windows(context, rdd, &cases, 17, 1, true);
    expect_windows(context, rdd, &cases, 17, 17, true);
    expect_windows(context, rdd, &cases, 2, 30, false);
    expect_windows(context, rdd, &cases, 1000, 1, true);
    expect_windows(context, rdd, &cases, 1000, 1, false);
    expect_windows(context, barks_sort_by(rdd, "id", .partitions = 40), &cases, 9, 2, true);
    expect_windows(context, barks_coalesce(barks_sort_by(rdd, "id", .partitions = 40), 7), &cases,
                   9, 2, true);
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

BARKS_GROUP(to_failure, placed, placed)
{
    struct placed row;
    while (barks_next_row(rows, &row))
        if (row.id == 7)
            fail("no row %d, please", 7);
}

SHAPES(mistakes_in_windows_are_told)
{
    struct case_row given[10] = {0};
    for (int i = 0; i < 10; i++)
        given[i].id = i;
    const int64_t env = 1;
    barks_rdd *rdd = barks_parallelize(context, case_row, given, 10, 3);
    expect_error(context, barks_windows(rdd, 0, 1, to_window, .env = &env),
                 "windows of 0 rows every 1 rows");
    expect_error(context, barks_windows(rdd, 1, 0, to_window, .env = &env),
                 "windows of 1 rows every 0 rows");
    expect_error(context, barks_windows(rdd, UINT32_MAX, 1, to_window, .env = &env), "below 2^31");
    expect_error(context, barks_windows(rdd, 2, 1, to_window), "'to_window' wants an env");
    expect_error(context, barks_windows(barks_select(rdd, "id"), 2, 1, to_window, .env = &env),
                 "to_window");
    expect_error(context, barks_windows(rdd, 3, 1, to_failure), "no row 7, please");
    ck_assert_int_eq(barks_count(barks_windows(barks_empty(context, case_row), 2, 1, to_window,
                                               .env = &env, .partial = true)),
                     0);
}

BARKS_RECORD(number, (i64, value));
BARKS_GROUP(count_numbers, number, number)
{
    struct number row;
    int64_t count = 0;
    while (barks_next_row(rows, &row))
        count++;
    emit(.value = count);
}

/* 96 MB each, which is more than a share. */
SHAPES(large_windows_are_read_from_disk)
{
    int64_t count = 0;
    barks_rdd *numbers = barks_range(context, 0, 15000000, 1, 1);
    struct number *counts =
        barks_collect(barks_windows(numbers, 12000000, 3000000, count_numbers), number, &count);
    ck_assert_int_eq(count, 2);
    ck_assert(counts[0].value == 12000000 && counts[1].value == 12000000);
}

/* ---- running values ---- */

BARKS_RECORD(running, (i64, key), (optional(str), text));
BARKS_REDUCE(sum_up, running, int64_t)
{
    acc->key += in->key;
    if (in->text.valid)
        acc->text = in->text;
    if (*env == 0)
        fail("an env of 0");
}

static void expect_scan(barks_context *context, barks_rdd *rdd, const struct cases *cases,
                        bool exclusive, const struct running *initial)
{
    const int64_t env = 1;
    int64_t count = 0;
    struct case_row *rows = barks_collect(
        barks_scan(rdd, sum_up, .env = &env, .exclusive = exclusive, .initial = initial), case_row,
        &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, cases->count);
    uint64_t key = initial != NULL ? (uint64_t)initial->key : 0;
    barks_str text = initial != NULL ? initial->text.value : (barks_str){0};
    bool has_text = initial != NULL && initial->text.valid;
    for (int64_t i = 0; i < count; i++) {
        const struct case_row *row = &cases->rows[i];
        const uint64_t key_before = key;
        const barks_str text_before = text;
        const bool had_text = has_text;
        key += (uint64_t)row->key;
        if (row->text.valid) {
            text = row->text.value;
            has_text = true;
        }
        ck_assert_int_eq(rows[i].id, i);
        ck_assert_int_eq(rows[i].number.valid, row->number.valid);
        ck_assert_int_eq(rows[i].number.value, row->number.value);
        ck_assert_int_eq(rows[i].key, (int64_t)(exclusive ? key_before : key));
        ck_assert_int_eq(rows[i].text.valid, exclusive ? had_text : has_text);
        if (rows[i].text.valid)
            ck_assert(barks_str_compare(rows[i].text.value, exclusive ? text_before : text) == 0);
    }
    barks_release(context, rows);
}

SHAPES(scans_are_those_of_a_loop)
{
    uint64_t seed = property_seed();
    static const char words[] = "a first value that is longer than a view holds";
    const struct running initial = {
        .key = 5, .text = {.value = barks_str_of(words, sizeof words - 1), .valid = true}};
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        for (uint32_t i = 0; i < cases.count; i++)
            cases.rows[i].key &= 0xffffff;
        barks_rdd *rdd = uneven(context, &cases, &seed);
        if (run % 2 == 1)
            rdd = barks_sort_by(rdd, "id", .partitions = 5);
        expect_scan(context, rdd, &cases, false, NULL);
        expect_scan(context, rdd, &cases, true, NULL);
        expect_scan(context, rdd, &cases, false, &initial);
        expect_scan(context, rdd, &cases, true, &initial);
        expect_scan(context, barks_rebalance(rdd, 1), &cases, false, NULL);
        cases_drop(&cases);
    }
}

SHAPES(mistakes_in_scans_are_told)
{
    struct case_row given[10] = {0};
    const int64_t zero = 0;
    barks_rdd *rdd = barks_parallelize(context, case_row, given, 10, 3);
    expect_error(context, barks_scan(rdd, sum_up, .env = &zero), "an env of 0");
    expect_error(context, barks_scan(rdd, sum_up), "'sum_up' wants an env");
    expect_error(context, barks_scan(barks_select(rdd, "id"), sum_up, .env = &zero), "'key'");
    ck_assert_int_eq(barks_count(barks_scan(barks_empty(context, case_row), sum_up, .env = &zero)),
                     0);
}

SUITE_MAIN("rdd/windows", ON_SHAPES(windows_are_those_of_a_loop),
           ON_SHAPES(windows_reach_over_many_short_partitions),
           ON_SHAPES(large_windows_are_read_from_disk), ON_SHAPES(mistakes_in_windows_are_told),
           ON_SHAPES(scans_are_those_of_a_loop), ON_SHAPES(mistakes_in_scans_are_told))
