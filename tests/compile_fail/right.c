/* No mistake: must compile, or the others would fail for another reason than they claim. */
#include "job.h"

BARKS_MAP(copy, word_count, word_count) { *out = *in; }
BARKS_PAIR(pair, line, word_count, word_count, struct limits)
{
    out->word = left->text;
    out->count = right != NULL ? right->count : env->count_min;
}

BARKS_GROUP(group, word_count, word_count)
{
    struct word_count row = {.count = 0};
    while (barks_next_row(rows, &row))
        emit(.word = row.word);
}

BARKS_COGROUP(cogroup, word_count, (lines, line), (counts, word_count))
{
    struct line row;
    while (barks_next_row(lines, &row))
        emit(.word = row.text, .count = barks_has_rows(counts));
    barks_rewind_rows(lines);
}

BARKS_MAP_PARTITIONS(count, line, word_count, struct limits)
{
    state->count_min += batch->row_count;
    if (phase == BARKS_CLOSE)
        emit(.count = state->count_min);
}

BARKS_PARTITION(partition, word_count) { return in->count % count; }

void job(void);
void job(void)
{
    const struct limits limits = {2};
    flat_map(split_words, NULL);
    filter(is_frequent, &limits);
    operation(BARKS_FUNCTION_OF(map, copy), NULL);
    operation(BARKS_FUNCTION_OF(pair, pair), BARKS_ENV_OF(pair, &limits));
    operation(BARKS_FUNCTION_OF(group, group), NULL);
    operation(BARKS_FUNCTION_OF(cogroup, cogroup), NULL);
    operation(BARKS_FUNCTION_OF(map_partitions, count), NULL);
    operation(BARKS_FUNCTION_OF(partition, partition), NULL);
}
