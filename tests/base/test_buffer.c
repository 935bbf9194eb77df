#include "base/buffer.h"
#include "base/scope.h"       /* BARKS_AUTO */
#include "support/property.h" /* property_seed, property_next, SUITE_MAIN */

#include <check.h>

#include <inttypes.h>
#include <string.h>

/* Random appends equal the same appends to an array, and fail exactly past the limit. */
START_TEST(append_equals_an_array_up_to_the_limit)
{
    uint64_t seed = property_seed(); /* prints it first, so that a crash replays too */
    uint64_t random = seed;
    uint8_t expected[1000];
    size_t expected_bytes = 0;
    BARKS_AUTO(buffer) buffer = {.limit_bytes = sizeof expected};
    for (int step = 0; step < 200; step++) {
        uint64_t piece[4] = {property_next(&random), property_next(&random)};
        size_t piece_bytes = property_next(&random) % (sizeof piece + 1);
        bool fits = expected_bytes + piece_bytes <= sizeof expected;
        barks_status *status = buffer_append(&buffer, piece, piece_bytes);
        memcpy(expected + expected_bytes, piece, fits ? piece_bytes : 0);
        expected_bytes += fits ? piece_bytes : 0;
        bool right = (status == NULL) == fits && buffer_is_sound(&buffer) &&
                     buffer.size_bytes == expected_bytes &&
                     (expected_bytes == 0 || memcmp(buffer.data, expected, expected_bytes) == 0);
        barks_status_free(status);
        ck_assert_msg(right, "step %d; replay with BARKS_TEST_SEED=%" PRIu64, step, seed);
    }
}
END_TEST

START_TEST(append_whose_size_overflows_is_a_limit_error)
{
    BARKS_AUTO(buffer) buffer = {.limit_bytes = SIZE_MAX};
    ck_assert_ptr_null(buffer_append(&buffer, "ab", 2));
    barks_status *status = buffer_append(&buffer, "ab", SIZE_MAX - 1);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    ck_assert_uint_eq(buffer.size_bytes, 2);
    barks_status_free(status);
}
END_TEST

SUITE_MAIN("base/buffer", append_equals_an_array_up_to_the_limit,
           append_whose_size_overflows_is_a_limit_error)
