/* Samples by key and of a fixed number of rows, against counts of the rows that were given. */
#include "rdd/cases.h"

BARKS_RECORD(case_share, (i64, key), (f64, fraction));
BARKS_RECORD(number_share, (f64, fraction), (optional(i64), number), (optional(str), text));
BARKS_RECORD(bare_share, (i64, key), (i64, fraction));
BARKS_RECORD(text_share, (str, key), (f64, fraction));

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

/* The rows of a sample are rows that were given, in their order; *out_counts: of each id. */
static int64_t check_rows(const struct cases *cases, barks_rdd *sample, bool may_repeat,
                          uint32_t *counts)
{
    int64_t count = 0, last = -1;
    struct case_row *rows = barks_collect(sample, case_row, &count);
    ck_assert_ptr_nonnull(rows);
    memset(counts, 0, cases->count * sizeof *counts);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_ge(rows[i].id, last + !may_repeat);
        last = rows[i].id;
        ck_assert_int_lt(last, cases->count);
        const struct case_row *given = &cases->rows[last];
        ck_assert_int_eq(rows[i].key, given->key);
        ck_assert(rows[i].number.valid == given->number.valid &&
                  rows[i].number.value == given->number.value);
        ck_assert(rows[i].text.valid == given->text.valid);
        ck_assert(barks_str_equal(rows[i].text.value, given->text.value));
        counts[last]++;
    }
    return count;
}

/* A fraction for each key that occurs, and for one that does not; now and then none. */
struct shares {
    struct case_share *shares; /* owned */
    size_t count;
};

static struct shares make_shares(const struct cases *cases, uint64_t *seed, double most)
{
    struct shares made = {.shares = calloc(cases->count + (size_t)1, sizeof *made.shares)};
    for (uint32_t i = 0; i < cases->count; i++) {
        bool is_new = true;
        for (size_t k = 0; is_new && k < made.count; k++)
            is_new = made.shares[k].key != cases->rows[i].key;
        uint64_t choice = property_next(seed);
        if (is_new && choice % 5 != 0)
            made.shares[made.count++] = (struct case_share){
                cases->rows[i].key, choice % 5 == 1   ? 0
                                    : choice % 5 == 2 ? most
                                                      : most * (double)(choice % 997) / 1000};
    }
    made.shares[made.count++] = (struct case_share){-1, 0.5};
    return made;
}

static double share_of(const struct shares *shares, int64_t key)
{
    for (size_t i = 0; i < shares->count; i++)
        if (shares->shares[i].key == key)
            return shares->shares[i].fraction;
    return 0;
}

SHAPES(exact_samples_have_just_the_fraction_of_each_key)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 6; run++) {
        struct cases cases = cases_make(&seed);
        bool again = run % 2 == 1;
        struct shares shares = make_shares(&cases, &seed, again ? 2.5 : 1);
        uint32_t *counts = calloc(cases.count + (size_t)1, sizeof *counts);
        barks_rdd *rdd = cases_dataset(context, &cases);
        barks_rdd *sample =
            barks_sample_by_key_exact(rdd, "key", case_share, shares.shares, shares.count,
                                      .seed = property_next(&seed), .with_replacement = again);
        int64_t count = check_rows(&cases, sample, again, counts), wanted = 0;
        for (size_t s = 0; s < shares.count; s++) {
            int64_t of_key = 0, drawn = 0;
            for (uint32_t i = 0; i < cases.count; i++) {
                of_key += cases.rows[i].key == shares.shares[s].key;
                drawn += cases.rows[i].key == shares.shares[s].key ? counts[i] : 0;
            }
            int64_t expected = (int64_t)ceil(shares.shares[s].fraction * (double)of_key);
            ck_assert_int_eq(drawn, expected);
            wanted += expected;
        }
        ck_assert_int_eq(count, wanted);
        free(counts);
        free(shares.shares);
        cases_drop(&cases);
    }
}

SHAPES(fractions_of_one_and_none_are_sure)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 6; run++) {
        struct cases cases = cases_make(&seed);
        struct shares shares = make_shares(&cases, &seed, 1);
        uint32_t *counts = calloc(cases.count + (size_t)1, sizeof *counts);
        for (size_t s = 0; s < shares.count; s++)
            shares.shares[s].fraction = shares.shares[s].fraction < 0.5 ? 0 : 1;
        barks_rdd *sample =
            barks_sample_by_key(cases_dataset(context, &cases), "key", case_share, shares.shares,
                                shares.count, .seed = property_next(&seed));
        check_rows(&cases, sample, false, counts);
        for (uint32_t i = 0; i < cases.count; i++)
            ck_assert_uint_eq(counts[i], share_of(&shares, cases.rows[i].key) > 0);
        free(counts);
        free(shares.shares);
        cases_drop(&cases);
    }
}

enum { MANY = 30000 };

static struct cases many_rows(uint32_t partitions)
{
    struct cases cases = {.rows = calloc(MANY, sizeof *cases.rows),
                          .count = MANY,
                          .partitions = partitions,
                          .key_count = 3};
    for (int64_t i = 0; i < MANY; i++)
        cases.rows[i] = (struct case_row){.key = i % 3, .id = i};
    return cases;
}

SHAPES(fractions_by_key_are_about_right)
{
    struct case_share shares[] = {{0, 0.2}, {2, 0.75}}, means[] = {{1, 3.5}, {2, 0.1}};
    struct cases cases = many_rows(7);
    uint32_t *counts = calloc(MANY, sizeof *counts);
    int64_t of_key[3] = {0};
    barks_rdd *rdd = cases_dataset(context, &cases);
    barks_rdd *once = barks_sample_by_key(rdd, "key", case_share, shares, 2, .seed = 5);
    barks_rdd *same = barks_sample_by_key(rdd, "key", case_share, shares, 2, .seed = 5);
    barks_rdd *other = barks_sample_by_key(rdd, "key", case_share, shares, 2, .seed = 6);
    int64_t count = check_rows(&cases, once, false, counts);
    for (uint32_t i = 0; i < MANY; i++)
        of_key[i % 3] += counts[i];
    ck_assert(of_key[0] > 1850 && of_key[0] < 2150 && of_key[1] == 0 && of_key[2] > 7300 &&
              of_key[2] < 7700);
    ck_assert_int_eq(barks_count(barks_intersection(once, same)), count);
    ck_assert_int_lt(barks_count(barks_intersection(once, other)), count * 9 / 10);
    barks_rdd *copies =
        barks_sample_by_key(rdd, "key", case_share, means, 2, .seed = 5, .with_replacement = true);
    check_rows(&cases, copies, true, counts);
    memset(of_key, 0, sizeof of_key);
    for (uint32_t i = 0; i < MANY; i++)
        of_key[i % 3] += counts[i];
    ck_assert(of_key[0] == 0 && of_key[1] > 34300 && of_key[1] < 35700 && of_key[2] > 870 &&
              of_key[2] < 1130);
    free(counts);
    cases_drop(&cases);
}

SHAPES(keys_are_of_several_fields_and_null)
{
    struct case_row rows[40];
    for (int64_t i = 0; i < 40; i++)
        rows[i] = (struct case_row){.id = i,
                                    .number = {i % 2, i % 2 != 0},
                                    .text = {barks_str_of("abcdefghijklmnopqrst", 20), i % 4 < 2}};
    struct number_share shares[] = {
        {.fraction = 0.5}, /* null and null: rows 2, 6, ... */
        {.fraction = 1,
         .number = {1, true},
         .text = {barks_str_of("abcdefghijklmnopqrst", 20), true}},
        {.fraction = 1, .number = {1, true}, .text = {barks_str_of("", 0), true}},
    };
    barks_rdd *rdd = barks_parallelize(context, case_row, rows, 40, 3);
    int64_t count = 0, of_none = 0;
    struct case_row *drawn = barks_collect(
        barks_sample_by_key_exact(rdd, "text, number", number_share, shares, 3), case_row, &count);
    ck_assert_int_eq(count, 15);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(drawn[i].id % 4 == 1 || drawn[i].id % 4 == 2);
        of_none += drawn[i].id % 4 == 2;
    }
    ck_assert_int_eq(of_none, 5);
}

SHAPES(fixed_samples_have_just_so_many_rows)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        uint32_t *counts = calloc(cases.count + (size_t)1, sizeof *counts);
        barks_rdd *rdd = cases_dataset(context, &cases);
        const int64_t wanted[] = {0, 1, cases.count / 2, cases.count, cases.count + 5};
        for (int i = 0; i < 5; i++) {
            barks_rdd *sample = barks_sample_fixed(rdd, wanted[i], property_next(&seed));
            int64_t expected = wanted[i] < cases.count ? wanted[i] : cases.count;
            ck_assert_int_eq(check_rows(&cases, sample, false, counts), expected);
            ck_assert_uint_eq(barks_partition_count(sample), barks_partition_count(rdd));
        }
        free(counts);
        cases_drop(&cases);
    }
    barks_rdd *none = barks_empty(context, case_row);
    struct case_share share = {1, 1};
    ck_assert_int_eq(barks_count(barks_sample_fixed(none, 3, 1)), 0);
    ck_assert_int_eq(barks_count(barks_sample_by_key_exact(none, "key", case_share, &share, 1)), 0);
    ck_assert_int_eq(barks_count(barks_sample_by_key(none, "key", case_share, &share, 0)), 0);
}

/* 300 draws of 4 of 12 rows: each comes about 100 times; eight deviations are 65. */
static void rows_are_as_likely(barks_context *context)
{
    struct cases cases = many_rows(5);
    cases.count = 12;
    uint32_t counts[12], times[12] = {0};
    barks_rdd *rdd = barks_cache(cases_dataset(context, &cases));
    for (uint64_t seed = 1; seed <= 300; seed++) {
        ck_assert_int_eq(check_rows(&cases, barks_sample_fixed(rdd, 4, seed), false, counts), 4);
        for (int i = 0; i < 12; i++)
            times[i] += counts[i];
    }
    for (int i = 0; i < 12; i++)
        ck_assert_msg(times[i] > 35 && times[i] < 165, "row %d came %u times", i, times[i]);
    cases_drop(&cases);
}
START_TEST(each_row_is_as_likely) { run_on(rows_are_as_likely, "2", 0); }
END_TEST

SHAPES(fractions_that_are_wrong_are_errors)
{
    struct cases cases = many_rows(3);
    barks_rdd *rdd = cases_dataset(context, &cases);
    struct case_share more = {1, 1.5}, less = {1, -0.5}, twice[] = {{4, 0.5}, {5, 1}, {4, 0.1}};
    struct bare_share bare = {1, 1};
    struct text_share text = {barks_str_of("1", 1), 1};
    expect_error(context, barks_sample_by_key(rdd, "key", case_share, &more, 1),
                 "a fraction of 1.5 is not in [0, 1]");
    expect_error(
        context,
        barks_sample_by_key_exact(rdd, "key", case_share, &less, 1, .with_replacement = true),
        "a fraction of -0.5 is not in [0, inf)");
    expect_error(context, barks_sample_by_key(rdd, "key", case_share, twice, 3),
                 "fraction 2 has the key of fraction 0; give one for each key");
    expect_error(context, barks_sample_by_key(rdd, "key", bare_share, &bare, 1),
                 "the fractions 'bare_share' have no field (f64, fraction)");
    expect_error(context, barks_sample_by_key(rdd, "key", text_share, &text, 1),
                 "the fractions 'text_share' have no field (i64, key), which is a key of the rows");
    expect_error(context, barks_sample_by_key(rdd, "kez", case_share, &more, 1), "'kez'");
    expect_error(context, barks_sample_fixed(rdd, -2, 1), "the number of rows is -2, below 0");
    cases_drop(&cases);
}

SUITE_MAIN("rdd/samples", ON_SHAPES(exact_samples_have_just_the_fraction_of_each_key),
           ON_SHAPES(fractions_of_one_and_none_are_sure),
           ON_SHAPES(fractions_by_key_are_about_right),
           ON_SHAPES(keys_are_of_several_fields_and_null),
           ON_SHAPES(fixed_samples_have_just_so_many_rows), each_row_is_as_likely,
           ON_SHAPES(fractions_that_are_wrong_are_errors))
