/* What the mistakes stand in: two records and functions of two kinds. */
#pragma once

#include "operations.h"

#include "barks/resource.h"

struct limits {
    int64_t count_min;
};

BARKS_RECORD(line, (str, text));
BARKS_RECORD(word_count, (str, word), (i64, count));

BARKS_FLAT_MAP(split_words, line, word_count)
{
    barks_str word;
    barks_words words = barks_words_of(in->text);
    while (barks_next_word(&words, &word))
        emit(.word = word, .count = 1);
}

BARKS_FILTER(is_frequent, word_count, struct limits) { return in->count >= env->count_min; }
