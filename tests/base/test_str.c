#include "barks/str.h"
#include "base/scope.h"
#include "support/guarded.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static barks_str of(const char *text) { return barks_str_of(text, strlen(text)); }

static bool is(barks_str text, const char *expected) { return barks_str_equal(text, of(expected)); }

static int sign(int number) { return (number > 0) - (number < 0); }

START_TEST(views_compare_as_their_bytes)
{
    uint64_t seed = property_seed(), random = seed;
    for (int step = 0; step < 20000; step++) {
        char a[40], b[40];
        size_t a_length = property_next(&random) % sizeof a,
               b_length = property_next(&random) % sizeof b;
        /* Mostly equal bytes, so that they differ late. */
        for (size_t i = 0; i < sizeof a; i++) {
            a[i] =
                (char)(property_next(&random) % 16 == 0 ? 0x80 + property_next(&random) % 4 : 'x');
            b[i] = property_next(&random) % 16 == 0 ? 'x' : a[i];
        }
        size_t common = a_length < b_length ? a_length : b_length;
        int order = memcmp(a, b, common);
        order = order != 0 ? order : (a_length > b_length) - (a_length < b_length);
        barks_str left = barks_str_of(a, a_length), right = barks_str_of(b, b_length);
        bool starts = b_length <= a_length && memcmp(a, b, b_length) == 0;
        bool ends = b_length <= a_length && memcmp(a + a_length - b_length, b, b_length) == 0;
        if (sign(barks_str_compare(left, right)) != sign(order) ||
            barks_str_equal(left, right) != (order == 0) ||
            barks_str_starts_with(left, right) != starts ||
            barks_str_ends_with(left, right) != ends)
            ck_abort_msg("step %d; seed %" PRIu64, step, seed);
    }
}
END_TEST

START_TEST(slices_are_cut_at_the_end)
{
    barks_str longer = BARKS_STR_LITERAL("0123456789abcdef");
    ck_assert(is(barks_str_slice(longer, 0, 16), "0123456789abcdef"));
    ck_assert(is(barks_str_slice(longer, 2, 13), "23456789abcde"));
    ck_assert(is(barks_str_slice(longer, 10, SIZE_MAX), "abcdef"));
    ck_assert(is(barks_str_slice(longer, 16, 1), ""));
    ck_assert(is(barks_str_slice(longer, SIZE_MAX, SIZE_MAX), ""));
    ck_assert(is(barks_str_slice(BARKS_STR_LITERAL("short"), 1, 3), "hor"));
}
END_TEST

START_TEST(trim_takes_white_space_only)
{
    ck_assert(is(barks_str_trim(of(" \t\n\v\f\r a b \r\n")), "a b"));
    ck_assert(
        is(barks_str_trim(of("    a text of more than twelve    ")), "a text of more than twelve"));
    ck_assert(is(barks_str_trim(of("   ")), ""));
    ck_assert(is(barks_str_trim(of("")), ""));
    ck_assert(is(barks_str_trim(barks_str_of("\0a\0", 3)), "\0") == false);
    ck_assert_uint_eq(barks_str_trim(barks_str_of("\0a\0", 3)).length, 3);
}
END_TEST

START_TEST(find_is_where_memmem_finds_it)
{
    uint64_t seed = property_seed(), random = seed;
    BARKS_AUTO(guarded) guarded = guarded_create(1);
    for (int step = 0; step < 50000; step++) {
        size_t length = property_next(&random) % 120, needle_length = property_next(&random) % 20;
        size_t letters = 1 + property_next(&random) % 3;
        char needle[20];
        char *text = property_next(&random) % 2 == 0 ? guarded.bytes
                                                     : guarded.bytes + guarded.size_bytes - length;
        for (size_t i = 0; i < length; i++)
            text[i] = (char)('a' + property_next(&random) % letters);
        for (size_t i = 0; i < needle_length; i++)
            needle[i] = (char)('a' + property_next(&random) % letters);
        const char *found = memmem(text, length, needle, needle_length);
        int64_t expected = found != NULL ? found - text : -1;
        if (barks_str_find(barks_str_of(text, length), barks_str_of(needle, needle_length)) !=
            expected)
            ck_abort_msg("step %d; seed %" PRIu64, step, seed);
    }
}
END_TEST

/* A text made against the filter by first and last byte is searched in linear time all the same. */
START_TEST(find_is_linear_in_the_worst_case)
{
    enum { TEXT_BYTES = 8 << 20, NEEDLE_BYTES = 1 << 20 };
    char *text = malloc(TEXT_BYTES), *needle = malloc(NEEDLE_BYTES);
    ck_assert(text != NULL && needle != NULL);
    memset(text, 'a', TEXT_BYTES);
    memset(needle, 'a', NEEDLE_BYTES);
    needle[NEEDLE_BYTES / 2] = 'b';
    ck_assert_int_eq(
        barks_str_find(barks_str_of(text, TEXT_BYTES), barks_str_of(needle, NEEDLE_BYTES)), -1);
    free(text);
    free(needle);
}
END_TEST

START_TEST(pieces_stand_between_separators)
{
    static const struct {
        const char *text, *pieces[5];
    } cases[] = {
        {"", {""}},
        {",", {"", ""}},
        {"a", {"a"}},
        {"a,,b", {"a", "", "b"}},
        {",a piece of more than twelve bytes,", {"", "a piece of more than twelve bytes", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        barks_str piece;
        size_t count = 0;
        barks_pieces pieces = barks_pieces_of(of(cases[i].text), ',');
        for (; barks_next_piece(&pieces, &piece); count++) {
            ck_assert_msg(cases[i].pieces[count] != NULL, "'%s'", cases[i].text);
            ck_assert_msg(is(piece, cases[i].pieces[count]), "'%s'", cases[i].text);
        }
        ck_assert_ptr_null(cases[i].pieces[count]);
    }
}
END_TEST

START_TEST(whole_numbers_are_read_strictly)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      " 1",
                                      "1 ",
                                      "1_0",
                                      "0x1",
                                      "1.0",
                                      "--1",
                                      "+-1",
                                      "1e3",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999",
                                      "\xd9\xa1"};
    static const struct {
        const char *text;
        int64_t number;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+7", 7},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN},
                {"0000000000000000000000000000012", 12}};
    int64_t number = 4711;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!barks_str_to_i64(of(bad[i]), &number) && number == 4711, "'%s'", bad[i]);
    ck_assert(!barks_str_to_i64(barks_str_of("1\0", 2), &number));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(barks_str_to_i64(of(good[i].text), &number), "'%s'", good[i].text);
        ck_assert_int_eq(number, good[i].number);
    }
}
END_TEST

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

START_TEST(real_numbers_are_read_strictly)
{
    static const char *const bad[] = {"",   "-",   "+",     ".",     " 1",   "1 ",   "0x1",
                                      "1e", "1e+", "1.2.3", "e5",    "1,5",  "infi", "nanx",
                                      "1f", "--1", ".e1",   "1e1.5", "inf ", "+-inf"};
    static const char *const good[] = {"0",
                                       "-0",
                                       "1",
                                       "1.",
                                       ".5",
                                       "-2.5e-3",
                                       "1e22",
                                       "1e23",
                                       "9007199254740993",
                                       "1e-5",
                                       "1E+5",
                                       "1e308",
                                       "2e308",
                                       "1e-400",
                                       "4.9e-324",
                                       "2.4e-324",
                                       "0.1",
                                       "123456789012345678901234567890",
                                       "1e99999999999999999999999",
                                       "-1e-99999999999999999999999",
                                       "0e99999999999",
                                       "179769313486231580793728971405301e276",
                                       "+12.0625"};
    double number = 4711;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!barks_str_to_f64(of(bad[i]), &number) && same_bits(number, 4711), "'%s'",
                      bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(barks_str_to_f64(of(good[i]), &number), "'%s'", good[i]);
        ck_assert_msg(same_bits(number, strtod(good[i], NULL)), "'%s' became %a", good[i], number);
    }
    ck_assert(barks_str_to_f64(of("-Infinity"), &number) && isinf(number) && number < 0);
    ck_assert(barks_str_to_f64(of("NaN"), &number) && isnan(number));
}
END_TEST

/* The nearest double for what printf writes of one, in all lengths: also exactly between two. */
START_TEST(real_numbers_are_rounded_to_the_nearest)
{
    uint64_t seed = property_seed(), random = seed;
    for (int step = 0; step < 20000; step++) {
        static char text[2000];
        uint64_t bits = property_next(&random);
        double written, number = 0;
        memcpy(&written, &bits, sizeof written);
        if (!isfinite(written))
            continue;
        if (step % 2 == 0) /* a decimal that ends */
            written = ldexp((double)(int64_t)bits, -(int)(property_next(&random) % 200));
        snprintf(text, sizeof text, step % 3 == 0 ? "%.*f" : "%.*e",
                 (int)(property_next(&random) % 900), written);
        ck_assert_msg(barks_str_to_f64(of(text), &number), "'%s'; seed %" PRIu64, text, seed);
        ck_assert_msg(same_bits(number, strtod(text, NULL)), "'%s'; seed %" PRIu64, text, seed);
    }
    /* Half between 1 and the next one goes to the even one, but not with one more bit far behind.
     */
    static char half[1500] = "1.00000000000000011102230246251565404236316680908203125";
    double number = 0;
    ck_assert(barks_str_to_f64(of(half), &number) && same_bits(number, 1));
    memset(half + strlen(half), '0', sizeof half - 1 - strlen(half));
    half[sizeof half - 2] = '1';
    ck_assert(barks_str_to_f64(of(half), &number) && same_bits(number, nextafter(1, 2)));
}
END_TEST

START_TEST(printf_takes_views)
{
    char text[64];
    snprintf(text, sizeof text, "<" BARKS_STR_FORMAT "|" BARKS_STR_FORMAT ">",
             BARKS_STR_ARG(of("short")), BARKS_STR_ARG(of("longer than twelve bytes")));
    ck_assert_str_eq(text, "<short|longer than twelve bytes>");
}
END_TEST

SUITE_MAIN("base/str", views_compare_as_their_bytes, slices_are_cut_at_the_end,
           trim_takes_white_space_only, find_is_where_memmem_finds_it,
           find_is_linear_in_the_worst_case, pieces_stand_between_separators,
           whole_numbers_are_read_strictly, real_numbers_are_read_strictly,
           real_numbers_are_rounded_to_the_nearest, printf_takes_views)
