#include "records.h"

#include <stdio.h>

uint64_t observed_count, observed_sum;

BARKS_FLAT_MAP(split_words, line, word_count)
{
    barks_str word;
    barks_words words = barks_words_of(in->text);
    while (barks_next_word(&words, &word))
        emit(.word = word, .count = 1);
}

BARKS_FLAT_MAP(split_tokens, line, word_count)
{
    barks_str word, rest = in->text;
    while (barks_str_token(&rest, &word))
        emit(.word = word, .count = 1);
}

BARKS_REDUCE(add_counts, word_count, struct limits)
{
    if (in->count == env->fail_at)
        fail("count %d", (int)in->count);
    acc->count += in->count;
}

/* Stores strings and lists of every depth in the accumulator. */
BARKS_AGGREGATE(latest_text, everything, everything)
{
    int64_t big = acc->big;
    *acc = *in;
    acc->big = big + in->big;
}

BARKS_FILTER(is_frequent, word_count, struct limits)
{
    if (in->count == env->fail_at)
        fail("count %d", (int)in->count);
    return in->count >= env->count_min;
}

BARKS_MAP(copy_everything, everything, everything) { *out = *in; }

/* Makes strings; leaves early; fails; needs env. */
BARKS_MAP(greet, word_count, line, struct limits)
{
    char text[64];
    if (in->count < env->count_min)
        return; /* an empty row */
    if (in->count == env->fail_at)
        fail("cannot greet '" BARKS_STR_FORMAT "'", BARKS_STR_ARG(in->word));
    int length = snprintf(text, sizeof text, "hello, %.*s", (int)in->word.length,
                          barks_str_bytes(&in->word));
    out->text = barks_str_make(out, text, (size_t)length);
}

BARKS_FOREACH(observe, word_count, struct limits)
{
    if (in->count == env->fail_at)
        fail("seen");
    observed_count++;
    observed_sum += (uint64_t)in->count;
}

BARKS_MAP_BATCHES(sum_batch, everything, word_count, struct limits)
{
    int64_t sum = 0, null_count = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        if (batch->big[i] == env->fail_at)
            fail("row %u", i);
        if (barks_has(batch->maybe_big, i))
            sum += batch->maybe_big.value[i];
        else
            null_count++;
        for (uint32_t k = 0; k < barks_item_count(batch->numbers, i); k++)
            sum += barks_items(batch->numbers, i)[k];
        if (barks_has(batch->maybe_place, i))
            sum += (int64_t)batch->maybe_place.value.x[i];
    }
    emit(.word = barks_str_make(out, "the sum of all numbers", 22), .count = sum);
    emit(.word = BARKS_STR_LITERAL("nulls"), .count = null_count);
    emit(.count = 0);
}

BARKS_FLAT_MAP(copy_frequent, word_count, everything, struct limits)
{
    /* Items on the stack: emit copies them. */
    int64_t numbers[3] = {in->count, in->count + 1, in->count + 2};
    bool flags[1] = {true};
    if (in->count == env->fail_at)
        fail("not this one");
    if (in->count < env->count_min)
        return;
    emit(.text = in->word, .big = in->count, .numbers = BARKS_ITEMS(numbers, 3),
         .flags = BARKS_ITEMS(flags, 1), .maybe_big = BARKS_SOME(in->count),
         .place = {.x = 0.5, .y = BARKS_SOME(1.5f)}, .maybe_text = BARKS_SOME(in->word));
    numbers[0] = -1;
}

BARKS_AGGREGATE(total_length, line, word_count)
{
    acc->count += in->text.length;
    if (in->text.length > acc->word.length)
        acc->word = in->text;
}

/* One made string in more rows than a flush takes. */
BARKS_FLAT_MAP(repeat, word_count, word_count)
{
    barks_str made = barks_str_make(out, "one string for many rows", 24);
    for (int64_t i = 0; i < in->count; i++)
        emit(.word = made, .count = i);
}

const barks_function *const split_words_handle = &split_words.function;
const barks_function *const split_tokens_handle = &split_tokens.function;
const barks_function *const add_counts_handle = &add_counts.function;
const barks_function *const latest_text_handle = &latest_text.function;
const barks_function *const is_frequent_handle = &is_frequent.function;
const barks_function *const copy_everything_handle = &copy_everything.function;
const barks_function *const greet_handle = &greet.function;
const barks_function *const observe_handle = &observe.function;
const barks_function *const sum_batch_handle = &sum_batch.function;
const barks_function *const copy_frequent_handle = &copy_frequent.function;
const barks_function *const total_length_handle = &total_length.function;
const barks_function *const repeat_handle = &repeat.function;
