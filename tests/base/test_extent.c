#include "base/extent.h"
#include "base/poison.h"
#include "base/scope.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 24 };

struct taken {
    uint8_t *memory;
    size_t bytes;
    uint8_t mark;
};

/* The first and the last byte of each huge page, so that overlaps show and the test stays quick. */
static void fill(const struct taken *taken)
{
    for (size_t offset = 0; offset < taken->bytes; offset += EXTENT_BYTES) {
        taken->memory[offset] = taken->mark;
        taken->memory[offset + EXTENT_BYTES - 1] = taken->mark;
    }
}

static bool is_filled(const struct taken *taken, uint8_t mark)
{
    bool is_right = true;
    for (size_t offset = 0; offset < taken->bytes; offset += EXTENT_BYTES)
        is_right = is_right && taken->memory[offset] == mark &&
                   taken->memory[offset + EXTENT_BYTES - 1] == mark;
    return is_right;
}

/* Random takes and gives: extents are aligned, never overlap, are zero when they say so, and the
 * mapped bytes stay within the wish while it can be met. */
START_TEST(extents_never_overlap_and_keep_to_the_limit)
{
    uint64_t random = property_seed();
    uint64_t mapped_bytes_max = 20 * EXTENT_BYTES;
    struct taken slots[SLOTS] = {0};
    uint64_t taken_bytes = 0;
    BARKS_AUTO(extents) extents = {0};
    for (int step = 0; step < 2000; step++) {
        struct taken *taken = &slots[property_next(&random) % SLOTS];
        if (taken->memory != NULL && property_next(&random) % 3 == 0) {
            struct taken old = *taken;
            void *memory = NULL;
            taken->bytes += (1 + property_next(&random) % 5) * EXTENT_BYTES;
            ck_assert_ptr_null(extents_grow(&extents, old.memory, old.bytes, taken->bytes,
                                            mapped_bytes_max, &memory));
            taken->memory = memory;
            unpoison(memory, taken->bytes);
            struct taken first = {memory, old.bytes, 0};
            struct taken rest = {taken->memory + old.bytes, taken->bytes - old.bytes, 0};
            ck_assert(is_filled(&first, taken->mark));
            ck_assert(is_filled(&rest, 0));
            fill(taken);
            taken_bytes += rest.bytes;
        } else if (taken->memory != NULL) {
            ck_assert(is_filled(taken, taken->mark));
            extents_give(&extents, taken->memory, taken->bytes);
            taken_bytes -= taken->bytes;
            *taken = (struct taken){0};
        } else {
            bool is_zero = false;
            void *memory = NULL;
            taken->bytes = (1 + property_next(&random) % 5) * EXTENT_BYTES;
            taken->mark = (uint8_t)(1 + property_next(&random) % 255);
            ck_assert_ptr_null(
                extents_take(&extents, taken->bytes, mapped_bytes_max, &memory, &is_zero));
            unpoison(memory, taken->bytes);
            taken->memory = memory;
            taken_bytes += taken->bytes;
            ck_assert_uint_eq((uintptr_t)memory % EXTENT_BYTES, 0);
            ck_assert(!is_zero || is_filled(taken, 0));
            fill(taken);
            ck_assert(extents.mapped_bytes <= mapped_bytes_max || !is_zero ||
                      extents.idle_bytes == 0);
        }
        ck_assert(extents_are_sound(&extents));
        ck_assert_uint_eq(extents.mapped_bytes - extents.idle_bytes, taken_bytes);
    }
    for (int slot = 0; slot < SLOTS; slot++) {
        if (slots[slot].memory != NULL)
            extents_give(&extents, slots[slot].memory, slots[slot].bytes);
    }
    ck_assert_uint_eq(extents.idle_bytes, extents.mapped_bytes);
    ck_assert(extents_are_sound(&extents));
}
END_TEST

START_TEST(neighbours_given_back_serve_a_large_request_again)
{
    BARKS_AUTO(extents) extents = {0};
    void *whole = NULL;
    bool is_zero = false;
    ck_assert_ptr_null(extents_take(&extents, 4 * EXTENT_BYTES, UINT64_MAX, &whole, &is_zero));
    ck_assert(is_zero);
    extents_give(&extents, whole, 4 * EXTENT_BYTES);
    void *parts[4] = {0};
    for (int part = 0; part < 4; part++) {
        ck_assert_ptr_null(
            extents_take(&extents, EXTENT_BYTES, UINT64_MAX, &parts[part], &is_zero));
        ck_assert(!is_zero);
    }
    static const int order[] = {2, 0, 3, 1};
    for (int part = 0; part < 4; part++)
        extents_give(&extents, parts[order[part]], EXTENT_BYTES);
    ck_assert_uint_eq(extents.idle_count, 1);
    void *again = NULL;
    ck_assert_ptr_null(extents_take(&extents, 4 * EXTENT_BYTES, UINT64_MAX, &again, &is_zero));
    ck_assert_ptr_eq(again, whole);
    ck_assert_uint_eq(extents.mapped_bytes, 4 * EXTENT_BYTES);
    extents_give(&extents, again, 4 * EXTENT_BYTES);
}
END_TEST

START_TEST(more_than_the_address_space_is_no_memory_and_changes_nothing)
{
    BARKS_AUTO(extents) extents = {0};
    void *memory = NULL;
    bool is_zero = false;
    barks_status *status =
        extents_take(&extents, SIZE_MAX - EXTENT_BYTES + 1, UINT64_MAX, &memory, &is_zero);
    ck_assert_int_eq(barks_status_code(status), BARKS_NO_MEMORY);
    barks_status_free(status);
    ck_assert_uint_eq(extents.mapped_bytes, 0);
    ck_assert_uint_eq(extents.taken_count, 0);
}
END_TEST

SUITE_MAIN("base/extent", extents_never_overlap_and_keep_to_the_limit,
           neighbours_given_back_serve_a_large_request_again,
           more_than_the_address_space_is_no_memory_and_changes_nothing)
