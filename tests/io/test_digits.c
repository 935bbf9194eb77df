#include "io/digits.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SLACK_BYTES = 8 };

/* Digits one by one, as they are read by eye. */
static size_t digits_by_loop(const uint8_t *at, uint64_t *value)
{
    size_t count = 0;
    for (; at[count] >= '0' && at[count] <= '9'; count++)
        *value = 10 * *value + (uint64_t)(at[count] - '0');
    return count;
}

/* A number of up to 20 digits, and behind it any byte that is none, then anything. */
static void make_text(uint64_t *random, uint8_t *text, size_t size_bytes)
{
    size_t count = property_next(random) % 21;
    for (size_t i = 0; i < size_bytes; i++)
        text[i] = i < count ? (uint8_t)('0' + property_next(random) % 10)
                            : (uint8_t)property_next(random);
    if (text[count] >= '0' && text[count] <= '9')
        text[count] = (uint8_t)(text[count] + (property_next(random) % 2 == 0 ? 10 : 0x80));
}

START_TEST(digits_are_what_a_loop_reads)
{
    uint64_t seed = property_seed(), random = seed;
    for (int step = 0; step < 200000; step++) {
        uint8_t text[21 + SLACK_BYTES];
        make_text(&random, text, sizeof text);
        uint64_t begun = property_next(&random) % 100, expected = begun, value = begun;
        const uint8_t *at = text;
        size_t expected_count = digits_by_loop(text, &expected);
        size_t count = take_digits(&at, &value);
        bool same =
            count == expected_count && at == text + count && (count > 18 || value == expected);
        ck_assert_msg(
            same, "step %d of seed %" PRIu64 ": %zu digits, %" PRIu64 " instead of %zu, %" PRIu64,
            step, seed, count, value, expected_count, expected);
    }
}
END_TEST

/* Every byte that may end a number, wherever in eight bytes it stands. */
START_TEST(every_byte_that_is_no_digit_ends_a_number)
{
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t place = 0; place < 8; place++) {
            uint8_t text[8] = "99999999";
            uint64_t number = 0, expected = 0;
            text[place] = (uint8_t)byte;
            bool is_digit = byte >= '0' && byte <= '9';
            for (size_t i = 0; i < (is_digit ? sizeof text : place); i++)
                expected = 10 * expected + (uint64_t)(text[i] - '0');
            ck_assert_uint_eq(read_digits(text, &number), is_digit ? sizeof text : place);
            ck_assert_uint_eq(number, expected);
        }
}
END_TEST

SUITE_MAIN("io/digits", digits_are_what_a_loop_reads, every_byte_that_is_no_digit_ends_a_number)
