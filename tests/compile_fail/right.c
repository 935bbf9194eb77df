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

BARKS_FILTER_BATCHES(is_some, word_count, struct limits)
{
    for (uint32_t i = 0; i < batch->row_count; i++)
        keep[i] = batch->count[i] >= env->count_min;
}

static void free_limits(struct limits *limits) { (void)limits; }
BARKS_RESOURCE(shared_limits, struct limits, free_limits, struct limits) { *resource = *env; }
BARKS_FILTER(is_shared, word_count, struct limits)
{
    const struct limits *shared = barks_resource(shared_limits, env);
    return in->count >= shared->count_min;
}

void job(void);
void job(void)
{
    const struct limits limits = {2};
    flat_map(split_words, NULL);
    filter(is_frequent, &limits);
    filter(is_some, &limits);
    filter(is_shared, &limits);
    operation(BARKS_FUNCTION_OF(map, copy), NULL);
    operation(BARKS_FUNCTION_OF(pair, pair), BARKS_ENV_OF(pair, &limits));
    operation(BARKS_FUNCTION_OF(group, group), NULL);
    operation(BARKS_FUNCTION_OF(cogroup, cogroup), NULL);
    operation(BARKS_FUNCTION_OF(map_partitions, count), NULL);
    operation(BARKS_FUNCTION_OF(partition, partition), NULL);
}
