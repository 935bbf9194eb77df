#include "base/clock.h"
#include "base/units.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>

START_TEST(bytes_are_written_for_people)
{
    ck_assert_str_eq(units_bytes(0).text, "0 B");
    ck_assert_str_eq(units_bytes(1023).text, "1023 B");
    ck_assert_str_eq(units_bytes(1024).text, "1.0 KiB");
    ck_assert_str_eq(units_bytes(1536).text, "1.5 KiB");
    ck_assert_str_eq(units_bytes((1 << 20) - 1).text, "1.0 MiB");
    ck_assert_str_eq(units_bytes(UINT64_C(5) << 40).text, "5.0 TiB");
    ck_assert_str_eq(units_bytes(UINT64_MAX).text, "16.0 EiB");
}
END_TEST

START_TEST(durations_are_written_for_people)
{
    ck_assert_str_eq(units_duration(340).text, "340 ns");
    ck_assert_str_eq(units_duration(1500).text, "1.5 us");
    ck_assert_str_eq(units_duration(999949).text, "999.9 us");
    ck_assert_str_eq(units_duration(999999).text, "1.0 ms");
    ck_assert_str_eq(units_duration(12340 * NS_PER_MS).text, "12.3 s");
    ck_assert_str_eq(units_duration(59999 * NS_PER_MS).text, "1 m 00 s");
    ck_assert_str_eq(units_duration(125 * NS_PER_S).text, "2 m 05 s");
    ck_assert_str_eq(units_duration(3599999 * NS_PER_MS).text, "1 h 00 m");
    ck_assert_str_eq(units_duration(UINT64_MAX).text, "5124095 h 34 m");
}
END_TEST

START_TEST(bytes_are_read)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"17", 17},
        {"4k", 4096},
        {"4K", 4096},
        {"32m", 32 << 20},
        {"32MB", 32 << 20},
        {"1gib", 1 << 30},
        {"1 GiB", 1 << 30},
        {"17b", 17},
        {"2t", UINT64_C(2) << 40},
        {"18446744073709551615", UINT64_MAX},
    };
    static const char *const bad[] = {"",
                                      "k",
                                      "-1",
                                      "1.5g",
                                      "4kk",
                                      "4 k k",
                                      "4ib",
                                      "+4k",
                                      " 4",
                                      "4x",
                                      "18446744073709551616",
                                      "16777216t"};
    uint64_t bytes = 0;
    for (size_t index = 0; index < sizeof good / sizeof *good; index++) {
        ck_assert_msg(units_parse_bytes(good[index].text, &bytes), "%s", good[index].text);
        ck_assert_uint_eq(bytes, good[index].bytes);
    }
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++)
        ck_assert_msg(!units_parse_bytes(bad[index], &bytes), "%s", bad[index]);
}
END_TEST

START_TEST(durations_are_read)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"0", 0},
                {"5ns", 5},
                {"7us", 7 * NS_PER_US},
                {"250ms", 250 * NS_PER_MS},
                {"8s", 8 * NS_PER_S},
                {"2m", 120 * NS_PER_S},
                {"1h", 3600 * NS_PER_S},
                {"7d", 7 * 86400 * NS_PER_S},
                {"10 s", 10 * NS_PER_S}};
    static const char *const bad[] = {"", "5", "s", "5 ", "1.5s", "-1s", "5S", "9999999999999h"};
    uint64_t ns = 0;
    for (size_t index = 0; index < sizeof good / sizeof *good; index++) {
        ck_assert_msg(units_parse_duration(good[index].text, &ns), "%s", good[index].text);
        ck_assert_uint_eq(ns, good[index].ns);
    }
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++)
        ck_assert_msg(!units_parse_duration(bad[index], &ns), "%s", bad[index]);
}
END_TEST

START_TEST(exact_texts_are_read_back)
{
    uint64_t seed = property_seed();
    uint64_t random = seed;
    ck_assert_str_eq(units_exact_bytes(32 << 20).text, "32m");
    ck_assert_str_eq(units_exact_bytes(0).text, "0");
    ck_assert_str_eq(units_exact_duration(1500 * NS_PER_MS).text, "1500ms");
    for (int step = 0; step < 2000; step++) {
        uint64_t value = property_next(&random) >> property_next(&random) % 64;
        value <<= property_next(&random) % 64;
        uint64_t bytes = ~value;
        uint64_t ns = ~value;
        ck_assert(units_parse_bytes(units_exact_bytes(value).text, &bytes));
        ck_assert(units_parse_duration(units_exact_duration(value).text, &ns));
        ck_assert_msg(bytes == value && ns == value, "%" PRIu64 "; seed %" PRIu64, value, seed);
    }
}
END_TEST

SUITE_MAIN("base/units", bytes_are_written_for_people, durations_are_written_for_people,
           bytes_are_read, durations_are_read, exact_texts_are_read_back)
