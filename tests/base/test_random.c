#include "base/hash.h"
#include "base/random.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

/* The first outputs for this state, as the authors' program prints them. */
START_TEST(xoshiro_gives_the_published_numbers)
{
    struct random random = {.state = {1, 2, 3, 4}};
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    for (int index = 0; index < 4; index++)
        ck_assert_uint_eq(random_next(&random), expected[index]);
}
END_TEST

START_TEST(same_seed_same_numbers)
{
    struct random one = random_of(7);
    struct random same = random_of(7);
    struct random other = random_of(8);
    ck_assert_uint_ne(random_next(&other), random_next(&one));
    random_next(&same);
    for (int index = 0; index < 100; index++)
        ck_assert_uint_eq(random_next(&one), random_next(&same));
}
END_TEST

START_TEST(ranges_are_uniform_and_kept)
{
    struct random random = random_of(property_seed());
    uint32_t counts[10] = {0};
    for (int index = 0; index < 100000; index++) {
        uint64_t below = random_below(&random, 10);
        double unit = random_unit(&random);
        ck_assert_uint_lt(below, 10);
        ck_assert(unit >= 0 && unit < 1);
        counts[below]++;
    }
    /* 10,000 each with a deviation of 95: ten deviations never happen. */
    for (int bin = 0; bin < 10; bin++)
        ck_assert(counts[bin] > 9000 && counts[bin] < 11000);
}
END_TEST

/* Files and ranks agree on these for ever: partitions and outputs depend on them. */
START_TEST(hashes_are_those_of_xxh3_and_stay_so)
{
    ck_assert_uint_eq(hash_bytes("", 0), UINT64_C(0x2d06800538d394c2));
    ck_assert_uint_eq(hash_bytes_seeded("", 0, 0), hash_bytes("", 0));
    ck_assert_uint_ne(hash_bytes_seeded("word", 4, 1), hash_bytes("word", 4));
    ck_assert_uint_eq(hash_bytes_seeded("word", 4, 0), hash_bytes("word", 4));
}
END_TEST

/* One flipped bit of the input flips about half of the output. */
START_TEST(mixer_spreads_every_bit)
{
    uint64_t random = property_seed();
    for (int bit = 0; bit < 64; bit++) {
        int flipped = 0;
        for (int step = 0; step < 200; step++) {
            uint64_t value = property_next(&random);
            flipped += __builtin_popcountll(hash_u64(value) ^ hash_u64(value ^ UINT64_C(1) << bit));
        }
        ck_assert_int_gt(flipped, 200 * 29);
        ck_assert_int_lt(flipped, 200 * 35);
    }
    ck_assert_uint_ne(hash_combine(hash_combine(0, 1), 2), hash_combine(hash_combine(0, 2), 1));
    ck_assert_uint_ne(hash_combine(1, 2), hash_combine(2, 1));
}
END_TEST

SUITE_MAIN("base/random", xoshiro_gives_the_published_numbers, same_seed_same_numbers,
           ranges_are_uniform_and_kept, hashes_are_those_of_xxh3_and_stay_so,
           mixer_spreads_every_bit)
