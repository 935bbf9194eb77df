#include "io/lines.h"
#include "io/newline.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 4000, SLACK_BYTES = 64 };

/* Bytes of few kinds, so that all of them meet: line ends, carriage returns, their neighbours, high
 * bits. */
static void fill_text(uint64_t *random, uint8_t *text, size_t size_bytes, unsigned kinds)
{
    static const uint8_t bytes[] = {'\n', '\r', 'a', 0x0b, 0x8a, 0x00, 0xff, 0x09, 0x01, 'b'};
    for (size_t i = 0; i < size_bytes; i++)
        text[i] = bytes[property_next(random) % kinds];
}

START_TEST(each_kernel_finds_what_a_loop_finds)
{
    uint64_t seed = property_seed();
    uint64_t random = seed;
    static uint8_t text[TEXT_BYTES + SLACK_BYTES];
    for (int step = 0; step < 2000; step++) {
        fill_text(&random, text, sizeof text, 2 + (unsigned)(property_next(&random) % 9));
        size_t first = property_next(&random) % 100;
        size_t word_count = property_next(&random) % (NEWLINE_WORDS_MAX + 1);
        newline_find_fn *find = NULL;
        const char *name = NULL;
        for (size_t k = 0; (find = newline_kernel(k, &name)) != NULL; k++) {
            uint16_t found[NEWLINE_POSITIONS];
            size_t found_count = find(text + first, word_count, found);
            size_t count = 0;
            bool right = true;
            for (size_t i = 0; i < 64 * word_count; i++)
                if (text[first + i] == '\n')
                    right = right && count < found_count && found[count++] == i;
            REQUIRE(right && count == found_count, "%s, step %d; BARKS_TEST_SEED=%" PRIu64, name,
                    step, seed);
        }
    }
}
END_TEST

START_TEST(there_is_a_kernel_and_the_plain_one_is_the_last)
{
    const char *name = NULL;
    size_t count = 0;
    REQUIRE(newline_best() == newline_kernel(0, &name),
            "newline_best() == newline_kernel(0, &name)");
    while (newline_kernel(count, &name) != NULL)
        count++;
    ck_assert_uint_ge(count, 1);
    ck_assert_str_eq(name, "plain");
}
END_TEST

/* The dumbest way: one byte after the other. Returns the line's begin, moves *at behind its \n;
 * SIZE_MAX: no line. */
static size_t model_line(const uint8_t *text, size_t end, size_t *at, size_t *out_length)
{
    size_t begin = *at;
    for (size_t i = begin; i < end; i++)
        if (text[i] == '\n') {
            *out_length = i - begin;
            if (i > begin && text[i - 1] == '\r')
                *out_length -= 1;
            *at = i + 1;
            return begin;
        }
    return SIZE_MAX;
}

START_TEST(lines_are_those_of_a_loop_however_they_are_asked_for)
{
    uint64_t seed = property_seed();
    uint64_t random = seed;
    static uint8_t text[TEXT_BYTES + SLACK_BYTES];
    static barks_str views[TEXT_BYTES];
    for (int step = 0; step < 1000; step++) {
        size_t end = property_next(&random) % TEXT_BYTES;
        fill_text(&random, text, sizeof text, 2 + (unsigned)(property_next(&random) % 9));
        for (size_t thin = property_next(&random) % 200; thin > 0; thin--) /* some long lines */
            text[property_next(&random) % TEXT_BYTES] = 'x';
        if (property_next(&random) % 2 == 0)
            for (size_t i = 0; i < end; i++)
                if (text[i] == '\n' && property_next(&random) % 16 != 0)
                    text[i] = 'y';
        struct line_cursor cursor = {.bytes = text};
        size_t at = 0;
        bool right = true;
        while (right && cursor.end < end) { /* the text comes in pieces */
            size_t piece = 1 + property_next(&random) % 700;
            cursor.end = cursor.end + piece < end ? cursor.end + piece : end;
            uint32_t view_max = 1 + (uint32_t)(property_next(&random) % 50);
            uint32_t count = 0;
            do {
                count = lines_take(&cursor, newline_best(), views, view_max);
                for (uint32_t i = 0; i < count && right; i++) {
                    size_t length = 0;
                    size_t begin = model_line(text, cursor.end, &at, &length);
                    barks_str wanted = begin != SIZE_MAX
                                           ? barks_str_of((const char *)text + begin, length)
                                           : (barks_str){.length = UINT32_MAX};
                    right = memcmp(&views[i], &wanted, sizeof wanted) == 0;
                }
            } while (right && count == view_max);
            size_t length = 0;
            size_t next = at;
            right = right && model_line(text, cursor.end, &next, &length) == SIZE_MAX &&
                    cursor.line_begin == at && cursor.scanned == cursor.end;
        }
        REQUIRE(right, "step %d; replay with BARKS_TEST_SEED=%" PRIu64, step, seed);
    }
}
END_TEST

SUITE_MAIN("io/lines", each_kernel_finds_what_a_loop_finds,
           there_is_a_kernel_and_the_plain_one_is_the_last,
           lines_are_those_of_a_loop_however_they_are_asked_for)
