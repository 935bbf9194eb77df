#include "barks/words.h"
#include "base/scope.h"
#include "support/guarded.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>

/* The words of bytes, one byte at a time. */
enum { WORDS_MAX = 1024 };
struct model {
    size_t starts[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    size_t count;
};

static bool model_is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\v' || byte == '\f' ||
           byte == '\r';
}

static void model_words(const char *bytes, size_t length, struct model *model)
{
    model->count = 0;
    for (size_t i = 0; i < length; i++) {
        if (model_is_space(bytes[i]))
            continue;
        if (i == 0 || model_is_space(bytes[i - 1])) {
            model->starts[model->count] = i;
            model->lengths[model->count++] = 0;
        }
        model->lengths[model->count - 1]++;
    }
}

/* A view is right when its bytes are, when a short one is zero behind them, and when a long one
 * points to where the word stands. */
static bool is_view_of(barks_str view, const char *bytes, size_t length)
{
    barks_str expected;
    memset(&expected, 0, sizeof expected);
    expected.length = (uint32_t)length;
    if (length <= BARKS_STR_INLINE) {
        memcpy((char *)&expected + 4, bytes, length);
    } else {
        memcpy(expected.prefix, bytes, 4);
        expected.pointer = bytes;
    }
    return memcmp(&view, &expected, sizeof view) == 0;
}

/* Whether both ways to take the text apart give the model's words. */
static bool has_right_words(const char *bytes, size_t length)
{
    static struct model model;
    size_t count = 0;
    barks_str word;
    model_words(bytes, length, &model);
    barks_str text = barks_str_of(bytes, length);
    bool right = is_view_of(text, bytes, length);

    /* A short text is copied into its view, but so are its words: where they stand never shows. */
    barks_words words = barks_words_of(text);
    for (; right && barks_next_word(&words, &word); count++)
        right = count < model.count &&
                is_view_of(word, bytes + model.starts[count], model.lengths[count]);
    right = right && count == model.count && !barks_next_word(&words, &word);

    barks_str rest = text;
    for (count = 0; right && barks_str_token(&rest, &word); count++)
        right = count < model.count &&
                is_view_of(word, bytes + model.starts[count], model.lengths[count]);
    return right && count == model.count;
}

/* Random texts between pages that cannot be read: at the end, at the start, and across pages. */
START_TEST(words_are_those_of_the_byte_loop_wherever_the_text_stands)
{
    static const char spaces[] = " \t\n\v\f\r";
    static const char others[] = {'\0',   '\x08',     '\x0e',     '\x1f',     '!',       'a',
                                  '\x7f', (char)0x80, (char)0x89, (char)0xa0, (char)0xff};
    uint64_t seed = property_seed(), random = seed;
    BARKS_AUTO(guarded) guarded = guarded_create(2);
    for (int step = 0; step < 10000; step++) {
        size_t length = property_next(&random) % (step % 10 == 0 ? 600 : 90);
        size_t space_weight = property_next(&random) % 8; /* of 8; 0: one word, 7: nearly none */
        size_t place = 0;
        switch (property_next(&random) % 4) {
        case 0:
            place = 0;
            break;
        case 1:
            place = guarded.size_bytes - length;
            break;
        case 2: /* across the border of the two pages */
            place = guarded.size_bytes / 2 - property_next(&random) % (length + 1);
            break;
        default:
            place = property_next(&random) % (guarded.size_bytes - length + 1);
        }
        char *bytes = guarded.bytes + place;
        for (size_t i = 0; i < length; i++)
            bytes[i] = property_next(&random) % 8 < space_weight
                           ? spaces[property_next(&random) % 6]
                           : others[property_next(&random) % sizeof others];
        if (!has_right_words(bytes, length)) /* an assertion for each step would take longer */
            ck_abort_msg("%zu bytes in step %d; seed %" PRIu64, length, step, seed);
    }
}
END_TEST

/* Every length of word and of text around the sizes at which the code changes. */
START_TEST(words_of_every_length_up_to_four_blocks)
{
    BARKS_AUTO(guarded) guarded = guarded_create(1);
    for (size_t length = 0; length <= 260; length++)
        for (size_t at = 0; at <= length; at++) {
            char *bytes = guarded.bytes + guarded.size_bytes - length;
            memset(bytes, 'x', length);
            if (at < length)
                bytes[at] = ' ';
            if (!has_right_words(bytes, length))
                ck_abort_msg("%zu bytes with a space at %zu", length, at);
        }
}
END_TEST

START_TEST(all_bytes_but_six_are_bytes_of_words)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'a', (char)byte, 'b'};
        ck_assert_msg(has_right_words(text, sizeof text), "byte %d", byte);
        ck_assert(barks_is_space((char)byte) == model_is_space((char)byte));
    }
}
END_TEST

START_TEST(words_of_an_expression_are_fine)
{
    barks_str word;
    barks_words words = barks_words_of(barks_str_slice(BARKS_STR_LITERAL("one two three"), 4, 9));
    ck_assert(barks_next_word(&words, &word));
    ck_assert(barks_str_equal(word, BARKS_STR_LITERAL("two")));
    ck_assert(barks_next_word(&words, &word));
    ck_assert(barks_str_equal(word, BARKS_STR_LITERAL("three")));
    ck_assert(!barks_next_word(&words, &word));
}
END_TEST

SUITE_MAIN("base/words", words_are_those_of_the_byte_loop_wherever_the_text_stands,
           words_of_every_length_up_to_four_blocks, all_bytes_but_six_are_bytes_of_words,
           words_of_an_expression_are_fine)
